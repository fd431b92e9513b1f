"""One batch ahead: the same batches in the same order, counted when they are taken. On a GPU, where there is one."""

from __future__ import annotations

import threading

import pytest
import torch

from trainers.data import loader
from trainers.data.images import Images
from trainers.data.loader import ImageFeed
from trainers.data.prefetch import Prefetch, Sent
from trainers.data.preprocessing import Preprocessing
from trainers.data.rng import Draws
from trainers.data.sampler import Epochs, Place

CPU = torch.device("cpu")
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]
RAW = Preprocessing(0.0, 1 / 255, 4, shift=1, flip=True)


class HostLane:
    """Sends tensors nowhere, and tells by which threads that was done."""

    def __init__(self) -> None:
        self.senders = []

    def send(self, tensors):
        self.senders.append(threading.current_thread().name)
        return Sent(tensors, None)

    def receive(self, sent):
        return sent.tensors


@pytest.fixture
def ahead(monkeypatch):
    """Let feeds fetch ahead whose pixels do not lie on their device; on a CPU by way of a lane that is returned."""
    lane = HostLane()
    monkeypatch.setattr(loader, "_fits", lambda _size, _device: False)
    on_gpu = loader._lane
    monkeypatch.setattr(loader, "_lane", lambda near, device: on_gpu(near, device) or lane)
    return lane


def images(begin, end):
    pixels = torch.arange(begin, end).view(-1, 1, 1, 1).expand(-1, 1, 6, 6).to(torch.uint8).contiguous()
    return Images(pixels, torch.arange(begin, end) % 3)


def feed(device, parts=None, *, drop_last=True):
    epochs = Epochs(drop_last=drop_last)
    return ImageFeed(parts or [images(0, 30)], 8, Draws(5, 0, torch.device(device)), RAW, epochs=epochs)


def draw(from_feed, count):
    drawn = [from_feed.next_batch() for _ in range(count)]
    return [(batch.images.cpu(), batch.labels.cpu()) for batch in drawn]


def same(one, other):
    pairs = list(zip(one, other, strict=True))
    return all(torch.equal(a, c) and torch.equal(b, d) for (a, b), (c, d) in pairs)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("small", [0, 1 << 30])
@pytest.mark.parametrize(("drop_last", "seen"), [(True, 56), (False, 8 + 8 + 8 + 6 + 8 + 8 + 8)])
def test_batches_and_classes_are_those_of_a_feed_that_waits(monkeypatch, ahead, device, small, drop_last, seen):
    monkeypatch.setattr(loader, "_SMALL", small)
    parts = [images(0, 10), images(10, 30)]
    # Windows are cut out at random: their draws follow the number of images seen, not of images fetched.
    with monkeypatch.context() as waiting:
        waiting.setattr(loader, "_lane", lambda near, device: None)
        expected = draw(feed(device, parts, drop_last=drop_last), 7)
    fetching = feed(device, parts, drop_last=drop_last)
    assert same(draw(fetching, 7), expected)
    assert fetching.sampler.seen == seen


def test_the_next_batch_is_fetched_by_another_thread_before_it_is_asked_for(ahead):
    one = feed("cpu")
    draw(one, 3)
    one._prefetch._thread.shutdown()
    # The first is fetched where it is asked for; behind each one the next.
    own, *others = ahead.senders
    assert own == threading.current_thread().name
    assert len(others) == 3
    assert all(name.startswith("prefetch") for name in others)


@pytest.mark.parametrize("device", DEVICES)
def test_what_was_fetched_is_not_used_after_a_halving_a_checkpoint_or_another_salt(ahead, device):
    one = feed(device)
    first, state = draw(one, 2), None
    state = one.state()
    assert state == {"passes": 0, "position": 16, "seen": 16, "batch_size": 8}
    following = draw(one, 3)
    # A checkpoint that lies two batches back, and the same one with other draws.
    one.restore(state, 0)
    assert one.state() == state
    assert same(draw(one, 3), following)
    one.restore(state, 1)
    salted = draw(one, 3)
    assert not same(salted, following)
    # In the middle of an epoch the batch is halved: the same images in smaller batches.
    one.restore({"passes": 0, "position": 8, "seen": 8, "batch_size": 8}, 0)
    draw(one, 1)
    one.restore({"passes": 0, "position": 8, "seen": 8, "batch_size": 8}, 0)
    one.halve()
    halves = draw(one, 2)
    assert torch.equal(torch.cat([labels for _, labels in halves]), first[1][1])


def test_an_error_of_the_thread_is_raised_where_its_batch_is_taken_and_not_again(ahead):
    failing = [True]

    def gather(chosen):
        if failing and failing.pop():
            raise RuntimeError("CUDA out of memory")
        return [chosen]

    prefetch, place, chosen = Prefetch(gather, ahead), Place(0, 0, 8, 8), torch.arange(8)
    prefetch.begin(place, chosen)
    with pytest.raises(RuntimeError, match="out of memory"):
        prefetch.take(place, chosen)
    assert torch.equal(prefetch.take(place, chosen)[0], chosen)
    # Nobody asks for what was fetched for another place, so its error is nobody's either.
    failing.append(True)
    prefetch.begin(Place(1, 0, 8, 8), chosen)
    prefetch._ahead.sent.exception()
    assert torch.equal(prefetch.take(place, chosen)[0], chosen)


@pytest.mark.parametrize(
    "given",
    [
        {"recipe": "darknet", "image_size": 16, "groups": [1, 1], "shift": 2},
        {"recipe": "cyclegan", "batch_size": 4, "epochs": 1, "blocks": 1, "pool": 4, "d_steps": 2},
    ],
    ids=["darknet", "cyclegan"],
)
def test_a_training_that_fetches_ahead_is_cut_and_resumed_to_the_same_weights(train_small, monkeypatch, request, given):
    undisturbed = train_small(**given)
    request.getfixturevalue("ahead")
    first = train_small(**given, stop_at_step=5)
    second = train_small(**given, resume=first.checkpoint)
    assert second.of("started")[0]["start_step"] == 5
    assert second.hashes == undisturbed.hashes
