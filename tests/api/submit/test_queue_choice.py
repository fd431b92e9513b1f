"""A job goes where it fits, and where it would have ended first; one that fits nowhere is refused with what may fit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from models.job_profile import Shape
from stores.container import Stores
from tests.api.conftest import TRAIN, Person, Pointers

GB = 10**9
LARGE = {**TRAIN, "queue": "auto", "params": {"epochs": 2, "batch_size": 512, "width": 64}}
SHAPE = Shape("mlp_gan", 28, 512, 64)


def worker_of(stores: Stores, queue: str, capacity: int | None) -> str:
    return stores.fleet.workers.register(f"a {queue}", queue, {"kind": queue, "capacity": capacity, "room": capacity})


def test_a_job_of_unknown_need_goes_anywhere(alice: Person, stores: Stores) -> None:
    worker_of(stores, "cpu", 1)
    answer = alice.post("/v1/jobs", json=LARGE)
    assert answer.status_code == 201


def test_a_job_that_no_known_worker_has_the_memory_for_is_refused_with_what_may_fit(
    alice: Person, stores: Stores, pointers: Pointers
) -> None:
    worker_of(stores, "cpu", 4 * GB)
    stores.schedule.memory_stats.ran_out(SHAPE, "cpu", 4 * GB)
    stores.schedule.memory_stats.ran_out(replace(SHAPE, batch_size=256), "cpu", 4 * GB)

    errors = pointers(alice.post("/v1/jobs", json=LARGE))

    words = "the largest device that can run it has 4.0 GB for a job: 128 may fit"
    assert errors == {"/params/batch_size": f"needs at least 4.0 GB of memory; {words}"}
    smaller = {**LARGE, "params": {**LARGE["params"], "batch_size": 128}}
    assert alice.post("/v1/jobs", json=smaller).status_code == 201
    # One that is larger in another way needs no less.
    wider = {**LARGE, "params": {**LARGE["params"], "width": 128}}
    assert pointers(alice.post("/v1/jobs", json=wider)).keys() == {"/params/batch_size"}


@pytest.mark.parametrize(
    ("capacity", "fits"), [(4e9 - 0.5, False), (1e30, True), ("4 GB", True), ([], True), (-1, False)]
)
def test_a_worker_that_tells_its_memory_in_its_own_way_stops_nobody(
    alice: Person, stores: Stores, capacity: object, fits: bool
) -> None:
    stores.fleet.workers.register("home-made", "cpu", {"kind": "cpu", "capacity": capacity})
    stores.schedule.memory_stats.ran_out(SHAPE, "cpu", 4 * GB)
    assert alice.post("/v1/jobs", json=LARGE).status_code == (201 if fits else 422)


def test_when_no_batch_fits_the_error_names_what_else_to_lower(
    alice: Person, stores: Stores, pointers: Pointers
) -> None:
    worker_of(stores, "cpu", GB)
    stores.schedule.memory_stats.ran_out(replace(SHAPE, batch_size=2), "cpu", GB)
    assert "lower `width` or `image_size`" in pointers(alice.post("/v1/jobs", json=LARGE))["/params/batch_size"]


def test_a_worker_that_has_left_today_still_counts_as_one_that_may_come_back(alice: Person, stores: Stores) -> None:
    worker_of(stores, "cpu", 4 * GB)
    stores.fleet.workers.stop(worker_of(stores, "cpu", 16 * GB))
    stores.schedule.memory_stats.learn(SHAPE, "cpu", 8 * GB, 16 * GB)

    job = alice.post("/v1/jobs", json=LARGE).json

    assert (job["queue"], job["reason"]) == ("cpu", "no_live_worker")


def test_auto_takes_the_class_that_has_the_memory(alice: Person, stores: Stores) -> None:
    worker_of(stores, "gpu", 4 * GB)
    worker_of(stores, "cpu", 16 * GB)
    assert alice.post("/v1/jobs", json=LARGE).json["queue"] == "gpu"
    stores.schedule.memory_stats.ran_out(SHAPE, "gpu", 4 * GB)
    assert alice.post("/v1/jobs", json=LARGE).json["queue"] == "cpu"


@pytest.mark.parametrize(("waiting", "queue"), [(2, "gpu"), (8, "cpu")])
def test_auto_takes_the_better_class_unless_its_wait_is_much_longer(
    alice: Person, stores: Stores, waiting: int, queue: str
) -> None:
    worker_of(stores, "gpu", None)
    worker_of(stores, "cpu", None)
    for name in ("gpu", "cpu"):
        stores.schedule.speed_stats.took(name, 20)
    for _ in range(waiting):
        alice.submit(queue="gpu")

    assert alice.submit(queue="auto")["queue"] == queue


def test_auto_weighs_how_long_the_job_itself_would_run(alice: Person, stores: Stores) -> None:
    worker_of(stores, "gpu", None)
    worker_of(stores, "cpu", None)
    for _ in range(8):
        alice.submit(queue="gpu")
    stores.schedule.speed_stats.learn(SHAPE, "gpu", 10_000, 1)
    # 18,000 images: half an hour, against eight minutes of waiting.
    stores.schedule.speed_stats.learn(SHAPE, "cpu", 10, 1)

    assert alice.post("/v1/jobs", json=LARGE).json["queue"] == "gpu"


def test_what_a_job_needs_is_kept_for_the_claim(alice: Person, stores: Stores) -> None:
    worker_of(stores, "cpu", 16 * GB)
    stores.schedule.memory_stats.learn(SHAPE, "cpu", 3 * GB, 16 * GB)
    job = alice.post("/v1/jobs", json=LARGE).json
    with stores.infra.engine.connect() as connection:
        row = connection.execute(text("SELECT needs_bytes, shape, images FROM jobs WHERE id = :id"), job).one()
    assert tuple(row) == (3 * GB, "mlp_gan/28/512/64", 18_000)


def test_a_waiting_job_tells_when_it_may_have_ended_once_its_pace_is_known(alice: Person, stores: Stores) -> None:
    worker_of(stores, "cpu", None)
    jobs = [alice.post("/v1/jobs", json=LARGE).json for _ in range(3)]
    assert [alice.get(f"/v1/jobs/{job['id']}").json["eta"] for job in jobs] == [None] * 3

    stores.schedule.speed_stats.learn(SHAPE, "cpu", 1000, 2)

    found = [alice.get(f"/v1/jobs/{job['id']}").json for job in jobs]
    listed = {job["id"]: job for job in alice.get("/v1/jobs").json["data"]}
    assert [job["position"] for job in found] == [1, 2, 3]
    assert [listed[job["id"]]["position"] for job in jobs] == [1, 2, 3]
    with stores.infra.engine.connect() as connection:
        ahead = [
            connection.scalar(text("SELECT extract(epoch FROM cast(:at AS timestamptz) - now())"), job["eta"])
            for job in found
        ]
    # Each takes 2 s and 18,000 images at 1,000 a second, one after another.
    assert [float(seconds or 0) for seconds in ahead] == pytest.approx([20, 40, 60], abs=3)
    for job in found:
        assert job["eta"]["low"] < job["eta"]["at"] < job["eta"]["high"]
