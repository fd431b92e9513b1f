"""The supervisor: a Celery worker pinned to one device. It claims a job, runs a trainer process, and reports."""
