"""What an attempt takes of its machine: read from real processes, and from counters like those of the kernel."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from models import wire
from models.states import EventType, Outcome
from stores.jobs.transitions import Ending
from tests.waiting import until
from worker.event_data import of_readings
from worker.nvml import Gpu
from worker.telemetry import ProcessorEnergy, ProcessTree, Sampler, Telemetry

# A process whose child keeps a processor busy.
BUSY = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])"
PROGRESS = wire.Progress(1, 2, 7, 10, 70, 0.5)


@pytest.fixture
def busy():
    """Return the id of a process with a busy child."""
    process = subprocess.Popen([sys.executable, "-c", BUSY], start_new_session=True)
    yield process.pid
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def counter(root, number, value, most=1000_000_000):
    """Write the counter of a processor package."""
    folder = root / f"sys/class/powercap/intel-rapl:{number}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "energy_uj").write_text(f"{value}\n")
    (folder / "max_energy_range_uj").write_text(f"{most}\n")


def test_the_time_and_memory_of_children_count(busy):
    tree = ProcessTree(busy)
    seconds, memory = tree.read()
    assert seconds is None
    assert memory is not None
    assert memory > 1_000_000
    until(lambda: (tree.read()[0] or 0) > 0, 30, "some time of the busy child")


def test_a_process_that_is_gone_gives_nothing():
    process = subprocess.Popen(["true"])
    process.wait()
    assert ProcessTree(process.pid).read() == (None, None)


def test_the_energy_of_all_packages_is_added_also_where_a_counter_begins_again(tmp_path):
    counter(tmp_path, 0, 999_000_000)
    counter(tmp_path, 1, 5_000_000)
    energy = ProcessorEnergy(tmp_path)
    assert energy.joules() is None
    counter(tmp_path, 0, 1_000_000)  # 2 J later, beyond its range of 1,000 J
    counter(tmp_path, 1, 8_000_000)
    assert energy.joules() == pytest.approx(5.0)


def test_a_counter_that_nobody_may_read_hides_no_other(tmp_path):
    counter(tmp_path, 1, 1_000_000)
    (tmp_path / "sys/class/powercap/intel-rapl:0").mkdir()
    energy = ProcessorEnergy(tmp_path)
    energy.joules()
    counter(tmp_path, 1, 2_000_000)
    assert energy.joules() == pytest.approx(1.0)
    assert ProcessorEnergy(tmp_path / "nowhere").joules() is None


def test_a_machine_without_sensors_for_power_shows_load_and_memory_alone(busy, tmp_path):
    sampler = Sampler(busy, lambda: None, tmp_path)
    sampler.read()
    readings, joules = until(lambda: _busy(sampler), 30, "some time of the busy child")
    assert set(readings) == {"cpu_pct", "memory_bytes"}
    assert joules is None


def _busy(sampler):
    readings, joules = sampler.read()
    return (readings, joules) if readings.get("cpu_pct", 0) > 0 else None


def test_a_gpu_shows_its_own_figures_and_what_it_lacks_hides_nothing_else(busy, tmp_path):
    whole = Gpu("0", "GPU-1", "a gpu", 100, 40, None, busy_pct=80.0, watts=200.0)
    readings, joules = Sampler(busy, lambda: whole, tmp_path).read()
    assert (readings["gpu_pct"], readings["gpu_memory_bytes"], readings["watts"]) == (80.0, 60.0, 200.0)
    assert joules is not None
    silent = Gpu("0", "GPU-1", "a gpu", None, None, None, busy_pct=80.0)
    readings, joules = Sampler(busy, lambda: silent, tmp_path).read()
    assert ("watts" in readings, "gpu_memory_bytes" in readings, readings["gpu_pct"]) == (False, False, 80.0)
    assert joules is None


def test_a_trainer_pays_for_its_share_of_the_processors(busy, tmp_path):
    counter(tmp_path, 0, 0)
    sampler = Sampler(busy, lambda: None, tmp_path)
    sampler.read()
    _, joules = until(lambda: _paid(sampler, tmp_path), 30, "its share")
    assert 0 < joules <= 10.0


def _paid(sampler, root):
    """Let the processors take 10 J more; return what the trainer pays of them, if it did something meanwhile."""
    now = int((root / "sys/class/powercap/intel-rapl:0/energy_uj").read_text())
    counter(root, 0, now + 10_000_000)
    readings, joules = sampler.read()
    return (readings, joules) if joules else None


def test_readings_are_handed_out_once_and_energy_is_kept_whole(busy, tmp_path):
    kept = []
    gpu = Gpu("0", "GPU-1", "a gpu", 100, 40, None, watts=3600.0)
    over = threading.Event()
    telemetry = Telemetry(Sampler(busy, lambda: gpu, tmp_path), kept.append, over, every_s=0.05)
    telemetry.start()
    first = until(telemetry.take, 30, "the first readings")
    assert first["watts"] == 3600.0
    over.set()
    telemetry.join()
    telemetry.take()
    assert telemetry.take() == {}
    telemetry.store()
    telemetry.store()
    assert kept[0] == kept[1] > 0


def test_readings_stand_at_the_last_step_that_was_told():
    message = wire.Metric(1, [5, 6, 7], {"d_loss": [0.1, 0.2, 0.3]}, PROGRESS)
    (event,) = of_readings(message, {"cpu_pct": 97.5})
    assert event == (EventType.metric, {"epoch": 1, "steps": [7], "values": {"cpu_pct": [97.5]}})
    assert of_readings(message, {}) == []


def test_the_trainers_wait_for_data_stands_among_the_readings():
    message = wire.Metric(1, [5, 6, 7], {"d_loss": [0.1, 0.2, 0.3]}, PROGRESS, 12.5)
    told = {"cpu_pct": [97.5], "data_wait_pct": [12.5]}
    (event,) = of_readings(message, {"cpu_pct": 97.5})
    assert event == (EventType.metric, {"epoch": 1, "steps": [7], "values": told})
    assert of_readings(message, {})[0][1]["values"] == {"data_wait_pct": [12.5]}


def test_readings_are_curves_beside_the_trainers_own(stores, submit, run_by_hand):
    claim = run_by_hand()
    told = {"epoch": 1, "steps": [5, 6, 7], "values": {"d_loss": [0.1, 0.2, 0.3]}}
    message = wire.Metric(told["epoch"], told["steps"], told["values"], PROGRESS)
    stores.jobs.progress(claim, [(EventType.metric, told), *of_readings(message, {"cpu_pct": 97.5})], progress={})
    series = stores.events.metrics.series(claim.job_id, None, 100)
    assert series == {"d_loss": ([5, 6, 7], [0.1, 0.2, 0.3]), "cpu_pct": ([7], [97.5])}
    stores.jobs.go_back(claim, 6)
    assert "cpu_pct" not in stores.events.metrics.series(claim.job_id, None, 100)


def test_the_energy_stands_in_the_attempt_and_changes_no_more_once_it_has_ended(stores, submit, run_by_hand):
    claim = run_by_hand()
    stores.jobs.used_energy(claim, 1.5)
    stores.jobs.used_energy(claim, 2.5)
    stores.jobs.finish(claim, Ending(Outcome.succeeded))
    stores.jobs.used_energy(claim, 9.0)
    (attempt,) = stores.queries.jobs.attempts(claim.job_id)
    assert attempt["energy_wh"] == 2.5
    assert attempt["device_s"] >= 0


@pytest.fixture
def run_by_hand(stores, submit):
    """Return a function that claims a job of this test's own queue by hand."""

    def claim():
        job_id = submit(queue="gpu")
        worker = stores.fleet.workers.register("by hand", "gpu", {"kind": "gpu"})
        found = stores.jobs.claim("gpu", worker, "gpu")
        assert found is not None
        assert found.job_id == job_id
        return found

    return claim


@pytest.mark.slow
def test_a_training_of_some_seconds_shows_its_load_and_memory(standing, stores, submit):
    job_id = submit(params={"epochs": 400})
    curves = until(lambda: _curves(stores, job_id), 90, "the first readings")
    assert curves["cpu_pct"][1][0] > 0
    assert curves["memory_bytes"][1][0] > 50_000_000
    stores.jobs.cancel(job_id, _Alice())


class _Alice:
    owner, key_id, reads = "alice", None, "alice"


def _curves(stores, job_id):
    series = stores.events.metrics.series(job_id, None, 100)
    return series if "cpu_pct" in series else None
