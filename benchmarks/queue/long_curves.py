"""The curves of a long job, thinned for drawing, through the API: 100,000 and four million points of four metrics."""

from __future__ import annotations

import time
from http.client import HTTPConnection
from pathlib import Path

import psutil
from sqlalchemy import text

from benchmarks.queue.api_server import Served, served, servers
from benchmarks.queue.long_job import CHUNK, add_curves, add_job, make_levels
from benchmarks.service import emit, spread

POINTS = 100_000
RUNS = 30
MILLIONS = 4_000_000
EVENTS = text("""
    INSERT INTO events (job_id, seq, attempt, type, data)
    SELECT job_id, row_number() OVER (ORDER BY first_step), 1, 'metric',
           jsonb_build_object('epoch', 1, 'steps', to_jsonb(steps), 'values', CAST(values AS jsonb))
      FROM metrics WHERE job_id = :job
""")
COUNT = text("UPDATE jobs SET last_seq = (SELECT max(seq) FROM events WHERE job_id = :job) WHERE id = :job")


def run() -> None:
    """Print how long the curves take, all of them and one, and a page of the events; then those of a longer job."""
    with servers() as services, served(services, "long_job") as api:
        job = fill(api)
        _weigh(api)
        link = api.connection()
        for what, path in (
            ("all_metrics", f"/v1/jobs/{job}/metrics?max_points=1000"),
            ("one_metric", f"/v1/jobs/{job}/metrics?max_points=1000&names=d_loss"),
            ("page_of_events", f"/v1/jobs/{job}/events?after={POINTS // CHUNK // 2}&limit=100"),
        ):
            emit("long_job_ms", what=what, points=POINTS, **_times(api, link, path, RUNS), target_p99=200)
        _millions(api, link, job)


def _times(api: Served, link: HTTPConnection, path: str, runs: int) -> dict[str, float]:
    took = []
    for _ in range(runs):
        began = time.perf_counter()
        status, body = api.call(link, "GET", path)
        took.append(1000 * (time.perf_counter() - began))
        assert status == 200, body
    return spread(took)


def _millions(api: Served, link: HTTPConnection, job: str) -> None:
    """Print what the curves of four million steps take: without levels, their making, and with them."""
    with api.stores.infra.engine.begin() as connection:
        connection.execute(text("TRUNCATE curve_levels, metrics"))
        add_curves(connection, job, MILLIONS)
    with api.stores.infra.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in ("SET statement_timeout = 0", "VACUUM ANALYZE metrics"):
            connection.execute(text(statement))
    _measure_millions(api, link, job, "without_levels", 1)
    began = time.perf_counter()
    make_levels(api.stores.maintenance.curves)
    emit("levels_made_s", points=MILLIONS, seconds=round(time.perf_counter() - began, 1))
    _measure_millions(api, link, job, "with_levels", RUNS)
    size = text("SELECT pg_total_relation_size('curve_levels') AS levels, pg_total_relation_size('metrics') AS metrics")
    with api.stores.infra.engine.connect() as connection:
        row = connection.execute(size).one()
    emit("mb_of_curves", points=MILLIONS, metrics=row.metrics >> 20, levels=row.levels >> 20)


def _measure_millions(api: Served, link: HTTPConnection, job: str, what: str, runs: int) -> None:
    before = _peak(api)
    for asked in (500, 1000, 100_000):
        times = _times(api, link, f"/v1/jobs/{job}/metrics?max_points={asked}", runs)
        emit("four_million_points_ms", what=what, max_points=asked, **times, peak_grown_mb=(_peak(api) - before) >> 10)


def _peak(api: Served) -> int:
    """Return the kilobytes of memory that the API's processes had at most."""
    assert api.child.group is not None
    processes = psutil.Process(api.child.group.pid).children(recursive=True)
    facts = [Path(f"/proc/{process.pid}/status").read_text() for process in processes]
    return sum(int(line.split()[1]) for text in facts for line in text.splitlines() if line.startswith("VmHWM"))


def _weigh(api: Served) -> None:
    """Print what an event and its part of the curves take on disk, indexes included."""
    size = text("SELECT pg_total_relation_size('events') AS events, pg_total_relation_size('metrics') AS metrics")
    with api.stores.infra.engine.connect() as connection:
        row = connection.execute(size).one()
    chunks = POINTS // CHUNK
    emit("bytes_of_an_event", in_events=row.events // chunks, in_metrics=row.metrics // chunks, steps=CHUNK)


def fill(api: Served, points: int = POINTS) -> str:
    """Make a job of so many steps with its curves and events, as a training run would leave them; return its id."""
    with api.stores.infra.engine.begin() as connection:
        job = add_job(connection, "bench")
        add_curves(connection, job, points)
        connection.execute(EVENTS, {"job": job})
        connection.execute(COUNT, {"job": job})
    make_levels(api.stores.maintenance.curves)
    return job
