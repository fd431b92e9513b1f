"""`python -m benchmarks.finding`: how long searches and orders take over 100,000 jobs, in a database of their own.

Prints one JSON line a query: the 95th percentile in milliseconds of REPEATS runs, over one owner's jobs and over all.
What is timed is what `GET /v1/jobs` asks of the database: 21 rows with their views.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import text

from api.setup import migrate
from ganforge.stack.home import Home
from ganforge.stack.services import Services
from models.recipes import RECIPES
from stores.container import Stores, open_stores
from stores.infra.settings import Settings
from stores.jobs.filter import JobFilter
from stores.jobs.query.conditions import conditions
from stores.queries.jobs_in_order import JobOrder

JOBS = 100_000
REPEATS = 40
PAGE = 21
# A tenth of the jobs have a name of words, a hundredth have notes; the parameters are those of dcgan.
FILL = """
INSERT INTO jobs (id, owner, kind, recipe, dataset, dataset_id, params, seed, queue, priority, name, labels, notes,
                  project, starred, max_attempts, state, last_metrics, fd_ratio, extractor,
                  created_at, started_at, finished_at, ran, error_code)
SELECT 'job_' || gen_random_uuid(), 'owner' || n % 20, 'train', CASE WHEN n % 5 = 0 THEN 'wgan_gp' ELSE 'dcgan' END,
       'mnist-10k', (SELECT id FROM datasets LIMIT 1),
       cast(:params AS jsonb)
           || jsonb_build_object('batch_size', 16 * (1 + n % 16), 'd_learning_rate', (n % 997) / 1e5),
       n, 'cpu', n % 21 - 10, CASE WHEN n % 10 = 0 THEN 'digits run ' || n || ' ' || left(md5(n::text), 8) END,
       jsonb_build_object('team', n % 50, 'sweep', 'lr-' || n % 300),
       CASE WHEN n % 100 = 0 THEN 'Looks like ' || md5(n::text) || ' to me' END,
       CASE WHEN n % 3 = 0 THEN 'project ' || n % 60 END, n % 200 = 0, 3,
       CASE WHEN n % 40 = 0 THEN 'failed' ELSE 'succeeded' END,
       jsonb_build_object('g_loss', (n % 1009) / 100.0, 'd_loss', (n % 503) / 100.0),
       CASE WHEN n % 4 = 0 THEN 1 + (n % 1013) / 100.0 END, CASE WHEN n % 4 = 0 THEN repeat('a', 64) END,
       now() - n * interval '1 min', now() - n * interval '1 min',
       now() - n * interval '1 min' + (n % 5000) * interval '1 s', (n % 5000) * interval '1 s',
       CASE WHEN n % 40 = 0 THEN 'out_of_memory' END
  FROM generate_series(1, :count) AS n
"""
SEARCHES = (
    "digits",
    "4fa3c1",
    "nothing-has-this",
    "recipe:wgan_gp params.batch_size>=64",
    "params.d_learning_rate<0.00002",
    "params.batch_size>1000",
    "last.g_loss<0.02",
    "last.g_loss<-1",
    "best.fd_ratio<1.05",
    'project:"project 3"',
    "label:sweep=lr-7",
    "error:out_of_memory -digits",
    "is:starred state:failed",
    "duration>4990",
    "-recipe:dcgan,wgan_gp",
)
SORTS = ("finished_at", "-name", "-priority", "-duration", "fd_ratio")


def main() -> None:
    """Measure, and print."""
    with TemporaryDirectory() as folder, Services(Home(Path(folder)), durable=False) as services:
        stores = open_stores(Settings(database_url=services.database_url))
        migrate(stores.infra.engine)
        _fill(stores)
        worst = []
        for owner in ("owner3", None):
            for search in SEARCHES:
                wanted = JobFilter(owner=owner, conditions=conditions(search))
                worst.append(_timed(f"q={search}", owner, lambda w=wanted: stores.queries.jobs.jobs(w, PAGE, None)))  # type: ignore[misc]
            for sort in SORTS:
                order = JobOrder(sort.removeprefix("-"), falling=sort.startswith("-"))
                wanted = JobFilter(owner=owner)
                worst.append(
                    _timed(
                        f"sort={sort}",
                        owner,
                        lambda w=wanted, o=order: stores.queries.jobs.jobs_in_order(w, o, PAGE, None),  # type: ignore[misc]
                    )
                )
        print(
            json.dumps(
                {"figure": "p95_ms_worst", "jobs": JOBS, "value": max(worst), "median": statistics.median(worst)}
            )
        )
        stores.close()


def _fill(stores: Stores) -> None:
    stores.datasets.register_known([])
    params = json.dumps(RECIPES["dcgan"].params().model_dump(mode="json"))
    begun = time.perf_counter()
    with stores.infra.engine.begin() as connection:
        connection.execute(text(FILL), {"params": params, "count": JOBS})
    with stores.infra.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("VACUUM ANALYZE jobs"))
    sys.stderr.write(f"{JOBS:,} jobs in {time.perf_counter() - begun:.0f} s\n")


def _timed(name: str, owner: str | None, ask: Callable[[], object]) -> float:
    """Return the 95th percentile of the time, in milliseconds."""
    took = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        ask()
        took.append((time.perf_counter() - begun) * 1000)
    p95 = round(statistics.quantiles(took, n=20)[-1], 1)
    print(json.dumps({"figure": "p95_ms", "of": name, "owner": owner or "all", "value": p95}), flush=True)
    return p95


if __name__ == "__main__":
    main()
