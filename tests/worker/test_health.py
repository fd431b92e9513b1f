"""The health checks of supervisor and sweeper, as a container engine runs them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from sqlalchemy import text


@pytest.fixture
def check(fleet):
    def run(service: str, **settings: str) -> tuple[int, str]:
        command = [sys.executable, "-m", f"{service}.health"]
        environment = {**fleet.environment, **settings}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    return run


def test_a_supervisor_is_healthy_while_it_beats(stores, check):
    code, reason = check("worker")
    assert code == 1
    assert "no supervisor on" in reason

    worker = stores.fleet.workers.register("w", "cpu", {"kind": "cpu"})
    assert check("worker", GANFORGE_LEASE_S="30") == (0, "")

    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE workers SET last_seen = now() - interval '31 s'"))
    assert check("worker", GANFORGE_LEASE_S="30")[0] == 1

    stores.fleet.workers.beat(worker, {"kind": "cpu"})
    assert check("worker", GANFORGE_LEASE_S="30")[0] == 0

    stores.fleet.workers.stop(worker)
    assert check("worker", GANFORGE_LEASE_S="30")[0] == 1


def test_a_supervisor_on_another_host_does_not_count(stores, check):
    stores.fleet.workers.register("w", "cpu", {"kind": "cpu"})
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE workers SET host = host || '-2'"))
    assert check("worker", GANFORGE_LEASE_S="30")[0] == 1


def test_a_sweeper_is_unhealthy_once_a_dead_attempt_is_left_lying(stores, submit, check):
    assert check("sweeper", GANFORGE_SWEEP_S="60") == (0, "")

    submit()
    stores.jobs.claim("cpu", stores.fleet.workers.register("w", "cpu", {"kind": "cpu"}), "cpu")
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET lease_until = now() - interval '14 min'"))
    assert check("sweeper", GANFORGE_SWEEP_S="60")[0] == 0

    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET lease_until = now() - interval '16 min'"))
    code, reason = check("sweeper", GANFORGE_SWEEP_S="60")
    assert code == 1
    assert "1 running jobs lost their lease" in reason


@pytest.mark.parametrize("service", ["worker", "sweeper"])
def test_a_database_that_does_not_answer_is_named(check, service):
    code, reason = check(service, GANFORGE_DATABASE_URL="postgresql+psycopg://ganforge:s3cret@127.0.0.1:1/ganforge")
    assert code == 1
    assert "the database does not answer" in reason
    assert "s3cret" not in reason
