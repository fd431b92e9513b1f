"""Steps whose pieces are recorded and replayed give the same bits as steps that are called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.trainers.attempts import Attempt
from tests.trainers.tape import Tape
from trainers.device import devices, graphs
from trainers.device.graphs import Graphs
from trainers.loop import checkpoints
from trainers.methods import optimizers
from trainers.methods.adversarial import Adversarial

# Ten steps, in one epoch or in several with a smaller last batch. The third call of a piece is recorded.
VARIANTS = {
    "critic steps": {"recipe": "mlp_gan", "d_steps": 3, "g_steps": 2, "epochs": 2, "ema_half_life": 100},
    "warm-up": {"recipe": "mlp_gan", "warmup_images": 200, "d_warmup_steps": 4, "label_smoothing": 0.1},
    "rmsprop": {"recipe": "mlp_gan", "optimizer": "rmsprop", "shared_fakes": False, "learning_rate_end": 1e-5},
    "more generator steps": {"recipe": "mlp_gan", "g_steps": 2, "precision": "bfloat16"},
    "smaller batches": {"recipe": "dcgan", "batch_size": 48, "epochs": 4, "drop_last": False, "ema_half_life": 100},
    "dcgan": {"recipe": "dcgan", "first_norm": True, "warmup_images": 300},
    "wgan": {"recipe": "wgan", "image_size": 16, "d_steps": 1, "boost_steps": 2, "boost_first": 2, "boost_every": 3},
    "wgan_gp": {"recipe": "wgan_gp", "image_size": 16, "d_steps": 2, "epochs": 2},
    "dcgan64": {"recipe": "dcgan64", "image_size": 16, "upsample": True, "batch_size": 32},
    "began": {"recipe": "began", "image_size": 16, "hidden": 8, "lambda_k": 0.5, "batch_size": 40, "epochs": 3},
    "r3gan": {
        "recipe": "r3gan",
        "image_size": 16,
        "batch_size": 32,
        "shared_fakes": False,
        "fresh_reals": True,
        "ema_half_life": 100,
    },
    "compact": {"recipe": "compact", "penalty_every": 2, "learning_rate_end": 1e-5},
    "darknet": {"recipe": "darknet", "image_size": 16, "groups": [1, 1], "batch_size": 32},
}
# One epoch is enough where nothing else is said.
VARIANTS = {name: {"epochs": 1, **given} for name, given in VARIANTS.items()}
# A generator's graph cannot hold the step of an optimizer whose decays change; a pool decides on the host.
CALLED = {
    "r3gan, shared fakes": {"recipe": "r3gan", "image_size": 16, "batch_size": 40, "epochs": 1},
    "cyclegan": {"recipe": "cyclegan", "image_size": 24, "blocks": 1, "batch_size": 32, "epochs": 1},
}


@pytest.fixture
def on_tape(monkeypatch):
    """Return a function that makes the next attempts record their pieces, and returns the tapes that they used."""
    # A step size in a tensor is rounded to float32: with it even what is not recorded has other bits.
    monkeypatch.setattr(optimizers, "_recordable_adam", lambda _device: True)

    def begin(kind=Tape):
        tapes = []

        def of(_device, tell):
            tapes.append(kind())
            return Graphs(tapes[-1], tell)

        monkeypatch.setattr(graphs, "of", of)
        return tapes

    return begin


def report(attempt):
    return json.loads(Path(attempt.files("report")[-1]["path"]).read_text())


def tensors(attempt):
    """Return what the last checkpoint of an attempt holds, weights and moments; only times differ."""
    found = checkpoints.read(attempt.files("checkpoint")[-1]["path"]).tensors
    return {name: value for name, value in found.items() if name != "epoch_seconds"}


def assert_same(attempt, wanted):
    assert attempt.series == wanted.series
    assert attempt.hashes == wanted.hashes
    ours, theirs = tensors(attempt), tensors(wanted)
    assert list(ours) == list(theirs)
    assert [name for name, value in ours.items() if not torch.equal(value, theirs[name])] == []


@pytest.mark.parametrize("variant", VARIANTS)
def test_recorded_steps_have_the_bits_of_steps_that_are_called(on_tape, train_small, variant):
    called = train_small(**VARIANTS[variant])
    tapes = on_tape()
    recorded = train_small(**VARIANTS[variant])
    assert_same(recorded, called)
    assert tapes[0].replayed > tapes[0].recorded > 0
    assert report(recorded)["graphs"] and not report(called)["graphs"]


@pytest.mark.parametrize("variant", CALLED)
def test_what_cannot_be_recorded_is_called_from_the_start(on_tape, train_small, variant):
    tapes = on_tape()
    trained = train_small(**CALLED[variant])
    assert trained.messages[-1]["type"] == "done"
    assert not tapes[0].warmed and not report(trained)["graphs"]


@pytest.mark.parametrize("variant", ["smaller batches", "compact"])
def test_a_resumed_training_records_anew_and_ends_with_the_same_bits(on_tape, train_small, variant):
    called = train_small(**VARIANTS[variant])
    tapes = on_tape()
    first = train_small(**VARIANTS[variant], stop_at_step=5)
    second = train_small(**VARIANTS[variant], resume=first.checkpoint)
    assert second.hashes == called.hashes
    assert {**first.series, **second.series} == called.series
    assert all(tape.recorded for tape in tapes)


def test_a_halved_batch_is_recorded_anew_with_the_same_bits(on_tape, train_small, monkeypatch):
    step = Adversarial.step

    def hungry(method, iteration):
        if iteration.step == 6 and method.feed.batch_size == 16:
            raise MemoryError
        return step(method, iteration)

    monkeypatch.setattr(Adversarial, "step", hungry)
    asked = {"recipe": "mlp_gan", "epochs": 1, "checkpoint_every": {"steps": 3}}
    called = train_small(**asked)
    tapes = on_tape()
    recorded = train_small(**asked)
    assert_same(recorded, called)
    assert report(recorded)["halvings"] == [{"step": 6, "from": 16, "to": 8}]
    assert tapes[0].forgotten and tapes[0].recorded == 2


class Refusing(Tape):
    """Can record nothing."""

    def record(self, call):
        super().record(call)
        raise RuntimeError("operation not permitted\nwhen stream is capturing")


def test_what_cannot_be_recorded_is_told_once_and_trained_without(on_tape, train_small):
    called = train_small(**VARIANTS["critic steps"])
    tapes = on_tape(Refusing)
    refused = train_small(**VARIANTS["critic steps"])
    assert_same(refused, called)
    (told,) = [message for message in refused.of("log") if "CUDA graphs" in message["message"]]
    assert "operation not permitted when stream is capturing" in told["message"]
    assert tapes[0].recorded == 1 and not report(refused)["graphs"]


def test_only_a_gpu_records_and_only_where_the_environment_allows_it(monkeypatch):
    assert not graphs.of(torch.device("cpu")).on
    monkeypatch.setenv(graphs.SETTING, "off")
    assert not graphs.of(torch.device("cuda")).on


@pytest.mark.parametrize(
    ("planted", "name"),
    [
        (lambda tensor: tensor * float(tensor.sum()), "_local_scalar_dense"),
        (lambda tensor: tensor + torch.rand(2), "rand"),
    ],
)
def test_a_tape_refuses_what_cuda_refuses(planted, name):
    tensor = torch.ones(2)
    with pytest.raises(RuntimeError, match=name):
        Tape().record(lambda: planted(tensor))


def test_a_replay_knows_no_number_that_python_passed_later():
    rate, weight = [1.0], torch.zeros(2)
    replay = Tape().record(lambda: weight.add_(rate[0]))
    rate[0] = 5.0
    assert weight.tolist() == [0.0, 0.0]
    replay()
    replay()
    assert weight.tolist() == [2.0, 2.0]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("variant", [*VARIANTS, *CALLED])
def test_graphs_on_a_gpu_have_the_bits_of_kernels_that_are_called(make_spec, monkeypatch, variant):
    asked = {**VARIANTS, **CALLED}[variant]
    devices.workspace_for_exact_cublas()

    def run(setting, **place):
        monkeypatch.setenv(graphs.SETTING, setting)
        stop = place.pop("stop_at_step", None)
        return Attempt.run(json.dumps({**make_spec(**asked, **place), "device": "cuda"}), stop)

    called, recorded = run("off"), run("on")
    assert_same(recorded, called)
    assert report(recorded)["graphs"] == (variant in VARIANTS)
    assert [message for message in recorded.of("log") if "CUDA graphs" in message["message"]] == []
    first = run("on", stop_at_step=5)
    assert run("on", resume=first.checkpoint).hashes == called.hashes
