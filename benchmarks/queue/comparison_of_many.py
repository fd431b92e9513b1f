"""How soon a comparison shows itself in a browser: 50 jobs of 100,000 steps each, beside 2 of them.

The first paint is the browser's own figure; curves are drawn when they come into view, and counted from there. Needs
Debian's chromium (`make browser`).
"""

from __future__ import annotations

import re
import shutil
import sys
import time

from playwright.sync_api import Page, expect, sync_playwright
from sqlalchemy import text

from benchmarks.queue.api_server import Served, served, servers
from benchmarks.queue.long_curves import POINTS
from benchmarks.queue.long_job import add_curves, add_job, make_levels
from benchmarks.service import emit, spread

MANY = 50
FEW = 2
EPOCHS = 100
ROUNDS = 5
# Five widths, ten seeds each, and the epochs that a run of so many steps tells.
VARIED = text("""
    UPDATE jobs SET seed = :n % 10, params = params || jsonb_build_object('width', 16 << (:n / 10)),
           progress = jsonb_build_object('epoch', cast(:epochs AS int), 'step', cast(:steps AS int),
                                         'images', 64 * cast(:steps AS int)),
           started_at = now() - interval '1 hour', last_seq = :epochs
     WHERE id = :job
""")
TOLD = text("""
    INSERT INTO events (job_id, seq, attempt, type, data)
    SELECT :job, n, 1, 'epoch', jsonb_build_object(
               'epoch', n, 'step', n * :steps / :epochs, 'images', 64 * n * :steps / :epochs, 'seconds', 36,
               'images_per_second', 64 * :steps / 3600.0, 'device', 'CPU', 'd_loss', 1.0 / n, 'g_loss', 2.0 / n)
      FROM generate_series(1, cast(:epochs AS bigint)) AS n
""")
# Evaluated once: the policy of pages forbids the polling of wait_for_function.
PAINTED = """new Promise((done) => new PerformanceObserver((list) => {
  for (const one of list.getEntriesByName("first-contentful-paint")) done(one.startTime);
}).observe({ type: "paint", buffered: true }))"""


def run() -> None:
    """Print first paint, bytes and the time to a drawn curve, by number of jobs."""
    if (path := shutil.which("chromium")) is None:
        print("the first paint is measured in a browser, and there is none: make browser", file=sys.stderr)
        return
    with servers() as services, served(services, "compare") as api, sync_playwright() as playwright:
        jobs = fill(api)
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        url = f"http://127.0.0.1:{api.port}/dashboard"
        page.goto(f"{url}/login")
        page.fill("[name=key]", api.key)
        page.keyboard.press("Enter")
        page.wait_for_url(url)
        for count in (FEW, MANY):
            _measure(page, f"{url}/compare?jobs={','.join(jobs[:count])}", count)
        browser.close()


def fill(api: Served) -> list[str]:
    """Make the jobs with their curves and epochs; return their ids."""
    jobs = []
    with api.stores.infra.engine.begin() as connection:
        for n in range(MANY):
            job = add_job(connection, "bench")
            add_curves(connection, job, POINTS)
            asked = {"job": job, "epochs": EPOCHS, "steps": POINTS}
            connection.execute(VARIED, {**asked, "n": n})
            connection.execute(TOLD, asked)
            jobs.append(job)
    make_levels(api.stores.maintenance.curves)
    return jobs


def _measure(page: Page, address: str, count: int) -> None:
    painted, drawn, size = [], [], 0
    for _ in range(ROUNDS):
        page.goto("about:blank")
        page.goto(address)
        painted.append(float(page.evaluate(PAINTED)))
        size = int(page.evaluate("performance.getEntriesByType('navigation')[0].transferSize"))
        began = time.perf_counter()
        page.locator("[data-metric=d_loss]").scroll_into_view_if_needed()
        slider = page.get_by_role("slider", name="d_loss", exact=True)
        expect(slider).to_have_attribute("aria-valuetext", re.compile(r"\d"), timeout=60_000)
        drawn.append(1000 * (time.perf_counter() - began))
    emit("comparison_first_paint_ms", jobs=count, steps=POINTS, **spread(painted), page_bytes=size, target_p99=2000)
    emit("comparison_curve_ms", jobs=count, steps=POINTS, **spread(drawn))
