"""Real supervisors and sweepers as processes, over this test's own database, broker and bucket."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
from sqlalchemy import text

from ganforge.stack.services import Services
from models.recipes import RECIPES, resolve_params
from stores.container import Stores, open_stores
from stores.infra.settings import Settings
from tests.conftest import make_bucket
from tests.database import Database
from tests.new_job import new_job_of_alice
from tests.waiting import until


@dataclass
class Fleet:
    """Starts processes of the service and ends them all."""

    environment: dict[str, str]
    home: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    prefix: Sequence[str] = ()

    def supervisor(self, memory: int | None = None, queue: str = "cpu", **settings: str) -> subprocess.Popen[bytes]:
        """Start a supervisor; it and its trainers may hold no more than `memory` bytes each."""
        limit = ["prlimit", f"--data={memory}"] if memory else []
        pool = ["--pool=threads", "--concurrency=1", "-Q", queue]
        return self._start(limit, "worker.celery_app", "worker", *pool, GANFORGE_QUEUE=queue, **settings)

    def sweeper(self, **settings: str) -> subprocess.Popen[bytes]:
        """Start a sweeper."""
        return self._start([], "sweeper.sweeper", "beat", "-S", "sweeper.sweeper:Sweeper", "--pidfile=", **settings)

    def _start(self, prefix: list[str], app: str, *arguments: str, **settings: str) -> subprocess.Popen[bytes]:
        log = (self.home / f"{len(self.processes)}-{app}.log").open("wb")
        process = subprocess.Popen(
            [*self.prefix, *prefix, sys.executable, "-m", "celery", "-A", app, *arguments],
            env={**self.environment, **settings},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        log.close()
        self.processes.append(process)
        return process

    def logs(self) -> str:
        """Return what all of them wrote."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.home.glob("*.log")))

    def trainers(self) -> list[psutil.Process]:
        """Return the trainer processes of this test's supervisors, found by their home."""
        return [process for process in psutil.process_iter() if self._is_trainer(process)]

    def _is_trainer(self, process: psutil.Process) -> bool:
        try:
            return (
                process.cmdline()[1:] == ["-m", "trainers"]
                and process.environ().get("GANFORGE_HOME") == str(self.home)
                and process.status() != psutil.STATUS_ZOMBIE
            )
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            return False

    def close(self) -> None:
        """End everything, and see that no trainer outlives its supervisor."""
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        until(lambda: not self.trainers(), 60, "the end of all trainers")


def _settings(home: Path) -> dict[str, str]:
    return {
        "GANFORGE_HOME": str(home),
        "GANFORGE_THREADS": "1",
        "GANFORGE_LEASE_S": "3",
        "GANFORGE_RENEW_S": "0.5",
        "GANFORGE_SWEEP_S": "0.2",
        # A trainer that waits for a job which never comes has read torch for nothing, 2 s of a core each time.
        "GANFORGE_SPARE_TRAINER": "false",
    }


class Standing:
    """One supervisor over servers' parts of its own, started when the first test asks, for all that only give it jobs.

    A test that leaves a job or a drained worker behind ends it; the next one gets a fresh one on an empty database.
    """

    def __init__(self, services: Services, database: Database, folders: Callable[[], Path]) -> None:
        self._services = services
        self._database = database
        self._folders = folders
        self._fleet: Fleet | None = None

    def fleet(self) -> Fleet:
        """Return the fleet whose supervisor runs."""
        if self._fleet is None:
            self._fleet = self._start()
        return self._fleet

    def is_clean(self, stores: Stores) -> bool:
        """Return whether the supervisor is as a test wants to find it: alive, idle, and taking jobs."""
        (process,) = self.fleet().processes
        unfinished = "SELECT 1 FROM jobs WHERE state IN ('queued', 'running')"
        deaf = "SELECT 1 FROM workers WHERE draining"
        with stores.infra.engine.connect() as connection:
            found = connection.scalar(text(f"SELECT EXISTS ({unfinished} UNION ALL {deaf})"))
        return process.poll() is None and not found

    def close(self) -> None:
        """End the supervisor."""
        if self._fleet is not None:
            self._fleet.close()
            self._fleet = None

    def _start(self) -> Fleet:
        home = self._folders()
        (home / "roots").mkdir()
        redis_url = f"{self._services.redis_url}/2"
        with redis.Redis.from_url(redis_url) as client:
            client.flushdb()
        environment = {
            **os.environ,
            **self._services.environment(),
            **_settings(home),
            "GANFORGE_DATABASE_URL": self._database.another("ganforge_standing"),
            "GANFORGE_REDIS_URL": redis_url,
            "GANFORGE_S3_BUCKET": make_bucket(self._services).bucket,
            "GANFORGE_DATA_ROOTS": str(home / "roots"),
            "GANFORGE_STOP_GRACE_S": "60",
            # The next test's trainer imports torch while this one's ends.
            "GANFORGE_SPARE_TRAINER": "true",
        }
        fleet = Fleet(environment, home)
        fleet.supervisor()
        return fleet


@pytest.fixture(scope="package")
def shared_supervisor(
    services: Services, _database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Standing]:
    made = Standing(services, _database, lambda: tmp_path_factory.mktemp("standing"))
    yield made
    made.close()


@pytest.fixture
def standing(shared_supervisor: Standing) -> Fleet:
    """Return the fleet of the one supervisor that this test shares with others."""
    return shared_supervisor.fleet()


@pytest.fixture
def fleet(service_environment: dict[str, str], shared_supervisor: Standing, tmp_path: Path) -> Iterator[Fleet]:
    """Return a starter of supervisors and sweepers."""
    # These tests break servers and count processes.
    shared_supervisor.close()
    running = Fleet({**os.environ, **service_environment, **_settings(tmp_path)}, tmp_path)
    yield running
    running.close()


@pytest.fixture
def stores(
    shared_supervisor: Standing, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stores]:
    """Return the stores of the test's own fleet or of the standing one, with the data sets registered."""
    shared = "standing" in request.fixturenames
    fleet: Fleet = request.getfixturevalue("standing" if shared else "fleet")
    for name, value in fleet.environment.items():
        if name.startswith("GANFORGE_"):
            monkeypatch.setenv(name, value)
    opened = open_stores(Settings())
    opened.datasets.register_known([])
    yield opened
    if shared:
        try:
            until(lambda: shared_supervisor.is_clean(opened), 5, "an idle supervisor")
        except AssertionError:
            shared_supervisor.close()
    opened.close()


@pytest.fixture
def submit(stores: Stores) -> Any:
    """Return a function that submits a training job of alice's and returns its id."""

    def make(recipe: str = "mlp_gan", *, params: dict[str, Any] | None = None, **changes: Any) -> str:
        resolved = resolve_params(RECIPES[recipe], None, {"width": 8, "epochs": 2, **(params or {})})
        columns = {"recipe": recipe, "params": resolved.model_dump(mode="json"), "seed": 1, **changes}
        view, _ = stores.jobs.submit(new_job_of_alice(stores, **columns))
        return str(view["id"])

    return make
