"""When a trainer counts as stalled: by its signs of life, and without the time that it could not use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from models import wire
from models.stalls import TIMES
from tests.waiting import until
from worker.event_data import of_stall
from worker.stalls import DOING, LifeSigns, ProcessorWaits, Stall, process_state


def training(steps, seconds, stall_s=60.0):
    """Return the signs of a training with so many steps, and the time of the last sign."""
    signs, now = LifeSigns(stall_s, 0.0), 0.0
    for step in range(steps):
        now += seconds
        signs.sign(wire.Alive("training", step), now)
    return signs, now


def test_every_phase_has_a_limit_and_a_word():
    phases = {"starting", *wire.Phase.__args__}
    assert set(TIMES) == set(DOING) == phases
    assert min(TIMES.values()) == TIMES["training"] == 1


def test_short_steps_have_the_limit_of_the_setting():
    signs, now = training(steps=10, seconds=1.0)
    assert signs.stall(now + 60) is None
    assert signs.stall(now + 60.1) == Stall(pytest.approx(60.1), 60.0, "training", 9)


def test_long_steps_have_ten_times_their_median():
    signs, now = training(steps=10, seconds=9.0)
    assert signs.stall(now + 90) is None
    assert signs.stall(now + 90.1).limit == 90.0


def test_many_steps_between_two_signs_are_told_apart():
    signs = LifeSigns(60.0, 0.0)
    for number in range(10):
        signs.sign(wire.Alive("training", 100 * number), 100.0 * number)
    assert signs.stall(900 + 60.1).limit == 60.0


def test_what_is_not_a_step_does_not_lengthen_them():
    signs = LifeSigns(60.0, 0.0)
    for number in range(10):
        signs.sign(wire.Alive("training", number), 100.0 * number)
        signs.sign(wire.Alive("saving", number + 1), 100.0 * number + 1)
    signs.sign(wire.Alive("training", 10), 1000.0)
    assert signs.stall(1060.1).limit == 60.0


@pytest.mark.parametrize(("phase", "limit"), [("preparing", 300.0), ("compiling", 600.0), ("saving", 300.0)])
def test_other_phases_have_longer_limits(phase, limit):
    signs = LifeSigns(60.0, 0.0)
    signs.sign(wire.Alive(phase), 5.0)
    assert signs.stall(5 + limit) is None
    assert signs.stall(5.1 + limit) == Stall(pytest.approx(limit + 0.1), limit, phase, None)


def test_a_trainer_that_never_says_anything_has_stalled_too():
    signs = LifeSigns(60.0, 0.0)
    assert signs.stall(600) is None
    assert signs.stall(600.1).phase == "starting"


def test_time_that_is_left_out_does_not_count_until_the_next_sign_and_never_for_long():
    signs, now = training(steps=3, seconds=1.0)
    signs.leave_out(40)
    assert signs.stall(now + 100) is None
    assert signs.stall(now + 100.1).seconds == pytest.approx(100.1)
    signs.leave_out(100_000)
    assert signs.stall(now + 600) is None
    assert signs.stall(now + 600.1) is not None
    signs.sign(wire.Alive("training", 3), now + 601)
    assert signs.stall(now + 601 + 60.1) is not None


def test_limits_are_longer_than_the_pause_between_two_signs():
    signs, now = training(steps=3, seconds=0.01, stall_s=0.001)
    assert signs.stall(now + 2) is None


def test_the_thread_that_waited_longest_counts(tmp_path):
    tasks = tmp_path / "7" / "task"
    for thread, waited in (("7", 5_000_000_000), ("8", 1_000_000_000)):
        (tasks / thread).mkdir(parents=True)
        (tasks / thread / "schedstat").write_text(f"90 {waited} 12\n")
    waits = ProcessorWaits(7, tmp_path)
    (tasks / "7" / "schedstat").write_text("91 5100000000 13\n")
    (tasks / "8" / "schedstat").write_text("91 1400000000 13\n")
    # What a thread waited before it was first seen is not known to lie between two looks.
    (tasks / "9").mkdir()
    (tasks / "9" / "schedstat").write_text("91 9000000000 13\n")
    (tasks / "10").mkdir()  # it has just ended
    assert waits.since_last() == pytest.approx(0.4)
    assert waits.since_last() == 0


def test_where_the_kernel_does_not_count_nothing_is_left_out(tmp_path):
    assert ProcessorWaits(7, tmp_path).since_last() == 0


@pytest.fixture
def crowd():
    """Return the ids of two processes that compute on the same processor, the second one with `nice` 10."""
    spin = [sys.executable, "-c", "while True: pass"]
    processor = min(os.sched_getaffinity(0))
    started = [subprocess.Popen(spin), subprocess.Popen(["nice", "-n", "10", *spin])]
    for process in started:
        psutil.Process(process.pid).cpu_affinity([processor])
    yield [process.pid for process in started]
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="this kernel does not count waits")
def test_a_process_on_a_crowded_processor_waits_and_a_frozen_one_does_not(crowd):
    waits = ProcessorWaits(crowd[1])
    until(lambda: waits.since_last() > 0.01, 60, "a wait for the processor")
    psutil.Process(crowd[1]).suspend()
    until(lambda: psutil.Process(crowd[1]).status() == psutil.STATUS_STOPPED, 60)
    waits.since_last()
    ticks = psutil.Process(crowd[0]).cpu_times().user
    until(lambda: psutil.Process(crowd[0]).cpu_times().user > ticks + 0.2, 60, "the other one's turn")
    assert waits.since_last() == 0
    assert str(process_state(crowd[1])) == "stopped by a signal"


def test_the_state_of_a_process_that_is_gone_is_said_all_the_same(tmp_path):
    assert str(process_state(7, tmp_path)) == "waiting"


def test_the_alert_has_the_numbers_and_their_text():
    kind, data = of_stall(Stall(61.26, 60.0, "training", 12))
    assert kind == "alert"
    assert data.pop("text")["code"] == data["code"] == "stalled"
    assert "no progress for 61 s while training (limit 60 s)" in str(data.pop("detail"))
    assert data == {"code": "stalled", "step": 12, "seconds": 61.3, "limit": 60.0, "phase": "training"}
