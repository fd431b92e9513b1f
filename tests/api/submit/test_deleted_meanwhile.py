"""What a job needs is deleted while the job is being stored: the job is refused, or what it needs stays."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from ganforge.stack.ports import free_port
from models.ids import new_id
from models.states import Role
from stores.accounts.audit import Local
from stores.container import Stores
from stores.datasets.uploads import NewUpload
from stores.infra.errors import ConflictError
from stores.jobs.transitions import Claim
from tests.api.conftest import TRAIN, Bench, Person
from tests.api.server import Server
from tests.waiting import until

WAITS = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


@dataclass(frozen=True)
class Training:
    """A training of alice's, and its first checkpoint."""

    job: str
    claim: Claim
    first: str

    @property
    def sample(self) -> dict[str, Any]:
        """The order of a sampling from the first checkpoint."""
        source = {"job": self.job, "checkpoint": self.first}
        return {"kind": "sample", "source": source, "params": {"count": 4}, "queue": "cpu"}


class Stops:
    """Sends requests to a server that stops at named points."""

    def __init__(self, server: Server, points: Path, key: str) -> None:
        self._server = server
        self._points = points
        self._key = key
        self._threads = ThreadPoolExecutor(2)

    def arm(self, point: str) -> None:
        """Let the server's process stop at this point."""
        (self._points / point).touch()

    def post(self, path: str, body: dict[str, Any]) -> Future[httpx.Response]:
        """Send a request."""
        headers = {"Authorization": f"Bearer {self._key}"}
        return self._threads.submit(httpx.post, f"{self._server.url}{path}", json=body, headers=headers, timeout=60)

    def reached(self, point: str) -> int:
        """Wait until the process has stopped at this point; return its id."""
        found = until(lambda: list(self._points.glob(f"{point}.*")), 60, f"the stop at {point}")
        found[0].unlink()
        return int(found[0].suffix[1:])

    def go_on(self, pid: int) -> None:
        """Let the process go on."""
        os.kill(pid, signal.SIGCONT)

    def close(self) -> None:
        """Let everything go on and end."""
        for process in self._server.workers():
            process.resume()
        self._threads.shutdown()


@pytest.fixture
def stops(service_environment: dict[str, str], alice: Person, tmp_path: Path) -> Iterator[Stops]:
    """Return a server of one process, with alice's key."""
    points = tmp_path / "points"
    points.mkdir()
    more = {
        "GANFORGE_HALT_AT": str(points),
        "GANFORGE_API_PROCESSES": "1",
        "GANFORGE_HOME": str(tmp_path),
        "GANFORGE_DATA_ROOTS": "",
    }
    server = Server({**service_environment, **more}, free_port(), tmp_path / "server.log")
    server.start()
    requests = Stops(server, points, alice.key)
    yield requests
    requests.close()
    server.stop()


@pytest.fixture
def pets(stores: Stores) -> Callable[[str], str]:
    """Return a function that adds a data set of alice's and returns its id."""

    def add(name: str) -> str:
        made = new_id("ds")
        who = stores.accounts.keys.authenticate(stores.accounts.keys.create(name, "alice", Role.user)[1])
        assert who is not None
        packed, preview = stores.datasets.uploads.keys(made)
        new = NewUpload(
            made, name, "alice", "packed", 9000, [1, 28, 28], [], None, {"train": 9000}, 9, "0" * 64, packed, preview
        )
        stores.datasets.uploads.add(new, who)
        return made

    return add


def _jobs(stores: Stores) -> int:
    with stores.infra.engine.connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM jobs WHERE state = 'queued'")) or 0)


@pytest.fixture
def training(alice: Person, bench: Bench) -> Training:
    """Return a running training with three checkpoints."""
    job = alice.submit()["id"]
    claim = bench.claim()
    first, *_ = [bench.artifact(claim, "checkpoint", f"{n}", b"weights", "application/x") for n in range(3)]
    return Training(job, claim, first)


def test_a_job_is_refused_whose_data_set_or_checkpoint_is_deleted_after_it_was_looked_up(
    stops: Stops, stores: Stores, bench: Bench, pets: Callable[[str], str], training: Training
) -> None:
    stops.arm("placed")
    answer = stops.post("/v1/jobs", {**TRAIN, "dataset": pets("pets")})
    pid = stops.reached("placed")
    stores.datasets.uploads.delete(stores.datasets.find("pets", "alice")["id"], Local("alice"))  # type: ignore[index]
    stops.go_on(pid)
    assert (answer.result().status_code, answer.result().json()["code"]) == (409, "conflict")
    assert "was deleted while this job was being stored" in answer.result().json()["detail"]

    judged = pets("judged")
    stops.arm("placed")
    source = {"dataset": judged}
    answer = stops.post("/v1/jobs", {"kind": "evaluate", "source": source, "dataset": "mnist-10k", "queue": "cpu"})
    pid = stops.reached("placed")
    stores.datasets.uploads.delete(judged, Local("alice"))
    stops.go_on(pid)
    assert (answer.result().status_code, answer.result().json()["code"]) == (409, "conflict")
    assert f"{judged} was deleted while this job was being stored" in answer.result().json()["detail"]

    stops.arm("placed")
    answer = stops.post("/v1/jobs", training.sample)
    pid = stops.reached("placed")
    assert len(stores.jobs.prune_checkpoints(training.claim, keep=1)) == 2
    stops.go_on(pid)
    assert (answer.result().status_code, answer.result().json()["code"]) == (409, "conflict")
    assert training.first in answer.result().json()["detail"]

    kept = stores.queries.jobs.checkpoints(training.job)[0]["id"]
    bench.artifact(training.claim, "checkpoint", "last", b"weights", "application/x")
    bench.finish(training.claim)
    stops.arm("placed")
    answer = stops.post(f"/v1/jobs/{training.job}/retry", {"checkpoint": kept})
    pid = stops.reached("placed")
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET finished_at = finished_at - interval '31 days'"))
    assert stores.maintenance.retention.thin_checkpoints("", 30, 0).done == 1
    stops.go_on(pid)
    assert answer.result().status_code == 409
    assert _jobs(stores) == 0


def test_what_a_job_needs_stays_once_the_job_is_being_stored(
    stops: Stops, stores: Stores, pets: Callable[[str], str], training: Training
) -> None:
    def stop_at_commit(body: dict[str, Any]) -> tuple[Future[httpx.Response], int]:
        stops.arm("placed")
        answer = stops.post("/v1/jobs", body)
        pid = stops.reached("placed")
        stops.arm("committing")
        stops.go_on(pid)
        return answer, stops.reached("committing")

    answer, pid = stop_at_commit(training.sample)
    with ThreadPoolExecutor(1) as thread:
        pruned = thread.submit(stores.jobs.prune_checkpoints, training.claim, 1)
        try:
            assert len(pruned.result(60)) == 1
        finally:
            stops.go_on(pid)
    assert answer.result().status_code == 201
    assert stores.queries.jobs.checkpoint(training.job, training.first, "alice") is not None

    dataset = pets("pets")
    answer, pid = stop_at_commit({**TRAIN, "dataset": dataset})
    with ThreadPoolExecutor(1) as thread:
        deleted = thread.submit(stores.datasets.uploads.delete, dataset, Local("alice"))
        try:
            with stores.infra.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as observer:
                until(lambda: observer.scalar(WAITS), 60, "the wait for the job")
        finally:
            stops.go_on(pid)
        with pytest.raises(ConflictError, match="1 unfinished job needs"):
            deleted.result(60)
    assert answer.result().status_code == 201
