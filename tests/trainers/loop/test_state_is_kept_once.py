"""Weights, averages and moments are kept once where they are trained, and once more on the host to go back to."""

from __future__ import annotations

import gc
import json
from pathlib import Path

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tests.trainers.attempts import Attempt
from tests.trainers.no_waiting import META, MetaDraws
from trainers import assembly, data
from trainers.loop.loop import Loop
from trainers.process.reporter import ListReporter
from trainers.process.spec import TrainSpec, parse

# Of the generator's first weights: no other tensor has this shape.
SHAPE = (4, 23)
NETWORKS = {"width": SHAPE[0], "noise_dim": SHAPE[1], "init": "default"}
# The weights, two moments of Adam, and their gradients; the average follows in a job that has one.
TRAINED = 4


def alive(device="cpu"):
    """Return how many tensors of the generator's first shape exist on a device; views count once."""
    gc.collect()
    tensors = [one for one in gc.get_objects() if issubclass(type(one), torch.Tensor) and one.device.type == device]
    return len({one.untyped_storage()._cdata for one in tensors if one.shape == SHAPE})


class Device(TorchDispatchMode):
    """Lets `meta` stand for a GPU with numbers: those that come to the host are ones. Tells what is allocated there."""

    def __init__(self):
        super().__init__()
        self.watches = False
        self.allocated = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        named = kwargs or {}
        name = func._schema.name.partition("::")[2]
        given = [one for one in tree_leaves((args, named)) if isinstance(one, torch.Tensor)]
        if name == "_local_scalar_dense" and given[0].device == META:
            return True
        if name == "_to_copy" and given[0].device == META and torch.device(named.get("device") or META).type == "cpu":
            return torch.ones(given[0].shape, dtype=named.get("dtype") or given[0].dtype)
        out = func(*args, **named)
        known = {one.untyped_storage()._cdata for one in given}
        made = [one for one in tree_leaves(out) if isinstance(one, torch.Tensor) and one.device == META]
        if self.watches and any(one.dim() and one.untyped_storage()._cdata not in known for one in made):
            self.allocated.append(name)
        return out


class Pictures:
    """Draws none."""

    drawn_at = None

    def real(self):
        """Draw nothing."""

    def draw(self, _step, _epoch):
        """Draw nothing."""


@pytest.fixture
def on_device(make_spec, monkeypatch):
    """Return a function that makes the loop of a small job on the device that stands for a GPU."""
    monkeypatch.setattr(assembly, "Fakes", lambda method: method)
    # There is no pinned memory without a GPU.
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor)

    def build(**given):
        asked = {**NETWORKS, "precision": "float32", "checkpoint_every": {"steps": 2}}
        spec = parse(json.dumps(make_spec("mlp_gan", **{**asked, **given})))
        assert isinstance(spec, TrainSpec)
        parts = data.load(spec.dataset, spec.data_roots, spec.cache, 28)
        method, _ = assembly.assemble(spec, parts, MetaDraws(spec.seed, 0))
        return Loop(spec, method, Pictures(), ListReporter())

    return build


@pytest.mark.parametrize(("given", "trained"), [({}, TRAINED), ({"ema_half_life": 100}, TRAINED + 1)])
def test_a_checkpoint_takes_no_memory_of_the_device(on_device, monkeypatch, given, trained):
    loop, device = on_device(images=96, **given), Device()
    taken = []

    def snapshot():
        device.watches = True
        copied = Loop.snapshot(loop)
        device.watches = False
        taken.append(alive("meta"))
        return copied

    monkeypatch.setattr(loop, "snapshot", snapshot)
    with device:
        assert loop.run()
    assert device.allocated == []
    # Before the first step there are neither moments nor gradients.
    assert taken == [trained - 3, trained, trained, trained]
    assert alive("meta") == trained


def test_going_back_takes_no_memory_of_the_device(on_device):
    loop, device = on_device(images=96), Device()
    with device:
        assert loop.run()
        device.watches = True
        loop.job.restore(loop.writer.last)
    # A batch size and positions are numbers; no tensor was made.
    assert device.allocated == []
    assert alive("meta") == TRAINED


def test_the_host_keeps_one_copy_also_after_a_checkpoint_was_read(make_spec, monkeypatch):
    counted = []

    def should_stop(_reporter):
        counted.append(alive())
        return False

    monkeypatch.setattr(ListReporter, "should_stop", should_stop)
    asked = {**NETWORKS, "checkpoint_every": {"steps": 2}}
    first = Attempt.run(json.dumps(make_spec("mlp_gan", images=96, **asked)))
    copied = TRAINED - 1  # all but the gradients
    assert max(counted) == TRAINED + copied
    counted.clear()
    middle = first.files("checkpoint")[0]["path"]
    assert Path(middle).exists()
    Attempt.run(json.dumps(make_spec("mlp_gan", images=96, resume=middle, **asked)))
    assert max(counted) == TRAINED + copied
