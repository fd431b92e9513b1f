"""Whether a page of the list of jobs costs more among a million jobs than among a thousand, wherever it lies.

Two databases of one server, each behind an API process of its own, are asked in turn, so that whatever else the machine
does touches both alike. `ROWS=100000` shortens it.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import random
import time
from typing import Any

from sqlalchemy import text

from benchmarks.queue.api_server import Served, served, servers
from benchmarks.service import emit, percentile, spread

SMALL = 1000
LARGE = int(os.environ.get("ROWS", "1000000"))
PAGES = 300
OWNERS = 20

# Nine in ten have ended, most of them well; the rest waits.
FILL = text("""
INSERT INTO jobs (id, owner, kind, recipe, params, seed, queue, priority, max_attempts, state, error_code, labels,
                  finished_at, created_at)
SELECT 'job_' || lpad(to_hex(n), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'), 'owner-' || n % :owners,
       'sample', CASE WHEN n % 3 = 0 THEN 'dcgan' ELSE 'mlp_gan' END, '{}', 0, 'cpu', 0, 3, state,
       CASE WHEN state = 'failed' THEN 'diverged' END, jsonb_build_object('team', n % 7),
       CASE WHEN state <> 'queued' THEN now() END, now() - make_interval(secs => :rows - n)
  FROM (SELECT n, (ARRAY['queued', 'failed', 'canceled', 'succeeded'])[least(4, 1 + n % 10)] AS state
          FROM generate_series(1, :rows) AS n) AS made
""")
PLACES = text("SELECT created_at, id FROM jobs ORDER BY random() LIMIT :pages")

KINDS = {
    "all": "",
    "one_owner": "&owner=owner-3",
    "one_state": "&state=succeeded",
    "failed": "&state=failed",
}


def run() -> None:
    """Print p99 of pages at random places in both, by kind of list, and their ratio."""
    with (
        servers() as services,
        served(services, "pages_small") as small,
        served(services, "pages_large") as large,
    ):
        fill(small, SMALL)
        fill(large, LARGE)
        for kind, asked in KINDS.items():
            sides = [_Side(api, asked) for api in (small, large)]
            if any(side.refused for side in sides):
                continue  # a filter that this version does not have
            for n in range(PAGES):
                for side in sides:
                    side.ask(n)
            _print_comparison(kind, *sides)


class _Side:
    """One of the two, and how long its pages took."""

    def __init__(self, api: Served, asked: str) -> None:
        self._api = api
        self._link: http.client.HTTPConnection = api.connection()
        self._asked = asked
        self.took: list[float] = []
        status, page = api.call(self._link, "GET", f"/v1/jobs?limit=20{asked}")
        self.refused = status != 200
        self._cursor = page.get("next_cursor")
        draw = random.Random(0)
        with api.stores.infra.engine.connect() as connection:
            places = [tuple(row) for row in connection.execute(PLACES, {"pages": PAGES})]
        self._places = draw.sample(places, len(places))

    def ask(self, n: int) -> None:
        """Ask for the page that begins at the n-th random place."""
        created, job_id = self._places[n % len(self._places)]
        seal, _ = json.loads(base64.urlsafe_b64decode(self._cursor))
        place: list[Any] = [seal, [created.isoformat(), job_id]]
        cursor = base64.urlsafe_b64encode(json.dumps(place).encode()).decode()
        began = time.perf_counter()
        status, page = self._api.call(self._link, "GET", f"/v1/jobs?limit=20{self._asked}&cursor={cursor}")
        self.took.append(1000 * (time.perf_counter() - began))
        assert status == 200, page


def _print_comparison(kind: str, small: _Side, large: _Side) -> None:
    ratio = percentile(large.took, 0.99) / percentile(small.took, 0.99)
    emit(
        "page_of_jobs_ms",
        list=kind,
        rows=LARGE,
        **spread(large.took),
        of_a_thousand=spread(small.took),
        ratio_of_p99=round(ratio, 2),
        ratio_of_medians=round(spread(large.took)["median"] / spread(small.took)["median"], 2),
        target_ratio_of_p99=2.0,
    )


def fill(api: Served, rows: int) -> None:
    """Make jobs of many owners, as years of use would have left them."""
    with api.stores.infra.engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(FILL, {"rows": rows, "owners": OWNERS})
    with api.stores.infra.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM ANALYZE jobs"))
        connection.execute(text("RESET statement_timeout"))
