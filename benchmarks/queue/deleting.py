"""Ten thousand jobs into the trash, out of it and away for good: how long it takes, and what others notice meanwhile.

The jobs have events and files as after a short training; the files have rows only, since what the object store takes is
its own matter. Clients ask for jobs and lists before and during each order. `ROWS=1000` shortens it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import text

from benchmarks.queue.api_server import Served, served, servers
from benchmarks.service import emit, percentile, spread

ROWS = int(os.environ.get("ROWS", "10000"))
# The service's own jobs beside them, which the clients look at.
OTHERS = 1000
EVENTS, FILES = 50, 10
QUIET_S = 10.0
CLIENTS = 2

MADE = "'job_' || lpad(to_hex(n), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0')"
WORKER = """
INSERT INTO workers (id, name, queue, device, host, pid) VALUES ('wrk_0', 'bench', 'cpu', '{"kind": "cpu"}', 'bench', 1)
"""
JOBS = f"""
INSERT INTO jobs (id, owner, kind, recipe, params, seed, queue, priority, max_attempts, state, labels, attempt, fence,
                  finished_at, last_seq)
SELECT {MADE}, 'root', 'sample', 'mlp_gan', '{{}}', 0, 'cpu', 0, 3, 'succeeded',
       jsonb_build_object('kept', (n > :rows)::text), 1, 1, now(), :events
  FROM generate_series(1, :rows + :others) AS n
"""  # noqa: S608 - a fragment of this module
ATTEMPTS = """
INSERT INTO attempts (job_id, number, fence, worker_id, ended_at, outcome)
SELECT id, 1, 1, 'wrk_0', now(), 'succeeded' FROM jobs
"""
HAPPENED = """
INSERT INTO events (job_id, seq, attempt, type, data)
SELECT id, n, 1, 'metric', '{"epoch": 1, "steps": [1], "values": {"d_loss": [0.5]}}'
  FROM jobs CROSS JOIN generate_series(1, :events) AS n
"""
STORED = """
INSERT INTO artifacts (id, job_id, attempt, fence, kind, name, bytes, sha256, content_type, object_key)
SELECT replace(id, 'job_', 'art_') || n, id, 1, 1, 'grid', n || '.png', 1000, repeat('0', 64), 'image/png',
       'jobs/' || id || '/1/' || n
  FROM jobs CROSS JOIN generate_series(1, :files) AS n
"""


def run() -> None:
    """Print seconds of each order, and the p99 of other requests beside it as a ratio to that before."""
    with servers() as services, served(services, "deleting") as api:
        _fill(api)
        before: list[float] = []
        with _clients(api, before):
            time.sleep(QUIET_S)
        link = api.connection()
        for action in ("delete", "restore", "delete", "purge"):
            took: list[float] = []
            order = {"action": action, "filter": {"label": "kept=false"}, "expected": ROWS}
            with _clients(api, took):
                began = time.perf_counter()
                status, answer = api.call(link, "POST", "/v1/jobs/bulk", order)
                seconds = time.perf_counter() - began
            assert (status, answer["changed"]) == (202, ROWS), answer
            _print(action, seconds, took, before)
        took = []
        with _clients(api, took):
            began = time.perf_counter()
            while api.stores.maintenance.purge.remove().done:
                pass
            seconds = time.perf_counter() - began
        _print("remove rows", seconds, took, before)


def _print(action: str, seconds: float, took: list[float], before: list[float]) -> None:
    emit(
        "deleting",
        action=action,
        jobs=ROWS,
        seconds=round(seconds, 2),
        target_seconds=10.0,
        others_ms=spread(took),
        others_before_ms=spread(before),
        ratio_of_p99=round(percentile(took, 0.99) / percentile(before, 0.99), 2),
        target_ratio_of_p99=2.0,
    )


def _fill(api: Served) -> None:
    amounts = {"rows": ROWS, "others": OTHERS, "events": EVENTS, "files": FILES}
    with api.stores.infra.engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        for statement in (WORKER, JOBS, ATTEMPTS, HAPPENED, STORED):
            query = text(statement)
            connection.execute(query, {name: amounts[name] for name in query._bindparams})
    with api.stores.infra.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("RESET statement_timeout"))


@contextmanager
def _clients(api: Served, took: list[float]) -> Iterator[None]:
    """Ask for a job and a list in turn, in threads, for the block; `took` gets the milliseconds of each."""
    done = threading.Event()
    last = ROWS + OTHERS
    job = f"job_{last:08x}-0000-7000-8000-{last:012x}"

    def ask() -> None:
        link = api.connection()
        paths: list[Any] = [f"/v1/jobs/{job}", "/v1/jobs?limit=20&label=kept=true"]
        while not done.is_set():
            for path in paths:
                began = time.perf_counter()
                status, answer = api.call(link, "GET", path)
                took.append(1000 * (time.perf_counter() - began))
                assert status == 200, answer

    threads = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()
