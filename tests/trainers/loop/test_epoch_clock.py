"""Seconds and images of epochs, over all attempts."""

from __future__ import annotations

import pytest

from trainers.loop.epoch_clock import EpochClock


@pytest.fixture
def now(monkeypatch):
    """Return a function that moves the time on; it begins at 100 s."""
    at = [100.0]
    monkeypatch.setattr("trainers.loop.epoch_clock.time.monotonic", lambda: at[0])

    def move(seconds):
        at[0] += seconds

    return move


def test_loading_data_does_not_count_as_training(now):
    clock = EpochClock()
    now(30)
    clock.start()
    now(2)
    assert clock.seconds == clock.attempt_seconds == 2


def test_an_epoch_takes_the_time_and_images_since_the_one_before_without_its_evaluation(now):
    clock = EpochClock()
    now(3)
    first = clock.lap(160)
    now(10)  # evaluation on test images
    clock.begin_epoch(1, 160, first)
    now(4)
    second = clock.lap(320)
    clock.begin_epoch(2, 320, second)
    assert (first, second) == ((3, 160), (4, 160))
    assert (clock.epochs_done, clock.seconds_per_epoch) == (2, [3, 4])
    assert clock.seconds == 17


def test_a_resumed_attempt_goes_on_in_the_epoch_and_the_seconds_of_its_checkpoint(now):
    clock = EpochClock()
    clock.restore(1, [50.0], 70.0, (55.0, 160))
    clock.start()
    now(5)
    assert (clock.seconds, clock.attempt_seconds) == (75, 5)
    assert clock.lap(320) == (20, 160)


def test_seconds_that_were_lost_by_going_back_count_all_the_same(now):
    clock = EpochClock()
    now(40)
    seconds = clock.seconds
    clock.restore(0, [], 10.0, (0.0, 0))
    clock.go_on_from(seconds)
    now(1)
    assert (clock.seconds, clock.attempt_seconds) == (41, 1)
