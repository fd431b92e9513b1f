"""`make pictures`: takes the pictures of the guide from a service that it starts, so that they show what there is.

It trains the demo's digits, opens the pages in headless Chromium as a desk and as a telephone show them, and writes
PNGs of few colours into `docs/pictures/`, with the demo's animation. Takes three minutes; needs chromium (`make
browser`). With `--home FOLDER` the service's data are kept there, and the next time only the pages are taken. A service
that runs there already is used and left running.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from ganforge.animation import animate
from ganforge.client import Client
from ganforge.stack.home import Home

FOLDER = Path("docs/pictures")
# All pictures of pages together take less.
MOST_BYTES = 2_000_000
COLOURS = 96
START_S = 600.0
# What a page's scripts draw, and how long images may take after it.
DRAWN = {"job": ".uplot canvas"}
DRAWN_MS, SETTLE_MS = 60_000, 2500
EPOCHS = 8
OWNER, TRAINED = "anna", "digits"


@dataclass(frozen=True)
class Look:
    """How wide a window is, how high, and whether it is light or dark."""

    width: int
    height: int
    scheme: Literal["light", "dark"]

    @property
    def name(self) -> str:
        """The end of the names of its pictures."""
        return f"{self.width}-{self.scheme}"


LOOKS = (Look(1280, 900, "light"), Look(1280, 900, "dark"), Look(390, 844, "light"))


def pages(job: str) -> dict[str, str]:
    """Return the addresses of the pages that are taken, by name."""
    return {
        "overview": "/dashboard",
        "jobs": "/dashboard/jobs",
        "job": f"/dashboard/jobs/{job}",
        "new": "/dashboard/new",
        "datasets": "/dashboard/datasets",
    }


def names() -> list[str]:
    """Return the names of the files that the pictures of pages have."""
    return [f"{page}-{look.name}.png" for page in pages("") for look in LOOKS]


@contextmanager
def service(home: Path) -> Iterator[Client]:
    """Run the service on a home, with one worker, unless it runs there; yield its admin's client."""
    if (running := Home(home).read_stack()) is not None:
        with Client(str(running["api"]), Home(home).admin_key()) as client:
            yield client
        return
    own = {name: value for name, value in os.environ.items() if not name.startswith("GANFORGE_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "ganforge", "up"],
        env={**own, "GANFORGE_HOME": str(home), "GANFORGE_QUEUES": "cpu"},
        stdout=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + START_S
        while (stack := Home(home).read_stack()) is None:
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit("the service did not start; see its messages above")
            time.sleep(0.2)
        with Client(str(stack["api"]), Home(home).admin_key()) as client:
            yield client
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def trained(client: Client, to: Path, epochs: int) -> str:
    """Return the id of the training that the pages show; train it and write its animation if it is not there."""
    before = next(client.jobs(q=f"name:{TRAINED}", state="succeeded", kind="train"), None)
    return before["id"] if before else train(client, to, epochs)


def train(client: Client, to: Path, epochs: int) -> str:
    """Train the demo's digits, draw some, and write the animation; return the training's id."""
    params = {"epochs": epochs, "grid_every": {"seconds": 1.5}}
    job = client.train("compact", "mnist-10k", params=params, name=TRAINED, labels={"team": "vision"})
    job = client.wait(job["id"])
    if job["state"] != "succeeded":
        raise SystemExit(f"the training {job['state']}")
    drawn = client.sample(job["id"], checkpoint="latest", params={"count": 64, "seed": 1}, name="64 digits")
    client.wait(drawn["id"])
    with TemporaryDirectory() as folder:
        grids = sorted(client.artifacts(job["id"], kind="grid"), key=lambda one: one["step"] or 0)
        frames = [client.download(grid, Path(folder) / f"{number}.png") for number, grid in enumerate(grids)]
        animate(frames, to / "demo-training.gif")
    return job["id"]


def keep_busy(client: Client) -> None:
    """Submit two jobs, of which one runs and one waits, unless some do."""
    if next(client.jobs(state=["queued", "running"]), None) is None:
        client.train("dcgan", "mnist-10k", params={"epochs": 20}, name="for comparison", labels={"team": "vision"})
        client.train("mlp_gan", "mnist-10k", params={"epochs": 20}, name="a first try")


def few_colours(picture: bytes) -> bytes:
    """Return a PNG with few colours, which pages have; it takes a third of the bytes."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(picture)) as image:
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def enter(browser: Browser, look: Look, client: Client) -> Page:
    """Sign in; return the tab."""
    window = browser.new_context(
        viewport={"width": look.width, "height": look.height}, color_scheme=look.scheme, locale="en-GB"
    )
    page = window.new_page()
    page.goto(f"{client.url}/dashboard/login")
    page.fill("input[name=key]", client.create_key("pictures")["key"])
    page.click("main button")
    page.wait_for_url("**/dashboard")
    return page


def take(client: Client, job: str, to: Path) -> int:
    """Take all pages in all looks; return how many bytes they have."""
    total = 0
    path = os.environ.get("GANFORGE_BROWSER") or shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        for look in LOOKS:
            page = enter(browser, look, client)
            for name, address in pages(job).items():
                page.goto(client.url + address)
                if name in DRAWN:
                    page.wait_for_selector(DRAWN[name], timeout=DRAWN_MS)
                page.wait_for_timeout(SETTLE_MS)
                picture = few_colours(page.screenshot())
                (to / f"{name}-{look.name}.png").write_bytes(picture)
                total += len(picture)
            page.context.close()
        browser.close()
    return total


def main() -> None:
    """Make all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="keep the service's data here for the next time")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="of the training")
    asked = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with ExitStack() as open_:
        home = asked.home or Path(open_.enter_context(TemporaryDirectory(prefix="ganforge-pictures-")))
        admin = open_.enter_context(service(home.absolute()))
        # As a user sees the pages: an admin has more of them.
        user = open_.enter_context(Client(admin.url, admin.create_key(OWNER)["key"]))
        job = trained(user, FOLDER, asked.epochs)
        keep_busy(user)
        total = take(user, job, FOLDER)
    print(f"{len(names())} pictures of pages, {total:,} bytes, in {FOLDER}")
    if total > MOST_BYTES:
        raise SystemExit(f"they have {total:,} bytes, more than {MOST_BYTES:,}: take fewer colours or pages")


if __name__ == "__main__":
    main()
