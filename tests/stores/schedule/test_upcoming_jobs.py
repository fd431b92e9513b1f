"""Which jobs a queue starts next."""

from __future__ import annotations

import pytest
from sqlalchemy import text


def test_the_head_of_the_line_is_the_order_in_which_the_jobs_are_taken(stores, worker, new_job):
    for n in range(12):
        stores.jobs.submit(new_job(owner=f"owner-{n % 5 % 3}"))
    head = stores.schedule.upcoming_jobs.next("cpu", None, 8)
    assert [job["position"] for job in head] == list(range(1, 9))
    assert [stores.jobs.claim("cpu", worker, "cpu").job_id for _ in head] == [job["id"] for job in head]


def test_the_head_of_the_line_has_the_places_that_each_job_says(stores, worker, new_job):
    for n in range(12):
        stores.jobs.submit(new_job(owner=f"owner-{n % 5 % 3}", priority=n % 4 // 2 - 100))
    stores.jobs.claim("cpu", worker, "cpu")
    head = stores.schedule.upcoming_jobs.next("cpu", None, 20)
    assert [job["position"] for job in head] == list(range(1, 12))
    assert [stores.queries.jobs.job(job["id"], None)["position"] for job in head] == list(range(1, 12))


def test_an_owner_sees_their_own_with_their_places_among_all(stores, new_job):
    for owner in ("alice", "bob", "alice", "bob", "alice"):
        stores.jobs.submit(new_job(owner=owner))
    mine = stores.schedule.upcoming_jobs.next("cpu", "alice", 2)
    assert [(job["owner"], job["position"]) for job in mine] == [("alice", 1), ("alice", 3)]
    assert stores.schedule.upcoming_jobs.next("cpu", "carol", 2) == []
    assert stores.schedule.upcoming_jobs.next("gpu", None, 2) == []


@pytest.mark.parametrize(
    ("facts", "lacks"),
    [
        ({"room": 50, "capacity": 200}, "room"),
        ({"room": 50, "capacity": 90}, "device"),
        ({"room": 100, "capacity": 200}, None),
        ({}, None),
        ({"room": 50.5, "capacity": 1e30}, "room"),
        ({"room": "much", "capacity": 90.9}, "device"),
        ({"room": None, "capacity": True}, None),
        (None, None),  # nobody serves the queue: that is said otherwise
    ],
)
def test_a_job_that_waits_for_memory_says_so(stores, new_job, facts, lacks):
    if facts is not None:
        stores.fleet.workers.register("bench", "cpu", {"kind": "cpu", **facts})
        gone = stores.fleet.workers.register("gone", "cpu", {"kind": "cpu", "room": 900, "capacity": 900})
        stores.fleet.workers.stop(gone)
    made, _ = stores.jobs.submit(new_job())
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET needs_bytes = 100 WHERE id = :id"), {"id": made["id"]})
    assert [job["lacks"] for job in stores.schedule.upcoming_jobs.next("cpu", None, 5)] == [lacks]


@pytest.mark.parametrize(
    ("units", "lacks"), [([], None), ([None], None), ([False], "units"), ([False, True], None), (["no", False], None)]
)
def test_a_job_that_waits_for_units_says_so(stores, new_job, units, lacks):
    for has in units:
        stores.fleet.workers.register("bench", "cpu", {"kind": "cpu", "bfloat16": has})
    stores.jobs.submit(new_job(needs_units=True))
    assert [job["lacks"] for job in stores.schedule.upcoming_jobs.next("cpu", None, 5)] == [lacks]


def test_a_job_does_not_wait_for_the_memory_of_the_one_that_runs(stores, new_job):
    worker = stores.fleet.workers.register("bench", "cpu", {"kind": "cpu", "room": 50, "capacity": 200})
    stores.jobs.submit(new_job())
    stores.jobs.claim("cpu", worker, "cpu")
    stores.jobs.submit(new_job())
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET needs_bytes = 100"))
    assert [job["lacks"] for job in stores.schedule.upcoming_jobs.next("cpu", None, 5)] == [None]
