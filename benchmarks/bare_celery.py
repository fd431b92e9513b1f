"""A Celery task that does nothing but say when it started: what any service on Celery has to be compared with."""

from __future__ import annotations

import os
import time

import redis
from celery import Celery

BROKER = os.environ.get("BARE_CELERY_BROKER", "redis://127.0.0.1:6379/3")
DONE = "bare-celery-started"

app = Celery("bare", broker=BROKER)
app.conf.update(task_ignore_result=True, worker_enable_remote_control=False, task_default_queue="bare")
_redis = redis.Redis.from_url(BROKER)


@app.task(name="bare.started")
def started() -> None:
    """Write the time of the start."""
    _redis.rpush(DONE, repr(time.time()))
