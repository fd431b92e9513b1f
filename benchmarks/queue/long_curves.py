"""The curves of a long job, thinned for drawing, through the API: 100,000 and four million points of four metrics."""

from __future__ import annotations

import json
import random
import time
from http.client import HTTPConnection
from pathlib import Path

import psutil
from sqlalchemy import text

from benchmarks.queue.api_server import Served, served, servers
from benchmarks.service import emit, spread
from models.ids import new_id
from models.recipes import RECIPES, resolve_params

POINTS = 100_000
CHUNK = 25  # steps in one event: two events a second at fifty steps a second
NAMES = ("d_loss", "g_loss", "d_real", "d_fake")
RUNS = 30
MILLIONS = 4_000_000
CHUNKS = text("""
    INSERT INTO metrics (job_id, first_step, first_name, last_step, steps, values)
    SELECT :job, n * :size + 1, 'd_fake', (n + 1) * :size,
           ARRAY(SELECT n * :size + i FROM generate_series(1, :size) AS i),
           json_build_object('d_loss', points, 'g_loss', points, 'd_real', points, 'd_fake', points)
      FROM generate_series(0, cast(:chunks - 1 AS bigint)) AS n,
           LATERAL (SELECT json_agg(round((n * :size + i) * 7919 % 1000003 / 1000003.0, 6)) AS points
                      FROM generate_series(1, :size) AS i) AS chunk
""")


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
    with api.stores.infra.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        for statement in ("SET statement_timeout = 0", "TRUNCATE curve_levels, metrics"):
            connection.execute(text(statement))
        connection.execute(CHUNKS, {"job": job, "size": CHUNK, "chunks": MILLIONS // CHUNK})
        connection.execute(text("VACUUM ANALYZE metrics"))
    _measure_millions(api, link, job, "without_levels", 1)
    began = time.perf_counter()
    make_levels(api)
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
    draw = random.Random(0)
    params = resolve_params(RECIPES["mlp_gan"], None, {}).model_dump(mode="json")
    job = new_id("job")
    chunks = []
    for first in range(1, points + 1, CHUNK):
        steps = list(range(first, first + CHUNK))
        values = {name: [round(draw.gauss(1, 0.3), 6) for _ in steps] for name in NAMES}
        chunks.append((steps, values))
    with api.stores.infra.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO jobs (id, owner, kind, recipe, params, dataset, dataset_id, seed, queue,"
                " max_attempts, state, finished_at, last_seq) SELECT :id, 'bench', 'train', 'mlp_gan',"
                " CAST(:params AS jsonb), name, id, 0, 'cpu', 3, 'succeeded', now(), :seq"
                " FROM datasets WHERE name = 'mnist-10k'"
            ),
            {"id": job, "seq": len(chunks), "params": json.dumps(params)},
        )
    with api.stores.infra.engine.begin() as connection:
        rows = [
            {"job": job, "seq": seq, "first": steps[0], "last": steps[-1], "steps": steps, "values": json.dumps(values)}
            for seq, (steps, values) in enumerate(chunks, 1)
        ]
        connection.execute(
            text(
                "INSERT INTO metrics (job_id, first_step, first_name, last_step, steps, values)"
                " VALUES (:job, :first, 'd_fake', :last, :steps, CAST(:values AS json))"
            ),
            rows,
        )
        connection.execute(
            text(
                "INSERT INTO events (job_id, seq, attempt, type, data) VALUES (:job, :seq, 1, 'metric',"
                " jsonb_build_object('epoch', 1, 'steps', to_jsonb(CAST(:steps AS int[])),"
                " 'values', CAST(:values AS jsonb)))"
            ),
            rows,
        )
    make_levels(api)
    return job


def make_levels(api: Served) -> None:
    """Make the coarser levels of all curves, as supervisors do while they write."""
    found = api.stores.maintenance.curves.make_levels("")
    while found.more:
        found = api.stores.maintenance.curves.make_levels(found.cursor)
