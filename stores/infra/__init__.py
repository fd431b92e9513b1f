"""What the other stores stand on: the database, the broker, the object store, settings, logs."""
