"""The state outside the process: Postgres (one writer of job state), broker, pub/sub bus, object store."""
