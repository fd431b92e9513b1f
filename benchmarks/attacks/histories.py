"""What years of use would have left in the database, for the attacks that read it."""

from __future__ import annotations

import json

from sqlalchemy import create_engine, text

from benchmarks.queue.job_list import FILL, OWNERS
from benchmarks.service import Service, digits_job
from ganforge.client import Client
from models.ids import new_id
from models.recipes import RECIPES, resolve_params
from stores.maintenance.curves import Curves
from stores.maintenance.periodic import Round

STEPS = 4_000_000
CHUNK = 100
JOBS = 200_000

_JOB = text("""
INSERT INTO jobs (id, owner, kind, recipe, params, dataset, dataset_id, seed, queue, max_attempts, state, finished_at)
SELECT :id, :owner, 'train', 'mlp_gan', CAST(:params AS jsonb), name, id, 0, 'cpu', 3, 'succeeded', now()
  FROM datasets WHERE name = 'mnist-10k'
""")
_CURVES = text("""
INSERT INTO metrics (job_id, first_step, first_name, last_step, steps, values)
SELECT :id, n + 1, 'd_fake', n + :chunk, ARRAY(SELECT generate_series(n + 1, n + :chunk)), CAST(:values AS json)
  FROM generate_series(0, :steps - 1, :chunk) AS n
""")


def job_of_many_steps(service: Service, owner: str) -> str:
    """Make an ended job of four million steps with four curves; return its id."""
    job = new_id("job")
    params = resolve_params(RECIPES["mlp_gan"], None, {}).model_dump_json()
    values = {
        name: [round(0.5 + n / 1000, 4) for n in range(CHUNK)] for name in ("d_loss", "g_loss", "d_real", "d_fake")
    }
    engine = create_engine(service.stack.services.database_url)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(_JOB, {"id": job, "owner": owner, "params": params})
        connection.execute(_CURVES, {"id": job, "chunk": CHUNK, "steps": STEPS, "values": json.dumps(values)})
    curves, found = Curves(engine), Round(0, more=True)
    while found.more:  # the sweeper's work, finished before the attack begins
        found = curves.make_levels(found.cursor)
    engine.dispose()
    return job


def waiting_job(service: Service, owner: str) -> str:
    """Make a job that waits; return its id."""
    key = service.client.create_key(f"waits-{owner}", owner=owner)
    with Client(service.url, key["key"]) as client:
        return client.submit(digits_job(queue="cpu"))["id"]


def many_jobs(service: Service, _owner: str) -> str:
    """Make 200,000 jobs of many owners; none of them is the attacker's."""
    engine = create_engine(service.stack.services.database_url)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(FILL, {"rows": JOBS, "owners": OWNERS})
    engine.dispose()
    return ""
