"""A real browser in front of the whole running service. Where the tests must not be skipped (CI), it must be there."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from ganforge.client import Client
from ganforge.stack.home import Home
from ganforge.stack.services import Services
from models.ids import new_id
from stores.container import Stores, open_stores
from stores.infra.settings import Settings
from tests.browser.evaluations import evaluations
from tests.ganforge.conftest import Commands
from tests.waiting import until

PATIENCE_MS = 45_000
PICTURES = Path(os.environ.get("GANFORGE_TEST_OUTPUT", ".test-output")) / "pages"
NAMES = ("chromium", "chromium-browser", "google-chrome")
SMALL = {"width": 360, "height": 780}
DESK = {"width": 1280, "height": 900}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return the browser of this machine."""
    path = os.environ.get("GANFORGE_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        hint = "no browser: install Debian's chromium, or name one in GANFORGE_BROWSER"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(hint)
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield running
        running.close()


@dataclass
class Stack:
    """The running service, and its admin's client."""

    commands: Commands
    url: str
    admin_key: str
    client: Client

    def key(self, owner: str, role: str = "user") -> str:
        """Make a key; return its secret."""
        body = {"name": f"key of {owner}", "owner": owner, "role": role}
        answer = httpx.post(f"{self.url}/v1/keys", json=body, headers={"Authorization": f"Bearer {self.admin_key}"})
        return str(answer.raise_for_status().json()["key"])


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Return the whole service as `make up` runs it, with one CPU worker."""
    commands = Commands(tmp_path_factory.mktemp("stack"))
    try:
        commands.up(GANFORGE_SESSION_S="3600", GANFORGE_THREADS="1")
        home = Home(commands.home)
        running = home.read_stack()
        assert running is not None
        with commands.client() as client:
            yield Stack(commands, running["api"], home.admin_key_file.read_text().strip(), client)
    finally:
        commands.close()


@dataclass
class Person:
    """Somebody with a key of their own and a browser."""

    stack: Stack
    owner: str
    key: str
    context: BrowserContext
    client: Client  # for what a test needs beside the pages
    complaints: list[str] = field(default_factory=list)

    def page(self, path: str = "/dashboard") -> Page:
        """Open a tab on a page; what the browser complains of is kept."""
        page = self.context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda line: self.complaints.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(self.stack.url + path)
        return page

    def sign_in(self) -> None:
        """Sign in by the form, as a person does."""
        page = self.page("/dashboard/login")
        page.fill("input[name=key]", self.key)
        page.click("main button")
        expect(page).to_have_url(re.compile("/dashboard$"))
        page.close()


Cast = Callable[..., Person]


@pytest.fixture
def person(stack: Stack, browser: Browser) -> Iterator[Cast]:
    """Return a function that brings somebody with an owner (a fresh one, unless named), a role, and a browser."""
    made: list[Person] = []

    def bring(role: str = "user", owner: str | None = None, *, signed_in: bool = True, **context: object) -> Person:
        owner = owner or new_id("owner").replace("_", "-")
        window = browser.new_context(**{"viewport": DESK, "locale": "en-GB", **context})  # type: ignore[arg-type]
        key = stack.key(owner, role)
        one = Person(stack, owner, key, window, Client(stack.url, key))
        made.append(one)
        if signed_in:
            one.sign_in()
        return one

    yield bring
    for one in made:
        one.context.close()
        one.client.close()
        assert not one.complaints, one.complaints


@dataclass(frozen=True)
class Look:
    """How somebody sees a page: light or dark, on a desk or a telephone."""

    name: str
    context: dict[str, object]  # what their browser begins with


LOOKS = [
    Look(f"{size}-{scheme}", {"color_scheme": scheme, "viewport": viewport, "bypass_csp": True})
    for scheme in ("light", "dark")
    for size, viewport in (("desk", DESK), ("small", SMALL))
]


@pytest.fixture(params=LOOKS, ids=lambda look: look.name)
def look(request: pytest.FixtureRequest) -> Look:
    """Return each way to see a page; the picture of one is named by it."""
    return request.param  # type: ignore[no-any-return]


TRAIN = {"kind": "train", "recipe": "mlp_gan", "dataset": "mnist-10k", "queue": "cpu"}
# Many grids, checkpoints and points in a few seconds.
QUICK = {
    "width": 16,
    "epochs": 4,
    "metrics_every": {"steps": 2},
    "grid_every": {"epochs": 1},
    "checkpoint_every": {"epochs": 2},
}


@pytest.fixture(scope="session")
def trained(stack: Stack) -> str:
    """Return a job of the admin's that was trained in earnest: four epochs on real digits."""
    job = stack.client.submit({**TRAIN, "name": "digits", "params": QUICK, "labels": {"team": "a"}})
    until(lambda: stack.client.job(job["id"])["finished_at"], 100, "the end of the training")
    return str(job["id"])


@pytest.fixture(scope="session")
def stores(stack: Stack) -> Iterator[Stores]:
    """Return the stores of the running service."""
    home = Home(stack.commands.home)
    services, running = Services(home), home.read_stack()
    assert running is not None
    for name, address in (("postgres", "postgres"), ("valkey", "redis"), ("s3", "s3")):
        services.ports[name] = int(running[address].rpartition(":")[2])
    names = {name.removeprefix("GANFORGE_").lower(): value for name, value in services.environment().items()}
    opened = open_stores(Settings(**names))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def judged(stack: Stack, stores: Stores, trained: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return evaluations of that training by name."""
    return evaluations(stack, stores, trained, tmp_path_factory.mktemp("judged"))


@pytest.fixture
def picture() -> Callable[[Page, str], None]:
    """Return a function that keeps a picture of a page, for people to look at."""
    PICTURES.mkdir(parents=True, exist_ok=True)

    def take(page: Page, name: str) -> None:
        page.screenshot(path=PICTURES / f"{name}.png", full_page=True)

    return take
