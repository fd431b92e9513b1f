"""A step only queues work on a GPU, of which every kernel is deterministic: it never waits for a number."""

from __future__ import annotations

import json

import pytest
import torch

from models.recipes import RECIPES
from tests.trainers.no_waiting import META, MetaDraws, Waits
from tests.trainers.tape import Tape
from trainers import assembly, data
from trainers.data import loader
from trainers.data.rng import Draws
from trainers.device import devices, graphs
from trainers.device.graphs import Graphs
from trainers.loop.budget import Budget
from trainers.process.spec import TrainSpec, parse

# Every branch of a step that asks for random numbers, counts or schedules.
VARIANTS = {
    "critic steps": {"recipe": "mlp_gan", "d_steps": 3, "g_steps": 2, "ema_half_life": 100, "learning_rate_end": 1e-5},
    "warm-up": {"recipe": "mlp_gan", "warmup_images": 200, "d_warmup_steps": 4, "label_smoothing": 0.1},
    "rmsprop": {"recipe": "mlp_gan", "optimizer": "rmsprop", "learning_rate": 1e-4},
    "average": {"recipe": "dcgan", "ema_half_life": 100},
    "pool": {"recipe": "cyclegan", "batch_size": 4, "blocks": 1, "pool": 2, "d_steps": 2, "ema_half_life": 100},
    "windows": {"recipe": "darknet", "image_size": 16, "groups": [1, 1], "shift": 2, "flip": True},
    "fresh fakes": {"recipe": "mlp_gan", "shared_fakes": False, "batch_size": 60, "drop_last": False},
    "halved rates": {"recipe": "began", "hidden": 8, "halve_after": 2},
    "random pairs": {"recipe": "cyclegan", "batch_size": 2, "blocks": 1, "pairing": "random", "drop_last": False},
    "channels": {"recipe": "darknet", "image_size": 16, "groups": [1, 1], "normalize_channels": True},
    "other reals": {
        "recipe": "r3gan",
        "ema_half_life": 100,
        "ema_half_life_start": 0,
        "shared_fakes": False,
        "fresh_reals": True,
        "flip": True,
    },
    **{recipe: {"recipe": recipe} for recipe in RECIPES},
}
SMALL = {"cyclegan": {"batch_size": 2, "blocks": 1}, "darknet": {"groups": [1, 1]}, "began": {"hidden": 8}}


@pytest.fixture
def waits(monkeypatch):
    """What would make the host wait, from the moment on that it is used as a context."""
    return Waits(monkeypatch)


@pytest.fixture
def on_meta(make_spec, monkeypatch):
    """Return a function that assembles a small recipe on the device that stands for a GPU, with pixels there or not."""
    # Numbers of the real images are read before the first step: their mean, and how different they are.
    monkeypatch.setattr(loader.ImageFeed, "mean", lambda feed: torch.zeros(feed.shape))
    for gallery in ("Fakes", "Translations", "Confusion"):
        monkeypatch.setattr(assembly, gallery, lambda method: method)

    def build(given, kept, pieces=None):
        monkeypatch.setattr(loader, "_fits", lambda _size, _device: kept == META)
        asked = {**SMALL.get(given["recipe"], {}), **given, "precision": "float32"}
        spec = parse(json.dumps(make_spec(**asked)))
        assert isinstance(spec, TrainSpec)
        parts = data.load(spec.dataset, spec.data_roots, spec.cache, assembly.stored_size(spec), frame=False)
        method, _ = assembly.assemble(spec, parts, MetaDraws(spec.seed, 0), graphs=pieces)
        feed = getattr(method.feed, "a", method.feed)
        assert feed.pixels(torch.tensor([0, 1])).device == META
        assert feed._stacks[0].device == kept
        return method, Budget(spec.params, method)

    return build


def run(method, budget, steps, waits):
    for step in range(steps):
        # Metrics stay where they are: they are read later, many at once.
        with waits:
            row = method.step(budget.iteration(step))
        assert row.device == META
        assert row.shape == (len(method.metrics),)


@pytest.mark.parametrize("kept", ["cpu", "meta"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_step_never_waits_for_the_device_and_has_deterministic_kernels_there(waits, on_meta, variant, kept):
    method, budget = on_meta(VARIANTS[variant], torch.device(kept))
    # After four steps a warm-up has ended and a pool is full; without either, one step is like the next.
    run(method, budget, 2 if variant in RECIPES else 5, waits)
    assert waits.found == []


@pytest.mark.parametrize("variant", ["fresh fakes", "other reals", "windows"])
def test_a_recorded_step_waits_for_nothing_either(waits, on_meta, variant):
    tape = Tape()
    method, budget = on_meta(VARIANTS[variant], META, Graphs(tape))
    run(method, budget, 4, waits)
    assert waits.found == []
    assert tape.replayed


@pytest.fixture
def waiting_is_an_error():
    """Return a function that lets CUDA raise where the host would wait, until the end of the test."""
    yield lambda: torch.cuda.set_sync_debug_mode("error")
    torch.cuda.set_sync_debug_mode("default")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize(("kept", "setting"), [("cpu", "off"), ("cuda", "off"), ("cuda", "on")])
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_step_never_waits_for_a_real_gpu(make_spec, monkeypatch, waiting_is_an_error, variant, kept, setting):
    monkeypatch.setenv(graphs.SETTING, setting)
    monkeypatch.setattr(loader, "_fits", lambda _size, _device: kept == "cuda")
    spec = parse(json.dumps(make_spec(**SMALL.get(VARIANTS[variant]["recipe"], {}), **VARIANTS[variant])))
    assert isinstance(spec, TrainSpec)
    devices.workspace_for_exact_cublas()
    device = devices.prepare("cuda", 1, exact=True)
    parts = data.load(spec.dataset, spec.data_roots, spec.cache, assembly.stored_size(spec), frame=False)
    method, _ = assembly.assemble(spec, parts, Draws(spec.seed, 0, device), graphs=graphs.of(device))
    budget = Budget(spec.params, method)
    # The first step loads kernels and makes the state of the optimizers; the first ones are recorded.
    before = graphs.WARM_UPS + 1 if method.graphs.on else 1
    for step in range(before):
        method.step(budget.iteration(step))
    waiting_is_an_error()
    for step in range(before, before + 5):
        row = method.step(budget.iteration(step))
    torch.cuda.set_sync_debug_mode("default")
    assert row.isfinite().all()


def _differentiated(layer):
    layer(torch.ones(1, 1, 4, 4, device=META, requires_grad=True)).sum().backward()


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        (lambda tensor: tensor.new_tensor(0.5), "new_tensor"),
        (lambda _tensor: torch.tensor([0.5], device=META), "tensor"),
        (lambda tensor: tensor.sum().item(), "_local_scalar_dense"),
        (lambda tensor: float(tensor.sum()), "_local_scalar_dense"),
        (lambda tensor: bool((tensor > 0).any()), "_local_scalar_dense"),
        (lambda tensor: tensor.nonzero(), "nonzero"),
        (lambda tensor: tensor[tensor > 0], "index by bool"),
        (lambda tensor: tensor.cpu(), "_to_copy from meta to cpu"),
        (lambda tensor: tensor.tolist(), "_to_copy from meta to cpu"),
        (lambda tensor: torch.ones(3).to(tensor.device), "_to_copy from cpu to meta"),
        (lambda tensor: torch.ones(3).to(tensor.device, non_blocking=True), "_to_copy from cpu to meta"),
        (lambda tensor: tensor.copy_(torch.ones(3)), "copy_ from cpu to meta"),
        (lambda tensor: tensor[torch.tensor([0, 2])], "index of both devices"),
        (lambda _tensor: _differentiated(torch.nn.ReflectionPad2d(1)), "reflection_pad2d_backward"),
        (
            lambda _tensor: _differentiated(torch.nn.UpsamplingBilinear2d(scale_factor=2)),
            "upsample_bilinear2d_backward",
        ),
    ],
)
def test_whatever_waits_or_is_not_deterministic_is_found(waits, planted, found):
    tensor = torch.ones(3, device=META)
    try:
        with waits:
            planted(tensor)
    except (RuntimeError, NotImplementedError):
        pass  # a tensor without numbers cannot be read
    assert found in waits.found


@pytest.mark.parametrize(
    "harmless",
    [
        lambda tensor: tensor.fill_(0.5),
        lambda tensor: torch.full_like(tensor, 0.5),
        lambda tensor: tensor * torch.tensor(2.0),
        lambda tensor: torch.ones(3).pin_memory().to(tensor.device, non_blocking=True),
        lambda _tensor: torch.ones(3).sum().item(),
    ],
)
def test_what_does_not_wait_is_let_pass(waits, harmless):
    tensor = torch.ones(3, device=META)
    with waits:
        harmless(tensor)
    assert waits.found == []
