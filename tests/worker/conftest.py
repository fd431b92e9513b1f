"""Real supervisors and sweepers as processes, over this test's own database, broker and bucket."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from models.recipes import RECIPES, resolve_params
from stores.container import Stores, open_stores
from stores.infra.settings import Settings
from tests.new_job import new_job_of_alice
from tests.waiting import until


@dataclass
class Fleet:
    """Starts processes of the service and ends them all."""

    environment: dict[str, str]
    home: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

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
            [*prefix, sys.executable, "-m", "celery", "-A", app, *arguments],
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
        until(lambda: not self.trainers(), 10, "the end of all trainers")


@pytest.fixture
def fleet(service_environment: dict[str, str], tmp_path: Path) -> Iterator[Fleet]:
    """Return a starter of supervisors and sweepers."""
    environment = {
        **os.environ,
        **service_environment,
        "GANFORGE_HOME": str(tmp_path),
        "GANFORGE_THREADS": "1",
        "GANFORGE_LEASE_S": "3",
        "GANFORGE_RENEW_S": "0.5",
        "GANFORGE_SWEEP_S": "0.2",
        # A trainer that waits for a job which never comes has read torch for nothing, 3 s of a core each time.
        "GANFORGE_SPARE_TRAINER": "false",
    }
    running = Fleet(environment, tmp_path)
    yield running
    running.close()


@pytest.fixture
def stores(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stores]:
    """Return the stores over the same servers, with the data sets registered."""
    for name, value in fleet.environment.items():
        if name.startswith("GANFORGE_"):
            monkeypatch.setenv(name, value)
    opened = open_stores(Settings())
    opened.datasets.register_known([])
    yield opened
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
