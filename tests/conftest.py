"""The real servers, once a test run, and a clean piece of each for every test that asks. A missing server fails."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import redis
from minio import Minio

from ganforge.stack.home import Home
from ganforge.stack.services import Services

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = "ganforge_template"

_numbers = itertools.count(1)

# The parts that take longest a file, longest first: where files are handed out in this order, the last ones are short.
LONG = ("worker", "ganforge", "trainers", "chaos", "stores", "api")


# The fixtures that start something: Postgres, Valkey and S3; the whole service; a browser.
SERVERS = {"services", "ganforge", "running", "stack", "browser"}


@pytest.hookimpl(tryfirst=True)  # before pytest selects by markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that need a server, which `make test-unit` leaves out, and put the longest parts first.

    With the longest parts first, no test process is left with one of them in the end.
    """
    for item in items:
        # These are all fixtures that a test needs, those of its fixtures included.
        if isinstance(item, pytest.Function) and SERVERS.intersection(item.fixturenames):
            item.add_marker(pytest.mark.server)

    def rank(item: pytest.Item) -> int:
        part = item.path.relative_to(ROOT / "tests").parts[0]
        return LONG.index(part) if part in LONG else len(LONG)

    items.sort(key=rank)


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
def _template(services: Services) -> str:
    """Migrate one database, from which every test's is copied."""
    _admin(services, f"CREATE DATABASE {TEMPLATE}")
    url = services.database_url_for(TEMPLATE)
    migrate = [sys.executable, "-m", "alembic", "-c", str(ROOT / "alembic.ini"), "upgrade", "head"]
    result = subprocess.run(
        migrate, cwd=ROOT, env={**os.environ, "GANFORGE_DATABASE_URL": url}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return TEMPLATE


@pytest.fixture
def database_url(services: Services, _template: str) -> Iterator[str]:
    """Return the address of a migrated, empty database that is this test's own."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    _admin(services, f"CREATE DATABASE {name} TEMPLATE {_template}")
    yield services.database_url_for(name)
    # FORCE ends sessions that a killed process left open.
    _admin(services, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def redis_url(services: Services) -> str:
    """Return the address of an empty database of the broker. Tests run one after another, so they share it."""
    url = f"{services.redis_url}/1"
    with redis.Redis.from_url(url) as client:
        client.flushall()
    return url


@pytest.fixture
def s3(services: Services) -> S3Settings:
    """Return a fresh bucket of the object store."""
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


def _admin(services: Services, statement: str) -> None:
    dsn = services.database_url_for("postgres").replace("postgresql+psycopg://", "postgresql://", 1)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statement.encode())
