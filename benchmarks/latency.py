"""How long a job waits: from the answered POST to `running`, and to the first metric, on an idle worker."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import datetime

import redis

from benchmarks.service import Service, digits_job, emit, spread

RUNS = 50
BARE_RUNS = 200


def run(service: Service) -> None:
    """Print the figures, with a bare Celery task beside them."""
    bare = _bare_celery(f"{service.redis_url}/3")
    to_running, to_metric = [], []
    link = service.connection()
    for _ in range(RUNS):
        service.await_idle()
        _, job = service.call(link, "POST", "/v1/jobs", digits_job(params={"epochs": 1000}))
        answered = time.time()
        for event in service.client.events(job["id"]):
            moment = datetime.fromisoformat(event["at"]).timestamp()
            if event["type"] == "state" and event["data"]["to"] == "running":
                to_running.append(1000 * (moment - answered))
            elif event["type"] == "metric":
                to_metric.append(1000 * (moment - answered))
                break
        service.call(link, "POST", f"/v1/jobs/{job['id']}/cancel")
    emit("post_to_running_ms", **spread(to_running), runs=RUNS, target_median=50, target_max=250)
    emit("post_to_first_metric_ms", **spread(to_metric), runs=RUNS, target_max=1000)
    emit("bare_celery_send_to_start_ms", **spread(bare, 2), runs=len(bare))


def _bare_celery(broker: str) -> list[float]:
    """Send a bare task to a bare worker, one at a time; return milliseconds from send to start."""
    client = redis.Redis.from_url(broker, socket_timeout=90)  # longer than the wait below
    client.flushdb()
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "benchmarks.bare_celery", "worker", "--pool=threads", "--concurrency=1"],
        env={**os.environ, "BARE_CELERY_BROKER": broker},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.environ["BARE_CELERY_BROKER"] = broker
    from benchmarks.bare_celery import DONE, started  # noqa: PLC0415 - reads its broker when it is imported

    waits = []
    try:
        for _ in range(BARE_RUNS + 1):
            sent = time.time()
            started.delay()
            answer = client.blpop([DONE], timeout=60)
            assert answer is not None, "the bare worker did not start"
            waits.append(1000 * (float(answer[1]) - sent))
    finally:
        worker.terminate()
        worker.wait()
    return waits[1:]  # the first one waited for the worker to come up
