"""The curves of a long job, thinned for drawing: 100,000 points of four metrics, through the API."""

from __future__ import annotations

import json
import random
import time

from sqlalchemy import text

from benchmarks.queue.api_server import Served, served, servers
from benchmarks.service import emit, spread
from models.ids import new_id
from models.recipes import RECIPES, resolve_params

POINTS = 100_000
CHUNK = 25  # steps in one event: two events a second at fifty steps a second
NAMES = ("d_loss", "g_loss", "d_real", "d_fake")
RUNS = 30


def run() -> None:
    """Print how long the curves take, all of them and one, and a page of the events."""
    with servers() as services, served(services, "long_job") as api:
        job = fill(api)
        _weigh(api)
        link = api.connection()
        for what, path in (
            ("all_metrics", f"/v1/jobs/{job}/metrics?max_points=1000"),
            ("one_metric", f"/v1/jobs/{job}/metrics?max_points=1000&names=d_loss"),
            ("page_of_events", f"/v1/jobs/{job}/events?after={POINTS // CHUNK // 2}&limit=100"),
        ):
            took = []
            for _ in range(RUNS):
                began = time.perf_counter()
                status, body = api.call(link, "GET", path)
                took.append(1000 * (time.perf_counter() - began))
                assert status == 200, body
            emit("long_job_ms", what=what, points=POINTS, **spread(took), target_p99=200)


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
    return job
