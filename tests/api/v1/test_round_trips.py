"""How often a request asks the database.

Statements are counted where SQLAlchemy hands them to the driver, pings where the pool sends them. BEGIN and COMMIT are
not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from time import monotonic
from typing import Any

import pytest
from sqlalchemy import event, text

from models.job_profile import Shape
from stores.container import Stores
from stores.infra import db
from tests.api.conftest import TRAIN, Bench, Person

Counted = Callable[[], list[str]]
SHAPE = Shape("mlp_gan", 28, 64, 256)


@pytest.fixture
def asked(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Return the list of what is sent to the database from now on."""
    sent: list[str] = []

    def note(*arguments: Any) -> None:
        sent.append(arguments[2])

    ping = stores.infra.engine.dialect.do_ping

    def note_ping(connection: Any) -> bool:
        sent.append("ping")
        return ping(connection)

    monkeypatch.setattr(stores.infra.engine.dialect, "do_ping", note_ping)
    event.listen(stores.infra.engine, "before_cursor_execute", note)
    yield sent
    event.remove(stores.infra.engine, "before_cursor_execute", note)


@pytest.fixture
def idle(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function after which all connections of the pool, which are several, have lain idle for a minute."""

    def wait() -> None:
        with ExitStack() as held:
            for _ in range(4):
                held.enter_context(stores.infra.engine.connect())
        monkeypatch.setattr(db, "monotonic", lambda: monotonic() + 60)

    return wait


@pytest.fixture
def known(stores: Stores, alice: Person, bench: Bench) -> None:
    """Let there be a live worker, a running job, and something to estimate from, so that every question is asked."""
    stores.fleet.workers.register("a gpu", "gpu", {"kind": "gpu", "capacity": 8e9, "room": 8e9})
    stores.schedule.memory_stats.learn(SHAPE, "cpu", 10**9, 8 * 10**9)
    for queue in ("cpu", "gpu"):
        stores.schedule.speed_stats.learn(SHAPE, queue, 1000.0, 1.0)
        stores.schedule.speed_stats.took(queue, 5.0)
    alice.submit()
    bench.claim()
    for priority in (0, 0, 1):
        alice.submit(priority=priority)


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("queue", ["auto", "cpu"])
def test_submitting_a_job_takes_six_statements(alice: Person, asked: list[str], queue: str) -> None:
    answer = alice.post("/v1/jobs", json={**TRAIN, "queue": queue}, headers={"Idempotency-Key": "a"})
    assert answer.status_code == 201
    assert len(asked) <= 6, asked


@pytest.mark.usefixtures("known")
def test_looking_at_a_waiting_job_takes_three_statements(alice: Person, asked: list[str]) -> None:
    job = alice.submit()
    assert job["position"] is not None
    asked.clear()
    assert alice.get(f"/v1/jobs/{job['id']}").status_code == 200
    assert len(asked) <= 3, asked


@pytest.mark.usefixtures("known")
def test_a_list_of_jobs_in_several_queues_takes_three_statements(alice: Person, asked: list[str]) -> None:
    for n in range(20):
        alice.submit(queue=("cpu", "gpu")[n % 2])
    alice.get("/v1/jobs?limit=1")  # the first list of a process reads the key that signs cursors
    asked.clear()
    assert len(alice.get("/v1/jobs?limit=20").json["data"]) == 20
    assert len(asked) <= 3, asked


def test_a_request_pings_once_when_all_connections_lay_idle(
    alice: Person, asked: list[str], idle: Callable[[], None]
) -> None:
    alice.submit()
    idle()
    asked.clear()
    alice.submit()
    assert asked.count("ping") == 1


def test_a_request_survives_a_restart_of_the_database_while_all_connections_lay_idle(
    alice: Person, stores: Stores, idle: Callable[[], None]
) -> None:
    job = alice.submit()
    idle()
    with stores.infra.engine.connect() as connection:
        others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM ({others}) AS other"))
        connection.invalidate()
    assert alice.get(f"/v1/jobs/{job['id']}").status_code == 200


def test_the_answer_to_a_submission_is_the_job_as_it_is_read(alice: Person) -> None:
    job = alice.submit(labels={"b": "1", "a": "2"}, params={"epochs": 2, "learning_rate": 1e-5}, priority=3)
    assert alice.get(f"/v1/jobs/{job['id']}").json == job
