"""Whether a claim costs more when more jobs wait or more workers ask: real claims on a database of its own.

Each depth has a database of its own on one server, and they are measured in turn, round by round, so that whatever else
the machine does touches all alike.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import alembic.command
import alembic.config
import psycopg
from sqlalchemy import Engine, create_engine, text

from benchmarks.queue.api_server import create_database
from benchmarks.service import emit, percentile
from ganforge.stack.home import Home
from ganforge.stack.services import Services
from stores.fleet.workers import Workers
from stores.jobs.claim import take_job

DEPTHS = (10, 10_000, 1_000_000)
CLAIMERS = (1, 8, 32)
OWNERS = 10
# In ten rows there is nothing more to take; a ratio needs as many claims at every depth, so they are put back.
CLAIMS = 192
ROUNDS = 5

FILL = text("""
INSERT INTO jobs (id, owner, kind, recipe, params, seed, queue, priority, max_attempts, state, created_at, ordered_at)
SELECT 'job_' || lpad(n::text, 12, '0'), 'owner-' || n % :owners, 'sample', 'mlp_gan', '{}', 0, 'cpu', 0, 3, 'queued',
       now() - make_interval(secs => :rows - n), now() - make_interval(secs => :rows - n)
  FROM generate_series(1, :rows) AS n
""")
ENDED = text("UPDATE attempts SET ended_at = now(), outcome = 'interrupted' WHERE job_id = :id AND ended_at IS NULL")
# As a finished attempt leaves the row, and not at once: the place at the head of the line is another's now.
PUT_BACK = text("""
UPDATE jobs SET state = 'queued', lease_until = NULL, worker_id = NULL, interruptions = attempt,
                ordered_at = clock_timestamp()
 WHERE id = :id
""")


def run() -> None:
    """Print the median and p99 of a claim, claims a second, and ratios to the shortest queue."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ganforge-bench-"))
        services = stack.enter_context(Services(Home(Path(folder))))
        engines = {depth: stack.enter_context(_database(services, depth)) for depth in DEPTHS}
        for claimers in CLAIMERS:
            sides = {depth: _Side() for depth in DEPTHS}
            for _ in range(ROUNDS):
                for depth, engine in engines.items():
                    sides[depth].add(*_claim_at_once(engine, claimers))
            base = sides[DEPTHS[0]].median
            for depth, side in sides.items():
                side.tell(depth, claimers, base)


@dataclass
class _Side:
    """What was measured at one depth: the medians of its rounds, all waits, claims a second, claims in vain."""

    medians: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    empty: int = 0

    @property
    def median(self) -> float:
        """Seconds of a claim."""
        return statistics.median(self.medians)

    def add(self, took: list[float], wall: float, nothing: int) -> None:
        """Take a round."""
        self.medians.append(statistics.median(took))
        self.waits += took
        self.rates.append(len(took) / wall)
        self.empty += nothing

    def tell(self, depth: int, claimers: int, base: float) -> None:
        """Print the figures."""
        emit(
            "claim_ms",
            queued=depth,
            claimers=claimers,
            median=round(1000 * self.median, 3),
            p99=round(1000 * percentile(self.waits, 0.99), 3),
            claims_per_second=round(statistics.median(self.rates), 1),
            got_nothing=self.empty,
            ratio_to_ten=round(self.median / base, 2),
            target_ratio_max=2.0,
        )


def _claim_at_once(engine: Engine, claimers: int) -> tuple[list[float], float, int]:
    """Let every claimer claim and put back; return seconds of each claim, of all together, and how many got nothing."""
    start = threading.Barrier(claimers + 1)
    worker = Workers(engine).register("bench", "cpu", {"kind": "cpu"})

    def claimer() -> tuple[list[float], int]:
        took, nothing = [], 0
        start.wait()
        for _ in range(CLAIMS // claimers):
            began = time.perf_counter()
            with engine.begin() as connection:
                row = take_job(connection, queue="cpu", worker=worker, device="bench", lease_s=60)
            if row is None:
                nothing += 1  # ten rows are not enough for everybody at once
                continue
            took.append(time.perf_counter() - began)
            with engine.begin() as connection:
                connection.execute(ENDED, {"id": row["id"]})
                connection.execute(PUT_BACK, {"id": row["id"]})
        return took, nothing

    with ThreadPoolExecutor(claimers) as pool:
        futures = [pool.submit(claimer) for _ in range(claimers)]
        start.wait()
        began = time.perf_counter()
        results = [future.result() for future in futures]
        wall = time.perf_counter() - began
    return [second for took, _ in results for second in took], wall, sum(nothing for _, nothing in results)


@contextmanager
def _database(services: Services, depth: int) -> Iterator[Engine]:
    """Make a database with `depth` queued rows for the block, and drop it."""
    name = f"claims_{depth}"
    create_database(services, name)
    admin = psycopg.connect(services.admin_dsn_for("postgres"), autocommit=True)
    engine = create_engine(
        services.database_url_for(name), pool_size=max(CLAIMERS), connect_args={"connect_timeout": 5}
    )
    try:
        with engine.connect() as connection:
            config = alembic.config.Config("alembic.ini", attributes={"connection": connection})
            alembic.command.upgrade(config, "head")
            connection.invalidate()  # its session has the lock and the limits of migrations
        with engine.begin() as connection:
            connection.execute(FILL, {"rows": depth, "owners": OWNERS})
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE jobs"))
        admin.execute("CHECKPOINT")  # what the filling left to be written is not the claims' doing
        yield engine
    finally:
        engine.dispose()
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
        admin.close()
