"""The wait for data: near all of the time with slow data, little of it with fast ones, and no part of a checkpoint."""

from __future__ import annotations

import time

import pytest
import torch

from trainers.data.images import Images
from trainers.data.loader import ImageFeed, PairFeed
from trainers.data.preprocessing import Preprocessing
from trainers.data.rng import Draws
from trainers.loop import checkpoints, data_wait
from trainers.loop.data_wait import DataWait

SLOW_S = 0.1


class Feed:
    """A feed that has waited for as long as a test says."""

    waited_s = 0.0


@pytest.fixture
def clock(monkeypatch):
    """The clock of readings, which a test moves."""
    now = [100.0]
    monkeypatch.setattr(data_wait.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def slow_data(monkeypatch):
    """Let each batch come from a device that takes its time, as a disk or a network drive does."""
    gather = ImageFeed._gather

    def slowly(self, chosen):
        until = time.perf_counter() + SLOW_S
        while time.perf_counter() < until:
            pass
        return gather(self, chosen)

    monkeypatch.setattr(ImageFeed, "_gather", slowly)


def readings(attempt):
    return [told["data_wait_pct"] for told in attempt.of("metric") if told["data_wait_pct"] is not None]


def test_the_share_is_that_of_the_time_since_the_last_reading(clock):
    feed = Feed()
    feed.waited_s = 7.0  # before this attempt began to train
    wait = DataWait(feed)
    clock[0], feed.waited_s = 104.0, 8.0
    assert wait.pct(last=False) is None
    clock[0], feed.waited_s = 110.0, 9.5
    assert wait.pct(last=False) == 25.0
    clock[0], feed.waited_s = 112.0, 9.7
    assert wait.pct(last=True) == 10.0
    assert wait.pct(last=True) is None


def test_slow_data_are_much_of_what_a_training_takes(train_small, slow_data):
    told = readings(train_small())
    assert told
    assert all(40 < one <= 100 for one in told)


def test_the_batches_of_both_domains_are_waited_for(slow_data):
    part = Images(torch.zeros(4, 1, 4, 4, dtype=torch.uint8), None)
    draws = Draws(0, 0, torch.device("cpu"))
    a, b = (ImageFeed([part], 2, draws, Preprocessing(0.0, 1.0, 4), name) for name in ("a", "b"))
    pair = PairFeed(a, b)
    a.next(), b.next(), b.others(1, 0)
    assert pair.waited_s == a.waited_s + b.waited_s >= 3 * SLOW_S


def test_fast_data_are_hardly_waited_for_and_a_short_training_has_a_reading_too(train_small):
    told = readings(train_small("dcgan", width=16, epochs=1))
    assert len(told) == 1
    assert 0 <= told[0] < 20


def test_a_checkpoint_is_the_same_however_long_its_data_took(train_small, request):
    fast = train_small(epochs=1)
    request.getfixturevalue("slow_data")
    slow = train_small(epochs=1)
    assert readings(slow)[-1] > readings(fast)[-1]
    one, other = (checkpoints.read(attempt.checkpoint) for attempt in (fast, slow))
    assert "data_wait_pct" not in str(one.meta)
    assert one.tensors.keys() == other.tensors.keys()
    timed = "epoch_seconds"
    assert all(torch.equal(tensor, other.tensors[name]) for name, tensor in one.tensors.items() if name != timed)
