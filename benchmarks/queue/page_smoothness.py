"""How smooth a long job's page is in a browser: 100,000 steps of four metrics, beside the same page with 1,000.

A frame is what a person sees; between two of them the page does not answer. Needs Debian's chromium (`make browser`).
"""

from __future__ import annotations

import re
import shutil
import sys
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

from benchmarks.queue.api_server import served, servers
from benchmarks.queue.long_curves import POINTS, fill
from benchmarks.service import emit

FEW = 1000
MOVES = 90
ROUNDS = 3
# Each move waits for the frame that shows it; returns the milliseconds between frames.
FRAMES = """async ([selector, moves]) => {
  const part = document.querySelector(selector);
  const box = part.getBoundingClientRect();
  const frame = () => new Promise(requestAnimationFrame);
  const gaps = [];
  part.dispatchEvent(new MouseEvent("mouseenter"));
  let before = await frame();
  for (let n = 1; n <= moves; n++) {
    if (part.matches("input")) {
      part.value = String(Number(part.min || 0) + (Number(part.max || 1) - Number(part.min || 0)) * n / moves);
      part.dispatchEvent(new Event("input", { bubbles: true }));
    } else {
      const at = { bubbles: true, clientX: box.left + 0.9 * box.width * n / moves, clientY: box.top + 9 };
      part.dispatchEvent(new MouseEvent("mousemove", at));
    }
    const now = await frame();
    gaps.push(now - before);
    before = now;
  }
  return gaps.sort((a, b) => a - b);
}"""


def run() -> None:
    """Print time to the curves, and the frames while a cursor moves and while the curves are smoothed."""
    if (path := shutil.which("chromium")) is None:
        print("smoothness is measured in a browser, and there is none: make browser", file=sys.stderr)
        return
    with servers() as services, served(services, "smooth") as api, sync_playwright() as playwright:
        jobs = {points: fill(api, points) for points in (FEW, POINTS)}
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        url = f"http://127.0.0.1:{api.port}/dashboard"
        page.goto(f"{url}/login")
        page.fill("[name=key]", api.key)
        page.keyboard.press("Enter")
        page.wait_for_url(url)
        for _ in range(ROUNDS):
            for points, job in jobs.items():
                _measure_frames(page, f"{url}/jobs/{job}", points)
        browser.close()


def _measure_frames(page: Page, address: str, points: int) -> None:
    page.goto(address)
    # Drawn is a curve whose last value stands in the legend, where a person reads it.
    expect(page.locator("#job-curves .chart-legend .figure").first).to_contain_text(re.compile(r"\d"))
    drawn = page.evaluate("performance.now()")
    figures: dict[str, Any] = {"points": points, "drawn_after_ms": round(drawn)}
    value = page.locator("#job-curves .chart-legend .figure").first
    for what, selector in (("cursor", "#job-curves .u-over"), ("smoothing", "#smoothing")):
        before = value.text_content()
        gaps = page.evaluate(FRAMES, [selector, MOVES])
        assert value.text_content() != before, f"the {what} did nothing"
        figures |= {f"{what}_median_ms": round(gaps[len(gaps) // 2], 1), f"{what}_worst_ms": round(gaps[-1], 1)}
    emit("frames_of_a_long_job", **figures, target_worst_ms=100)
