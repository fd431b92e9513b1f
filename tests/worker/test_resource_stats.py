"""What attempts teach: the memory that a shape needs and its pace, from real trainers."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from models import wire
from models.job_profile import Shape
from models.states import ErrorCode, Outcome
from stores.jobs.transitions import Claim, Ending
from tests.waiting import until
from worker.device import find_device
from worker.resource_stats import CONTEXT_BYTES, ResourceStats

LIMIT = 1_900_000_000
GB = 10**9


def needs_bytes(stores, shape, queue):
    return stores.queries.jobs.outlooks([queue], shape, None)[queue].needs_bytes


def runtime(stores, shape, queue, images):
    return stores.queries.jobs.outlooks([queue], shape, images)[queue].runtime


def _end(stores, job_id):
    return until(
        lambda: (job := stores.queries.jobs.job(job_id, None))["finished_at"] and job, 90, "the end of the job"
    )


def test_a_job_that_succeeds_teaches_its_peak_and_its_pace(fleet, stores, submit):
    shape = Shape("mlp_gan", 28, 128, 8)
    assert needs_bytes(stores, shape, "cpu") is None
    assert runtime(stores, shape, "cpu", 18_000) is None
    fleet.supervisor()

    job = _end(stores, submit(params={"image_size": 28}))

    assert job["state"] == "succeeded", (job["error"], fleet.logs())
    assert 150_000_000 < needs_bytes(stores, shape, "cpu") < 2_000_000_000
    took = runtime(stores, shape, "cpu", 18_000)
    with stores.infra.engine.connect() as connection:
        ran = float(connection.scalar(text("SELECT extract(epoch FROM ended_at - started_at) FROM attempts")))
        typical = connection.scalar(text("SELECT typical_s FROM queues WHERE name = 'cpu'"))
    assert took.seconds == pytest.approx(ran, rel=0.5)
    assert typical == pytest.approx(ran, rel=0.5)
    assert took.low == took.seconds == took.high
    assert runtime(stores, shape, "cpu", 180_000).seconds > took.seconds


def test_a_job_that_runs_out_of_memory_teaches_that_its_shape_needs_more_than_there_was(fleet, stores, submit):
    fleet.supervisor(memory=LIMIT)

    job = _end(stores, submit("dcgan", params={"width": 512, "batch_size": 4, "epochs": 1, "image_size": 28}))

    assert job["error"]["code"] == "out_of_memory", (job["error"], fleet.logs())
    worker = stores.queries.jobs.workers(15)[0]
    assert worker["device"]["capacity"] == LIMIT
    needs = needs_bytes(stores, Shape("dcgan", 28, 4, 512), "cpu")
    assert LIMIT >= needs - 1 > 0
    # What is larger needs as much; of what is smaller, nothing is known; nor of another class of devices.
    assert needs_bytes(stores, Shape("dcgan", 28, 8, 512), "cpu") == needs
    assert needs_bytes(stores, Shape("dcgan", 28, 4, 256), "cpu") is None
    assert needs_bytes(stores, Shape("dcgan", 28, 4, 512), "gpu") is None


def test_a_device_with_too_little_memory_for_torch_itself_is_told_as_that(fleet, stores, submit):
    fleet.supervisor(memory=600_000_000)
    job = _end(stores, submit("mlp_gan"))
    assert job["error"]["code"] == "out_of_memory", (job["error"], fleet.logs())


@pytest.fixture
def lessons(stores, submit):
    """Return a function that makes the lessons of an attempt on a device of the given class and room."""

    def make(queue: str = "gpu", room: int | None = 8 * GB) -> ResourceStats:
        settings = stores.infra.settings.model_copy(update={"queue": queue, "device": "0"})
        params = {"image_size": 28, "batch_size": 64, "width": 16}
        job = {"kind": "train", "recipe": "dcgan", "queue": queue, "params": params, "room": room}
        return ResourceStats(stores, find_device(settings), Claim("job_1", "alice", 1, 1, job))

    return make


SHAPE = Shape("dcgan", 28, 64, 16)
DONE = Ending(Outcome.succeeded)
PEAK = wire.Memory(5 * GB, 3 * GB)


@pytest.mark.parametrize(
    ("queue", "needs"),
    [("cpu", 5 * GB), ("gpu", 3 * GB + CONTEXT_BYTES), ("jetson", 8 * GB + CONTEXT_BYTES)],
)
def test_what_counts_is_the_memory_of_the_device(stores, lessons, queue, needs):
    told = lessons(queue, 16 * GB)
    told.memory(PEAK)
    told.ended(DONE)
    assert needs_bytes(stores, SHAPE, queue) == needs


def test_the_largest_peak_is_kept(stores, lessons):
    for size in (2, 3, 1):
        told = lessons()
        told.memory(wire.Memory(0, size * GB))
        told.ended(DONE)
    assert needs_bytes(stores, SHAPE, "gpu") == 3 * GB + CONTEXT_BYTES


def test_a_batch_that_was_halved_did_not_fit_though_the_job_succeeded(stores, lessons):
    told = lessons()
    told.alert(wire.Alert("batch_halved", "memory ran out", 6, {"batch_size": 32}, back_to=6))
    told.memory(PEAK)
    told.ended(DONE)
    assert needs_bytes(stores, SHAPE, "gpu") == 8 * GB + 1


def test_a_need_that_was_thought_too_large_is_taken_back_when_the_job_fits(stores, lessons):
    stores.schedule.memory_stats.ran_out(SHAPE, "gpu", 12 * GB)
    told = lessons(room=8 * GB)
    told.memory(PEAK)
    told.ended(DONE)
    assert needs_bytes(stores, SHAPE, "gpu") == 3 * GB + CONTEXT_BYTES


@pytest.mark.parametrize("code", [ErrorCode.diverged, ErrorCode.internal, ErrorCode.max_runtime])
def test_other_failures_teach_nothing_of_memory(stores, lessons, code):
    told = lessons()
    told.memory(PEAK)
    told.ended(Ending(Outcome.failed, None, code, "as it was"))
    assert needs_bytes(stores, SHAPE, "gpu") is None


def test_without_a_known_room_running_out_teaches_nothing(stores, lessons):
    told = lessons(room=None)
    told.ended(Ending(Outcome.failed, None, ErrorCode.out_of_memory, "as it was"))
    assert needs_bytes(stores, SHAPE, "gpu") is None
