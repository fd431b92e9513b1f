"""How long the server takes for the pages of the dashboard among 100,000 jobs, one of them with 100,000 points.

`ROWS=1000000` lengthens it. What is counted is the time to the last byte of the page itself, compressed.
"""

from __future__ import annotations

import http.client
import os
import re
import time
from urllib.parse import urlencode

from benchmarks.queue.api_server import Served, served, servers
from benchmarks.queue.job_list import fill
from benchmarks.queue.long_curves import fill as fill_long_job
from benchmarks.service import emit, spread

ROWS = int(os.environ.get("ROWS", "100000"))
RUNS = 20


def run() -> None:
    """Print time and size of each page."""
    with servers() as services, served(services, "dashboard") as api:
        fill(api, ROWS)
        job = fill_long_job(api)
        with api.stores.infra.engine.connect() as connection:
            some = [
                str(row[0]) for row in connection.exec_driver_sql("SELECT id FROM jobs WHERE state = 'failed' LIMIT 2")
            ]
        link = api.connection()
        cookie = _sign_in(api, link)
        for path in (
            "",
            "/jobs",
            "/jobs?state=failed",
            f"/jobs/{job}",
            f"/compare?jobs={job},{','.join(some)}",
            "/new",
            "/datasets",
            "/queues",
            "/workers",
            "/keys",
            "/audit",
        ):
            _measure_page(link, cookie, f"/dashboard{path}")


def _sign_in(api: Served, link: http.client.HTTPConnection) -> str:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    link.request("POST", "/dashboard/login", urlencode({"key": api.key}), form)
    answer = link.getresponse()
    answer.read()
    return str(answer.headers["Set-Cookie"]).partition(";")[0]


def _measure_page(link: http.client.HTTPConnection, cookie: str, path: str) -> None:
    took, size = [], 0
    for _ in range(RUNS):
        began = time.perf_counter()
        link.request("GET", path, headers={"Cookie": cookie, "Accept": "text/html", "Accept-Encoding": "gzip"})
        answer = link.getresponse()
        size = len(answer.read())
        took.append(1000 * (time.perf_counter() - began))
        assert answer.status == 200, (path, answer.status)
    emit(
        "dashboard_page_ms",
        page=re.sub(r"job_[^,]+,?", "…", path),
        rows=ROWS,
        **spread(took),
        kilobytes=round(size / 1000, 1),
        target_p99=300,
        target_kilobytes=100,
    )
