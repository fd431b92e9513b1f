"""The real servers, once a test run, and a clean piece of each for every test that asks. A missing server fails."""

from __future__ import annotations

import gc
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from _pytest.nodeid import NodeId
from minio import Minio

from ganforge.stack.home import Home
from ganforge.stack.services import Services
from tests.database import Database
from trainers.__main__ import share_the_processors

# Collecting makes a million objects that stay: looking among them for garbage is a sixth of its time.
gc.disable()

# Several test processes share the processors; OpenMP reads this when the first of their tests brings in torch.
share_the_processors()

# The tests run on disks with little room. Those of the reserve set their own.
ANY_DISK = {"GANFORGE_DISK_RESERVE_BYTES": "0"}
os.environ.update(ANY_DISK)

ROOT = Path(__file__).resolve().parent.parent

_numbers = itertools.count(1)

# The parts whose tests take longest, longest first: they begin, so that what runs last is short.
LONG = ("ganforge", "worker", "chaos", "trainers", "stores", "api")

# The fixtures that start something: Postgres, Valkey and S3; the whole service; a browser.
SERVERS = {"services", "ganforge", "running", "stack", "browser"}
# The fixtures that train whole runs, in this process or as a trainer process.
TRAININGS = {"train_small", "start"}

# What stands in every file with tests of the long series. Files without it need not be imported for that series.
SLOW = "mark.slow"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the files without a test of the long series, where only that is asked for."""
    if config.option.markexpr != "slow" or not collection_path.name.startswith("test_"):
        return None
    return True if collection_path.is_file() and SLOW not in collection_path.read_text() else None


def pytest_collection_finish() -> None:
    """Look for garbage again, but never among what collecting has made."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)  # before pytest selects by markers
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order the tests, mark those that need a server or whole trainings, and keep together those that share much."""

    def rank(item: pytest.Item) -> int:
        part = item.path.relative_to(ROOT / "tests").parts[0]
        return LONG.index(part) if part in LONG else len(LONG)

    items.sort(key=rank)
    for item in items:
        if item.get_closest_marker("slow") and SLOW not in item.path.read_text():
            raise pytest.UsageError(f"{item.nodeid} is slow, but `{SLOW}` does not stand in its file: see SLOW")
        if isinstance(item, pytest.Function):
            # A test's fixture names include those that its fixtures ask for.
            if SERVERS.intersection(item.fixturenames):
                item.add_marker(pytest.mark.server)
            if TRAININGS.intersection(item.fixturenames):
                item.add_marker(pytest.mark.long)
            if getattr(config.option, "loadgroup", False) and (group := _group(item)):
                item.add_marker(pytest.mark.xdist_group(group))
                # xdist 3.8 writes the group to a name that pytest 9.2 no longer reads, and would ignore all groups.
                item._id = NodeId.parse(f"{item.nodeid}@{group}")


def _group(item: pytest.Function) -> str | None:
    """Return the group of tests that one test process has to run, so that what they share is made once.

    These are all tests of the one running stack, those of the one running supervisor, and those of a module that has
    fixtures of its own scope.
    """
    for shared_by_all in ("running", "standing"):
        if shared_by_all in item.fixturenames:
            return shared_by_all
    definitions = item._fixtureinfo.name2fixturedefs.values()
    shared = any(definition[-1].scope == "module" for definition in definitions)
    return item.path.relative_to(ROOT).as_posix() if shared else None


@dataclass(frozen=True)
class S3Settings:
    """A fresh bucket and how to reach it."""

    url: str
    access_key: str
    secret_key: str
    bucket: str

    def client(self) -> Minio:
        """Return a client of the object store."""
        address = self.url.removeprefix("http://")
        return Minio(address, access_key=self.access_key, secret_key=self.secret_key, secure=False)


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Return the servers of this test run, in a home of their own."""
    with Services(Home(tmp_path_factory.mktemp("services")), durable=False) as running:
        yield running


@pytest.fixture(scope="session")
def _database(services: Services) -> Database:
    return Database(services)


@pytest.fixture
def database_url(_database: Database) -> Iterator[str]:
    """Return the address of a migrated database without rows of other tests."""
    yield _database.url
    _database.empty()


@pytest.fixture
def redis_url(services: Services) -> str:
    """Return the address of an empty database of the broker. Tests run one after another, so they share it."""
    url = f"{services.redis_url}/1"
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture
def s3(services: Services) -> S3Settings:
    """Return a fresh bucket of the object store."""
    return make_bucket(services)


def make_bucket(services: Services) -> S3Settings:
    """Make a bucket of the object store."""
    credentials = services.home.credentials()
    settings = S3Settings(
        services.s3_url, credentials.s3_access_key, credentials.s3_secret_key, f"test-{os.getpid()}-{next(_numbers)}"
    )
    settings.client().make_bucket(settings.bucket)
    return settings


@pytest.fixture
def service_environment(services: Services, database_url: str, redis_url: str, s3: S3Settings) -> dict[str, str]:
    """Return the settings that lead a process of the service to this test's own database, broker and bucket."""
    return {
        **services.environment(),
        "GANFORGE_DATABASE_URL": database_url,
        "GANFORGE_REDIS_URL": redis_url,
        "GANFORGE_S3_BUCKET": s3.bucket,
    }
