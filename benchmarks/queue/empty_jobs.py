"""Ten thousand jobs that do nothing and two hundred real ones through four workers: none lost, none run twice.

And what the queue costs a job beside a bare Celery task on the same broker: from submission to running, as a ratio.
`EMPTY=1000 REAL=20 ALONE=20` shortens it.
"""

from __future__ import annotations

import os
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text

from benchmarks.latency import _bare_celery
from benchmarks.queue import idle_trainer
from benchmarks.queue.api_server import Served, running, served, servers
from benchmarks.service import emit, spread

EMPTY = int(os.environ.get("EMPTY", "10000"))
REAL = int(os.environ.get("REAL", "200"))
WORKERS = 4
CLIENTS = 4
ALONE = int(os.environ.get("ALONE", "100"))  # jobs sent one at a time, for the latency
PATIENCE_S = 3600.0

JOB: dict[str, Any] = {"kind": "train", "recipe": "mlp_gan", "dataset": "mnist-10k", "queue": "cpu"}
QUICK = {"images": 256, "width": 8}


def run() -> None:
    """Print losses, doubles, the rate, and the wait of a single job with its ratio to bare Celery."""
    with servers() as services, served(services, "empty_jobs", GANFORGE_API_PROCESSES="2") as api:
        script, ran = idle_trainer.write(services.home.path)
        bare = _bare_celery(f"{services.redis_url}/3")
        beat = ["celery", "-A", "sweeper.sweeper", "beat", "-S", "sweeper.sweeper:Sweeper", "--pidfile="]
        with running(services, "sweeper", beat, api.environment):
            with _workers(api, script, 1):
                _wait_of_one(api, idle_trainer.begun(ran), bare)
            with _workers(api, script, WORKERS):
                _flood(api, ran)


def _wait_of_one(api: Served, begun: Path, bare: list[float]) -> None:
    """Submit to a free worker, one job right after another: free is one whose next trainer has been started ahead."""
    link = api.connection()
    waits = []
    for number in range(ALONE + 1):
        while begun.stat().st_size <= number:
            time.sleep(0.01)
        status, job = api.call(link, "POST", "/v1/jobs", {**JOB, "params": QUICK})
        assert status == 201, job
        done = _await_end(api, link, job["id"])
        if number:  # the first one waited for the worker to come up
            waits.append(1000 * (_moment(done["started_at"]) - _moment(done["created_at"])))
    emit(
        "submitted_to_running_ms",
        **spread(waits, 2),
        bare_celery_median=round(statistics.median(bare), 2),
        ratio_to_bare_celery=round(statistics.median(waits) / statistics.median(bare), 2),
    )


def _moment(written: str) -> float:
    return datetime.fromisoformat(written).timestamp()


def _await_end(api: Served, link: Any, job_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        _, job = api.call(link, "GET", f"/v1/jobs/{job_id}")
        if job["finished_at"]:
            return dict(job)
        time.sleep(0.02)
    raise TimeoutError(f"job {job_id} did not end")


def _flood(api: Served, ran: Path) -> None:
    """Submit everything at once and wait until nothing is left to do; then count."""
    before = len(ran.read_text().splitlines())
    began = time.monotonic()
    real = {number * (EMPTY + REAL) // max(1, REAL) for number in range(REAL)}  # spread evenly among the empty ones
    with ThreadPoolExecutor(CLIENTS) as pool:
        accepted = list(pool.map(lambda n: _submit(api, n in real), range(EMPTY + REAL), chunksize=50))
    submitted_s = time.monotonic() - began
    while (left := _left(api)) and time.monotonic() - began < PATIENCE_S:
        time.sleep(0.5)
    wall_s = time.monotonic() - began
    runs = Counter(ran.read_text().splitlines()[before:])
    with api.stores.infra.engine.connect() as connection:
        rows = connection.execute(text("SELECT id, state, attempt FROM jobs WHERE id = ANY(:ids)"), {"ids": accepted})
        jobs = {row.id: row for row in rows}
    emit(
        "flood",
        empty=EMPTY,
        real=REAL,
        workers=WORKERS,
        lost=sum(job_id not in jobs or jobs[job_id].state != "succeeded" for job_id in accepted),
        run_twice=sum(runs[job_id] > 1 for job_id in accepted),
        never_run=sum(runs[job_id] == 0 for job_id in accepted),
        attempted_twice=sum(job.attempt != 1 for job in jobs.values()),
        unfinished=left,
        submitted_per_second=round(len(accepted) / submitted_s, 1),
        finished_per_second=round(len(accepted) / wall_s, 1),
        seconds=round(wall_s),
        target_lost=0,
        target_run_twice=0,
    )


def _submit(api: Served, real: bool) -> str:
    link = api.connection()
    seed = idle_trainer.REAL if real else 0
    status, job = api.call(link, "POST", "/v1/jobs", {**JOB, "params": QUICK, "seed": seed})
    link.close()
    assert status == 201, job
    return str(job["id"])


def _left(api: Served) -> int:
    query = text("SELECT count(*) FROM jobs WHERE state IN ('queued', 'running', 'paused')")
    with api.stores.infra.engine.connect() as connection:
        return connection.scalar(query) or 0


@contextmanager
def _workers(api: Served, script: Path, count: int) -> Iterator[None]:
    """Run supervisors whose trainers do nothing."""
    pool = ["--pool=threads", "--concurrency=1", "-Q", "cpu", "--without-gossip", "--without-mingle"]
    with ExitStack() as stack:
        for number in range(count):
            name = f"bench-{count}-{number}"
            own = {
                "GANFORGE_TRAINER_PYTHON": str(script),
                "GANFORGE_WORKER_NAME": name,
                "GANFORGE_THREADS": "1",
                "GANFORGE_HOME": f"{api.environment['GANFORGE_HOME']}/{name}",
            }
            module = ["celery", "-A", "worker.celery_app", "worker", *pool, "-n", f"{name}.{os.getpid()}@%h"]
            stack.enter_context(running(api.services, name, module, {**api.environment, **own}))
        yield
