"""What years of use would have left in the database, for the attacks that read it."""

from __future__ import annotations

from sqlalchemy import create_engine, text

from benchmarks.queue.job_list import FILL, OWNERS
from benchmarks.queue.long_job import add_curves, add_job, make_levels
from benchmarks.service import Service, digits_job
from ganforge.client import Client
from stores.maintenance.curves import Curves

STEPS = 4_000_000
JOBS = 200_000


def job_of_many_steps(service: Service, owner: str) -> str:
    """Make an ended job of four million steps with four curves; return its id."""
    engine = create_engine(service.stack.services.database_url)
    with engine.begin() as connection:
        job = add_job(connection, owner)
        add_curves(connection, job, STEPS)
    make_levels(Curves(engine))  # the sweeper's work, finished before the attack begins
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
