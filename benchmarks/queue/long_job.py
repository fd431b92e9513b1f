"""Makes an ended job with the curves that a long training leaves: four metrics, one point of each a step."""

from __future__ import annotations

from sqlalchemy import Connection, text

from models.ids import new_id
from models.recipes import RECIPES, resolve_params
from stores.maintenance.curves import Curves

CHUNK = 25  # steps in one event: two events a second at fifty steps a second
JOB = text("""
    INSERT INTO jobs (id, owner, kind, recipe, params, dataset, dataset_id, seed, queue, max_attempts, state,
                      finished_at)
    SELECT :job, :owner, 'train', 'mlp_gan', CAST(:params AS jsonb), name, id, 0, 'cpu', 3, 'succeeded', now()
      FROM datasets WHERE name = 'mnist-10k'
""")
CHUNKS = text("""
    INSERT INTO metrics (job_id, first_step, first_name, last_step, steps, values)
    SELECT :job, n * :size + 1, 'd_fake', (n + 1) * :size,
           ARRAY(SELECT n * :size + i FROM generate_series(1, :size) AS i),
           json_build_object('d_loss', points, 'g_loss', points, 'd_real', points, 'd_fake', points)
      FROM generate_series(0, cast(:chunks - 1 AS bigint)) AS n,
           LATERAL (SELECT json_agg(round((n * :size + i) * 7919 % 1000003 / 1000003.0, 6)) AS points
                      FROM generate_series(1, :size) AS i) AS chunk
""")


def add_job(connection: Connection, owner: str) -> str:
    """Add the job, without curves; return its id."""
    job = new_id("job")
    params = resolve_params(RECIPES["mlp_gan"], None, {}).model_dump_json()
    connection.execute(JOB, {"job": job, "owner": owner, "params": params})
    return job


def add_curves(connection: Connection, job: str, steps: int) -> None:
    """Add the chunks of so many steps."""
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    connection.execute(CHUNKS, {"job": job, "size": CHUNK, "chunks": steps // CHUNK})


def make_levels(curves: Curves) -> None:
    """Make the coarser levels of all curves, as supervisors do while they write."""
    found = curves.make_levels("")
    while found.more:
        found = curves.make_levels(found.cursor)
