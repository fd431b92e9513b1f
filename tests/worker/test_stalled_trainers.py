"""A trainer that makes no progress is noticed, told of, killed and resumed; the weights are those of a calm run."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from contextlib import suppress

import pytest

from tests.chaos import undisturbed_run as calm_run
from tests.waiting import until
from tests.worker.test_training_on_a_found_data_set import write_flat_cifar

# Many steps, so that a stall falls into the run, and checkpoints close together.
PARAMS = {"width": 8, "epochs": 10, "checkpoint_every": {"steps": 100}, "grid_every": {"epochs": 10}}
STALL = {"GANFORGE_STALL_S": "2"}


@pytest.fixture(scope="module")
def calm(tmp_path_factory) -> dict[str, str]:
    """Return the checksums of the weights of the same run in a bare process that nothing disturbs."""
    return calm_run.weights(tmp_path_factory.mktemp("calm"), PARAMS, seed=1)


def _end(stores, job_id):
    return until(
        lambda: (job := stores.queries.jobs.job(job_id, None))["finished_at"] and job, 120, "the end of the job"
    )


def _weights(stores, job_id):
    return {art["name"]: art["sha256"] for art in stores.queries.jobs.artifacts(job_id, ["weights"], 10, None)}


def _outcomes(stores, job_id):
    return [attempt["outcome"] for attempt in stores.queries.jobs.attempts(job_id)]


def _stalls(stores, job_id):
    events = stores.events.page(job_id, 0, 100_000)
    return [event for event in events if event["type"] == "alert" and event["data"]["code"] == "stalled"]


def test_a_frozen_trainer_is_killed_and_the_job_resumed_to_the_same_weights(fleet, stores, submit, calm):
    fleet.supervisor(**STALL)
    fleet.sweeper()
    job_id = submit(params=PARAMS)
    until(lambda: stores.queries.jobs.checkpoints(job_id), 90, "a checkpoint")
    (trainer,) = fleet.trainers()
    frozen_at = time.monotonic()
    trainer.suspend()
    (alert,) = until(lambda: _stalls(stores, job_id), 60, "the alert")
    assert time.monotonic() - frozen_at > 2
    job = _end(stores, job_id)

    assert (job["state"], _outcomes(stores, job_id)) == ("succeeded", ["stalled", "succeeded"]), fleet.logs()
    assert _weights(stores, job_id) == calm
    assert (alert["attempt"], alert["data"]["phase"], alert["data"]["limit"]) == (1, "training", 2)
    assert alert["data"]["seconds"] > 2
    assert alert["data"]["step"] > 0
    first, second = stores.queries.jobs.attempts(job_id)
    assert second["start_step"] > 0
    assert first["error"]["code"] == "stalled"
    # A stopped process cannot say what its threads are doing.
    assert "the process was stopped by a signal" in first["error"]["detail"]


def test_a_write_that_never_returns_is_noticed_and_the_job_resumed(fleet, stores, submit, calm):
    fleet.supervisor(**STALL)
    fleet.sweeper()
    # Grids never change the training.
    job_id = submit(params={**PARAMS, "grid_every": {"steps": 100}})
    until(lambda: stores.queries.jobs.checkpoints(job_id), 90, "a checkpoint")
    # Who opens a pipe for writing that nobody reads waits for ever, as for a disk that does not answer.
    (scratch,) = fleet.home.glob(f"scratch/*/{job_id}-*")
    for step in range(100, 10_000, 100):
        with suppress(FileExistsError):
            os.mkfifo(scratch / f".grid-{step:08d}.png.part")
    job = _end(stores, job_id)

    assert (job["state"], _outcomes(stores, job_id)) == ("succeeded", ["stalled", "succeeded"]), fleet.logs()
    assert _weights(stores, job_id) == calm
    first, _ = stores.queries.jobs.attempts(job_id)
    assert "png.py" in first["error"]["detail"]
    (alert,) = _stalls(stores, job_id)
    assert (alert["data"]["phase"], alert["data"]["limit"]) == ("sampling", 10)


@pytest.fixture
def withhold():
    """Return a function that makes every opening of a file wait, for longer than any limit here."""
    # The holder of a lease is asked for it by this signal, whose usual effect is death.
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    held = []

    def make(path):
        held.append(os.open(path, os.O_RDONLY))
        fcntl.fcntl(held[-1], fcntl.F_SETLEASE, fcntl.F_WRLCK)

    yield make
    for descriptor in held:
        os.close(descriptor)
    signal.signal(signal.SIGIO, before)


def test_a_loader_that_never_returns_fails_the_job_with_the_stacks_when_attempts_are_used_up(
    fleet, stores, submit, withhold, tmp_path
):
    folder = tmp_path / "roots" / "cifar" / "train"
    write_flat_cifar(folder, 24)
    stores.datasets.register_known([tmp_path / "roots"])
    dataset = stores.datasets.find("cifar-10", None)
    withhold(folder / "6_airplane.png")
    fleet.supervisor(GANFORGE_DATA_ROOTS=str(tmp_path / "roots"), **STALL)
    params = {"batch_size": 8, "image_size": 48, "epochs": 1}
    job_id = submit(dataset="cifar-10", dataset_id=dataset["id"], params=params, max_attempts=1)
    job = _end(stores, job_id)

    assert (job["state"], job["error"]["code"]) == ("failed", "stalled"), (job, fleet.logs())
    assert _outcomes(stores, job_id) == ["stalled"]
    (alert,) = _stalls(stores, job_id)
    assert alert["data"]["phase"] == "preparing"
    assert "step" not in alert["data"]
    # Of the thread that waits for the picture, and of the one that waits for that thread.
    for place in ("PIL/Image.py", "prepare.py", "trainers/train.py"):
        assert place in job["error"]["detail"], job["error"]["detail"]


def test_a_supervisor_that_stood_still_does_not_take_its_trainer_for_stalled(fleet, stores, submit):
    # Its lease outlives the standstill.
    supervisor = fleet.supervisor(**STALL, GANFORGE_LEASE_S="60")
    job_id = submit(params=PARAMS)
    until(lambda: stores.queries.jobs.job(job_id, None)["progress"].get("step"), 90, "the first steps")
    (trainer,) = fleet.trainers()
    stopped_at = time.monotonic()
    for pid in (supervisor.pid, trainer.pid):
        os.kill(pid, signal.SIGSTOP)
    until(lambda: time.monotonic() - stopped_at > 6, 60, "a standstill of three limits")
    for pid in (trainer.pid, supervisor.pid):
        os.kill(pid, signal.SIGCONT)
    job = _end(stores, job_id)
    assert (job["state"], job["attempt"], _stalls(stores, job_id)) == ("succeeded", 1, []), fleet.logs()
