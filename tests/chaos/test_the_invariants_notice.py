"""What the series asks is only worth something if a wrong answer is noticed: each invariant, broken by hand."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import psutil
import pytest

from models.states import DeviceClass
from stores.container import open_stores
from stores.infra.settings import Settings
from stores.jobs.insert import NewJob
from tests.chaos import invariants

NOW = datetime(2026, 1, 1, tzinfo=UTC)
JOB = {"state": "succeeded", "reason": None, "error": None, "last_seq": 3, "attempt": 1, "max_attempts": 3}


def _events(*attempts: int) -> list[dict]:
    rows = [
        {"seq": n, "attempt": attempt, "type": "state", "data": {"from": "queued", "to": "running"}}
        for n, attempt in enumerate(attempts, 1)
    ]
    rows[-1]["data"] = {"from": "running", "to": "succeeded"}
    return rows


def _artifact(**changes) -> dict:
    row = {"name": "generator.safetensors", "kind": "weights", "sha256": "a", "attempt": 1, "fence": 1}
    return {**row, "object_key": "jobs/job_1/1/x", "created_at": NOW, **changes}


ATTEMPT = {"number": 1, "fence": 1, "ended_at": NOW + timedelta(seconds=1), "outcome": "succeeded"}


def test_a_job_that_failed_or_ended_twice():
    assert list(invariants._ends_once(JOB, _events(1, 1, 1))) == []
    assert "failed" in next(invariants._ends_once({**JOB, "state": "failed"}, _events(1, 1, 1)))
    twice = [*_events(1, 1), *_events(1, 1)]
    assert "2 times" in next(invariants._ends_once(JOB, twice))


def test_a_gap_in_the_events_and_in_the_stream():
    seen = SimpleNamespace(seen=[1, 2, 3])
    assert list(invariants._tells_everything(JOB, _events(1, 1, 1), seen)) == []
    assert "gaps" in next(invariants._tells_everything({**JOB, "last_seq": 4}, _events(1, 1, 1), seen))
    assert "missed [2]" in next(invariants._tells_everything(JOB, _events(1, 1, 1), SimpleNamespace(seen=[1, 3])))
    again = SimpleNamespace(seen=[1, 2, 2, 3])
    assert "1 twice" in next(invariants._tells_everything(JOB, _events(1, 1, 1), again))


def test_a_metric_that_is_told_twice():
    events = _events(1, 1, 1)
    for event in events[:2]:
        event |= {"type": "metric", "data": {"steps": [5, 10], "values": {}}}
    (line,) = invariants._tells_everything(JOB, events, SimpleNamespace(seen=[1, 2, 3]))
    assert "a second time" in line


def test_what_comes_from_an_old_fence():
    assert list(invariants._old_fences(_events(1, 1, 2), [ATTEMPT], [_artifact()])) == []
    assert "earlier attempt" in next(invariants._old_fences(_events(1, 2, 1), [ATTEMPT], []))
    assert "carries fence 2" in next(invariants._old_fences(_events(1), [ATTEMPT], [_artifact(fence=2)]))
    late = _artifact(created_at=NOW + timedelta(seconds=2))
    assert "had ended" in next(invariants._old_fences(_events(1), [ATTEMPT], [late]))


def test_other_weights():
    assert list(invariants._weights(JOB, [_artifact()], {"generator.safetensors": "a"})) == []
    assert "calm run" in next(invariants._weights(JOB, [_artifact()], {"generator.safetensors": "b"}))


def test_attempts_that_do_not_add_up():
    world = SimpleNamespace(scalar=lambda *_: 0)
    assert list(invariants._counts(world, "job_1", JOB, [ATTEMPT])) == []
    assert "counts 2" in next(invariants._counts(world, "job_1", {**JOB, "attempt": 2}, [ATTEMPT]))
    interrupted = {**ATTEMPT, "outcome": "interrupted"}
    assert "1 were interrupted, and 0 counted" in next(invariants._counts(world, "job_1", JOB, [interrupted]))


@pytest.fixture
def processes():
    """Return a function that starts a process of this one's own which waits."""
    started = []

    def start() -> psutil.Process:
        started.append(subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))
        return psutil.Process(started[-1].pid)

    yield start
    for process in started:
        process.communicate()


def test_a_trainer_without_a_supervisor_and_a_second_one_below_it(processes, monkeypatch):
    monkeypatch.setattr(invariants, "STRAYS_S", 0.1)  # those that are looked for here never end
    one, other = processes(), processes()
    trainers = [one]
    world = SimpleNamespace(trainers=lambda: trainers, child=lambda _: SimpleNamespace(pid=psutil.Process().pid))
    assert list(invariants._trainers(world)) == []
    trainers.append(other)
    (line,) = invariants._trainers(world)
    assert str([other.pid]) in line
    alone = SimpleNamespace(trainers=lambda: [one], child=lambda _: SimpleNamespace(pid=1))
    assert str([one.pid]) in next(invariants._trainers(alone))


@pytest.fixture
def world(service_environment, monkeypatch):
    """Return real stores in place of the whole service."""
    for name, value in service_environment.items():
        monkeypatch.setenv(name, value)
    stores = open_stores(Settings())
    yield SimpleNamespace(stores=stores)
    stores.close()


def test_an_object_that_is_gone_or_is_not_what_its_row_says(world, tmp_path):
    content = b"weights"
    (tmp_path / "weights").write_bytes(content)
    world.stores.infra.blobs.put("jobs/job_1/1/x", tmp_path / "weights", "application/octet-stream")
    right = _artifact(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content), step=1)
    assert list(invariants._objects(world, [right])) == []
    for change in ({"sha256": "0" * 64}, {"bytes": 8}, {"object_key": "jobs/job_1/1/gone"}):
        (line,) = invariants._objects(world, [{**right, **change}])
        assert line.startswith("7: generator.safetensors")


def test_bytes_that_no_row_names_and_rows_whose_bytes_are_gone(world, tmp_path, monkeypatch):
    stores, died = world.stores, {**ATTEMPT, "fence": 7, "outcome": "lost"}
    world.strays = set()
    world.scalar = lambda query: stores.infra.engine.connect().exec_driver_sql(query).scalar()
    (tmp_path / "file").write_bytes(b"1234")

    def look(*attempts: dict) -> list[str]:
        return list(invariants._bytes(world, "job_1", list(attempts)))

    assert look(ATTEMPT) == []
    stores.infra.blobs.put("jobs/job_1/1/x", tmp_path / "file", "application/octet-stream")
    assert "no row names ['jobs/job_1/1/x']" in look(ATTEMPT, died)[0]
    # What an attempt that died has stored without a row is no fault, and is remembered.
    stores.infra.blobs.put("jobs/job_1/7/y", tmp_path / "file", "application/octet-stream")
    stores.infra.blobs.remove("jobs/job_1/1/x")
    assert look(ATTEMPT, died) == []
    assert look(ATTEMPT) == []
    with monkeypatch.context() as rows:
        rows.setattr(invariants, "_rows", lambda *_: [{"object_key": "jobs/job_1/1/x", "bytes": 4}])
        assert look(ATTEMPT) == ["9: the store holds 0 bytes, the rows say 4"]
    monkeypatch.setattr(invariants, "REMOVED_S", 0.1)
    with stores.infra.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO doomed_objects (object_key, bytes) VALUES ('jobs/job_1/1/x', 4)")
    assert "1 purged jobs, doomed objects and parts of logs are left" in look(ATTEMPT)[0]


def test_a_job_that_was_accepted_twice_or_not_at_all(world):
    facts = {"owner": "a", "kind": "sample", "recipe": "mlp_gan", "preset": None, "dataset": None, "dataset_id": None}
    more = {"params": {}, "seed": 0, "priority": 0, "labels": {}, "max_attempts": 3, "max_runtime_s": None}
    new = NewJob(**facts, **more, queue=DeviceClass.cpu, name="once")
    job, _ = world.stores.jobs.submit(new)
    once = SimpleNamespace(name="once", job_id=job["id"])
    assert list(invariants._accepted_once(world, once)) == []
    world.stores.jobs.submit(new)
    assert next(invariants._accepted_once(world, once)).startswith("8: asked for once, there are [")
    never = SimpleNamespace(name="never", job_id=job["id"])
    assert "there are []" in next(invariants._accepted_once(world, never))


def test_a_message_of_a_webhook_that_is_missing_or_came_in_another_order(world, monkeypatch):
    job, events = {"id": "job_1", "kind": "train"}, _events(1, 1, 1)
    events[0] |= {"type": "alert", "data": {"code": "collapse"}}
    rows = [
        {"seq": 1, "type": "job.alert", "message_id": "msg_1", "state": "delivered"},
        {"seq": 3, "type": "job.succeeded", "message_id": "msg_2", "state": "delivered"},
    ]
    monkeypatch.setattr(invariants, "TOLD_S", 0.1)

    def look(made: list[dict], *came: str) -> list[str]:
        monkeypatch.setattr(invariants, "_rows", lambda *_: made)
        world.receiver = SimpleNamespace(got=[SimpleNamespace(id=one) for one in came])
        return list(invariants._webhooks(world, job, events))

    assert look(rows, "msg_0", "msg_1", "msg_1", "msg_2") == []
    assert "not all of" in look(rows[:1], "msg_1")[0]
    assert "not all of" in look([rows[0], {**rows[1], "state": "pending"}], "msg_1")[0]
    assert "messages are" in look([*rows, {**rows[1], "message_id": "msg_3"}], "msg_1", "msg_2", "msg_3")[0]
    assert "the receiver got" in look(rows, "msg_2", "msg_1")[0]
