"""The connection dies between a commit and its answer: nothing is written twice, and nothing is taken for lost."""

from __future__ import annotations

import os
import socket
import threading

import psycopg
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, OperationalError

from models.ids import new_id
from models.states import Outcome, State
from stores.infra.db import make_engine
from stores.infra.settings import Settings
from stores.jobs.attempts import NewArtifact
from stores.jobs.transitions import Ending
from tests.waiting import until
from worker.outages import patiently

POINTS = {"epoch": 1, "steps": [1, 2], "values": {"d_loss": [0.5, 0.6]}}


@pytest.fixture
def claim(stores, new_job, worker):
    """Return a claimed job."""
    stores.jobs.submit(new_job())
    return stores.jobs.claim("cpu", worker, "cpu")


@pytest.fixture
def break_next_commit(stores, monkeypatch):
    """Return a function after which the next commit loses its connection: after it took place, or before."""
    real = stores.infra.engine.dialect.do_commit

    def prepare(*, takes_place: bool) -> None:
        def commit(connection) -> None:
            monkeypatch.setattr(stores.infra.engine.dialect, "do_commit", real)
            if takes_place:
                real(connection)
            connection.dbapi_connection.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")

        monkeypatch.setattr(stores.infra.engine.dialect, "do_commit", commit)

    return prepare


def _artifact(claim) -> NewArtifact:
    key = f"jobs/{claim.job_id}/{claim.fence}/one.safetensors"
    name = "checkpoint-00000001.safetensors"
    return NewArtifact(new_id("art"), "checkpoint", name, 1, 1, 3, "0" * 64, "application/octet-stream", key)


def _once(call) -> None:
    """Call as an attempt does."""
    patiently(call, threading.Event())


def _kinds(stores, claim) -> list[str]:
    return [event["type"] for event in stores.events.page(claim.job_id, 0, 100)]


@pytest.mark.parametrize("takes_place", [True, False])
def test_a_metric_is_written_once(stores, claim, break_next_commit, takes_place):
    break_next_commit(takes_place=takes_place)
    _once(lambda: stores.jobs.progress(claim, [("metric", POINTS)]))
    assert _kinds(stores, claim) == ["state", "state", "metric"]
    assert stores.events.metrics.series(claim.job_id, None, None)["d_loss"] == ([1, 2], [0.5, 0.6])


@pytest.mark.parametrize("takes_place", [True, False])
def test_an_artifact_is_listed_once(stores, claim, break_next_commit, takes_place):
    new = _artifact(claim)
    break_next_commit(takes_place=takes_place)
    _once(lambda: stores.jobs.add_artifact(claim, new))
    assert _kinds(stores, claim) == ["state", "state", "checkpoint"]
    assert [row["id"] for row in stores.queries.jobs.checkpoints(claim.job_id)] == [new.id]


@pytest.mark.parametrize("takes_place", [True, False])
def test_an_ending_says_where_the_job_is_now(stores, claim, break_next_commit, takes_place):
    break_next_commit(takes_place=takes_place)
    ended = patiently(lambda: stores.jobs.finish(claim, Ending(Outcome.succeeded)), threading.Event())
    assert ended is State.succeeded
    assert _kinds(stores, claim) == ["state", "state", "state"]


@pytest.mark.parametrize("takes_place", [True, False])
def test_a_claim_whose_commit_is_unanswered_uses_up_no_attempt(stores, new_job, worker, break_next_commit, takes_place):
    stores.jobs.submit(new_job(max_attempts=1))
    break_next_commit(takes_place=takes_place)
    claim = patiently(lambda: stores.jobs.claim("cpu", worker, "cpu"), threading.Event())
    assert (claim.attempt, claim.fence) == (1, 1)
    stores.jobs.begin_attempt(claim, 0, "cpu")
    assert _kinds(stores, claim) == ["state", "state"]
    assert stores.jobs.finish(claim, Ending(Outcome.succeeded)) is State.succeeded


def test_an_empty_claim_whose_commit_is_unanswered_takes_nothing(stores, new_job, worker, break_next_commit):
    break_next_commit(takes_place=True)
    assert patiently(lambda: stores.jobs.claim("cpu", worker, "cpu"), threading.Event()) is None


def test_a_worker_that_stops_does_not_wait_for_the_answer_to_its_claim(stores, new_job, worker, break_next_commit):
    stores.jobs.submit(new_job())

    def refuse(*_arguments, **_options) -> None:
        raise psycopg.OperationalError("connection refused")

    break_next_commit(takes_place=True)
    event.listen(stores.infra.engine, "do_connect", refuse)
    stopping = iter([False, True])
    with pytest.raises(OperationalError, match="server closed the connection"):
        stores.jobs.claim("cpu", worker, "cpu", given_up=lambda: next(stopping))
    event.remove(stores.infra.engine, "do_connect", refuse)
    assert next(stopping, None) is None


@pytest.fixture
def slow_commits(stores):
    """Make commits that write events wait on the server for as long as the yielded session holds a lock."""
    lock = "pg_advisory_xact_lock(1)"
    function = f"BEGIN PERFORM {lock}; RETURN NULL; END"
    with stores.infra.engine.begin() as connection:
        connection.execute(text(f"CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS '{function}'"))
        connection.execute(
            text(
                "CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED "
                "FOR EACH ROW EXECUTE FUNCTION wait()"
            )
        )
    with stores.infra.engine.connect() as holder:
        holder.execute(text(f"SELECT {lock}"))
        yield holder
    with stores.infra.engine.begin() as connection:
        connection.execute(text("DROP FUNCTION wait CASCADE"))


def test_a_commit_that_the_server_is_still_working_on_is_waited_for(stores, claim, slow_commits):
    sockets = []
    event.listen(stores.infra.engine, "commit", lambda connection: sockets.append(connection.connection.fileno()))
    waits = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
        "AND wait_event = ANY(:locks)"
    )
    autocommit = stores.infra.engine.execution_options(isolation_level="AUTOCOMMIT")
    writer = threading.Thread(target=_once, args=(lambda: stores.jobs.progress(claim, [("metric", POINTS)]),))
    with autocommit.connect() as observer:
        writer.start()
        until(lambda: observer.scalar(waits, {"locks": ["advisory"]}), 60, "the commit on the server")
        with socket.socket(fileno=os.dup(sockets[0])) as lost:
            lost.shutdown(socket.SHUT_RDWR)
        until(lambda: observer.scalar(waits, {"locks": ["transactionid", "tuple"]}), 60, "the wait for the commit")
        slow_commits.rollback()
        writer.join(60)
    assert _kinds(stores, claim) == ["state", "state", "metric"]
    assert stores.events.metrics.series(claim.job_id, None, None)["d_loss"] == ([1, 2], [0.5, 0.6])


@pytest.mark.parametrize("outcome", [Outcome.interrupted, Outcome.paused])
def test_no_number_of_interruptions_uses_up_the_only_attempt(stores, new_job, worker, outcome):
    stores.jobs.submit(new_job(max_attempts=1))
    for _ in range(3):
        claim = stores.jobs.claim("cpu", worker, "cpu")
        assert stores.jobs.finish(claim, Ending(outcome, "shutdown")) is State.queued
    claim = stores.jobs.claim("cpu", worker, "cpu")
    assert stores.jobs.finish(claim, Ending(Outcome.lost, "killed")) is State.failed


def test_an_error_before_the_commit_is_told(stores, claim):
    def refuse(*_arguments) -> None:
        raise psycopg.OperationalError("no space left on device")

    event.listen(stores.infra.engine, "before_cursor_execute", refuse)
    with pytest.raises((OperationalError, psycopg.OperationalError)):
        stores.jobs.progress(claim, [("metric", POINTS)])
    event.remove(stores.infra.engine, "before_cursor_execute", refuse)
    assert _kinds(stores, claim) == ["state", "state"]


def test_whoever_hangs_in_a_transaction_loses_its_row_after_a_lease(stores, claim, monkeypatch):
    monkeypatch.setenv("GANFORGE_LEASE_S", "1")
    hanging = make_engine(Settings())
    row = text("SELECT 1 FROM jobs WHERE id = :job FOR NO KEY UPDATE SKIP LOCKED")
    with hanging.connect() as connection:
        connection.execute(row, {"job": claim.job_id})

        def free() -> bool:
            with stores.infra.engine.begin() as other:
                return other.scalar(row, {"job": claim.job_id}) == 1

        assert not free()
        until(free, 60, "the end of the session that hangs")
        with pytest.raises(DBAPIError) as ended:
            connection.execute(row, {"job": claim.job_id})
        assert ended.value.connection_invalidated  # so that an attempt tries again, and finds its fence outdated
    hanging.dispose()
