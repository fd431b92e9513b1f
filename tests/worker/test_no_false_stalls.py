"""Trainings that are only slow are not taken for stalled: slow data, huge grids, a machine at load 8.

A few of them here; `make test-stalls` runs fifty.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from PIL import Image

from tests.waiting import until

# Thirty times shorter than by default: what is no false alarm with this is none by far with that.
LIMIT = {"GANFORGE_STALL_S": "2"}
HUGE_GRIDS = {"width": 8, "epochs": 1, "batch_size": 512, "image_size": 128, "grid_every": {"steps": 1}}
SMALL = {"width": 8, "epochs": 2}
CROWD = 8
RUNS = int(os.environ.get("STALL_RUNS", "5"))


@pytest.fixture
def crowd():
    """Keep eight processes computing."""
    spin = [sys.executable, "-c", "while True: pass"]
    started = [subprocess.Popen(spin) for _ in range(CROWD)]
    yield
    for process in started:
        process.kill()
        process.wait()


def _pictures(folder, count, size):
    """Write pictures whose decoding takes long: they are large, and noise."""
    folder.mkdir(parents=True)
    for number in range(count):
        name = ("airplane", "automobile", "frog")[number % 3]
        picture = Image.frombytes("RGB", (size, size), os.urandom(3 * size * size))
        picture.save(folder / f"{number}_{name}.png", compress_level=1)


def _end_well(stores, fleet, jobs):
    def ended():
        found = [stores.queries.jobs.job(job_id, None) for job_id in jobs]
        return all(job["finished_at"] for job in found) and found

    found = until(ended, 1500, "the end of all jobs")
    stalled = [
        event["data"]
        for job in found
        for event in stores.events.page(job["id"], 0, 100_000)
        if event["type"] == "alert" and event["data"]["code"] == "stalled"
    ]
    assert stalled == [], fleet.logs()
    assert {(job["state"], job["attempt"]) for job in found} == {("succeeded", 1)}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_runs_with_huge_grids_and_slow_data_raise_no_alert(fleet, stores, submit, tmp_path):
    _pictures(tmp_path / "roots" / "cifar" / "train", 48, 1500)
    stores.datasets.register_known([tmp_path / "roots"])
    dataset = stores.datasets.find("cifar-10", None)
    fleet.supervisor(GANFORGE_DATA_ROOTS=str(tmp_path / "roots"), GANFORGE_SPARE_TRAINER="true", **LIMIT)
    jobs = [submit(params=HUGE_GRIDS) for _ in range(RUNS // 5)]
    jobs += [submit(params=SMALL, seed=seed) for seed in range(3 * RUNS // 10)]
    # Another size each time, so that the pictures are prepared anew.
    jobs += [
        submit(
            dataset="cifar-10",
            dataset_id=dataset["id"],
            params={"batch_size": 8, "image_size": 32 + 2 * number, "epochs": 1},
        )
        for number in range(3 * RUNS // 10)
    ]
    _end_well(stores, fleet, jobs)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(RUNS < 10, reason="crowds the machine for other tests: make test-stalls")
def test_runs_on_a_machine_at_load_8_raise_no_alert(fleet, stores, submit, crowd):
    fleet.supervisor(GANFORGE_SPARE_TRAINER="true", **LIMIT)
    jobs = [submit(params={**SMALL, "epochs": 1}) for _ in range(RUNS // 10)]
    jobs += [submit(params={**HUGE_GRIDS, "image_size": 64}) for _ in range(RUNS // 10)]
    _end_well(stores, fleet, jobs)
