"""train(2N) == train(N) + resume(N), hash for hash, wherever the first attempt ended."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainers.attempts import DEVICE, Attempt, Process, sha256
from tests.trainers.process.hungry import Hungry
from trainers import recipes

# Ten batches an epoch; every part that a training carries along is in one of them.
VARIANTS = {
    "mlp_gan": {"recipe": "mlp_gan"},
    "average": {"recipe": "mlp_gan", "ema_half_life": 100},
    "rmsprop": {"recipe": "mlp_gan", "optimizer": "rmsprop", "learning_rate": 1e-4},
    "critic steps": {"recipe": "mlp_gan", "d_steps": 3, "g_steps": 2},
    "fresh fakes": {"recipe": "mlp_gan", "shared_fakes": False, "learning_rate_end": 1e-5},
    "warm-up": {"recipe": "mlp_gan", "warmup_images": 200, "d_warmup_steps": 4, "label_smoothing": 0.1},
    "mixed": {"recipe": "mlp_gan", "precision": "bfloat16"},
    "images": {"recipe": "mlp_gan", "images": 250, "split": "all", "learning_rate_end": 1e-5},
    "dcgan": {"recipe": "dcgan", "ema_half_life": 100},
    "wgan": {"recipe": "wgan", "image_size": 16, "d_steps": 2, "boost_steps": 4, "boost_first": 2, "boost_every": 3},
    "smaller batches": {"recipe": "dcgan", "batch_size": 48, "epochs": 3, "drop_last": False, "ema_half_life": 100},
    "dcgan64": {"recipe": "dcgan64", "image_size": 16, "g_steps": 2, "upsample": True, "normalize_std": 1.0},
    "wgan_gp": {"recipe": "wgan_gp", "image_size": 16, "d_steps": 2},
    "began": {"recipe": "began", "image_size": 16, "hidden": 8, "lambda_k": 0.5, "precision": "bfloat16"},
    "r3gan": {"recipe": "r3gan", "image_size": 16, "ema_half_life": 100},
    "the paper's r3gan": {
        "recipe": "r3gan",
        "image_size": 16,
        "ema_half_life": 100,
        "ema_half_life_start": 0,
        "block_kind": "grouped",
        "shared_fakes": False,
        "fresh_reals": True,
        "flip": True,
    },
    "compact": {"recipe": "compact", "penalty_every": 3, "decay_from": 0.3},
    "cyclegan": {
        "recipe": "cyclegan",
        "batch_size": 4,
        "epochs": 1,
        "blocks": 1,
        "pool": 4,
        "d_steps": 2,
        "ema_half_life": 100,
    },
    "darknet": {"recipe": "darknet", "image_size": 16, "groups": [1, 1], "ema_half_life": 100, "label_smoothing": 0.1},
    "halved": {"recipe": "mlp_gan", "batch_size": 15, "learning_rate_end": 1e-5, "checkpoint_every": {"steps": 1}},
}


def means(attempts):
    return {
        message["epoch"]: message["means"]
        for attempt in attempts
        for message in attempt.messages
        if message["type"] == "epoch"
    }


def run(variant, train_small, **place):
    """Train a variant; memory runs out in the eighth step of the one that is to be halved."""
    with pytest.MonkeyPatch.context() as patch:
        if variant == "halved":
            patch.setitem(recipes.RECIPES, "mlp_gan", Hungry.recipe("mlp_gan", allowed=7, after=7))
        return train_small(**VARIANTS[variant], **place)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_training_cut_anywhere_ends_with_the_same_weights_and_metrics(train_small, variant):
    undisturbed = run(variant, train_small)
    steps = undisturbed.files("weights")[0]["step"]

    @settings(max_examples=3, derandomize=True, deadline=None, database=None)
    @given(st.lists(st.integers(0, steps), min_size=1, max_size=2, unique=True).map(sorted))
    def cut(places):
        attempts, checkpoint = [], None
        for place in places:
            attempts.append(run(variant, train_small, resume=checkpoint, stop_at_step=place))
            checkpoint = attempts[-1].checkpoint
            # The step in which memory ran out was begun, but not done.
            reached = place - sum(alert["code"] == "batch_halved" for alert in attempts[-1].of("alert"))
            assert attempts[-1].files("checkpoint")[-1]["step"] == reached
            # Asked at the end of the budget, it has nothing left to stop.
            assert attempts[-1].messages[-1]["type"] == ("stopped" if reached < steps else "done")
        attempts.append(run(variant, train_small, resume=checkpoint))
        assert attempts[-1].of("started")[0]["start_step"] == reached
        assert attempts[-1].hashes == undisturbed.hashes
        told = {}
        for attempt in attempts:
            told.update(attempt.series)
        assert told == undisturbed.series
        assert means(attempts) == means([undisturbed])

    cut()


KILLED = {
    "wgan": {**VARIANTS["wgan"], "epochs": 8},
    "cyclegan": {**VARIANTS["cyclegan"], "epochs": 4, "jitter": 0},
    "darknet": {**VARIANTS["darknet"], "epochs": 6},
}
if DEVICE == "cuda":
    # Every recipe has kernels of its own there. A GPU is fast: there must be steps left when the process is killed.
    KILLED = {
        name: {"recipe": name, **VARIANTS.get(name, {"image_size": 16}), "epochs": 30} for name in recipes.RECIPES
    }


@pytest.mark.parametrize("recipe", KILLED)
def test_a_killed_process_resumes_in_another_one_with_the_same_weights(train_small, make_spec, recipe):
    asked = {**KILLED[recipe], "checkpoint_every": {"steps": 3}}
    undisturbed = train_small(**asked)
    spec = make_spec(**asked)
    killed, resumed = Process(), Process()
    try:
        killed.write(spec)
        # Two checkpoints are out and the next steps under way.
        killed.until("file", path=str(Path(spec["scratch"]) / "checkpoint-00000006.safetensors"))
        os.kill(killed.process.pid, signal.SIGKILL)
        assert killed.end() == -signal.SIGKILL
        checkpoint = max(Path(spec["scratch"]).glob("checkpoint-*.safetensors"))
        resumed.write(make_spec(**asked, resume=checkpoint))
        assert resumed.end() == 0
        (started,) = [message for message in resumed.messages if message["type"] == "started"]
        assert 6 <= started["start_step"] < undisturbed.files("weights")[0]["step"]
        assert Attempt(resumed.messages).hashes == undisturbed.hashes
    finally:
        killed.close()
        resumed.close()


def test_the_last_grid_of_a_resumed_training_has_the_same_bytes(train_small):
    undisturbed, first = train_small(), train_small(stop_at_step=13)
    second = train_small(resume=first.checkpoint)
    assert sha256(second.files("grid")[-1]["path"]) == sha256(undisturbed.files("grid")[-1]["path"])


def test_seeds_give_different_weights_and_the_same_seed_the_same(train_small):
    hashes = [train_small(epochs=1, seed=seed).hashes["generator.safetensors"] for seed in (0, 1, 0, 2**63 - 1)]
    assert hashes[0] == hashes[2]
    assert len(set(hashes)) == 3


def test_grids_and_checkpoints_do_not_change_the_weights(train_small):
    plain = train_small(grid_every={"epochs": 100}, checkpoint_every={"epochs": 100})
    busy = train_small(grid_every={"steps": 1}, checkpoint_every={"steps": 1})
    assert len(busy.files("grid")) == 21
    assert len(busy.files("checkpoint")) == 20
    assert busy.hashes == plain.hashes


def test_a_resumed_training_keeps_the_thread_count_it_began_with(make_spec, train_small):
    first = train_small(stop_at_step=5)
    spec = {**make_spec(resume=first.checkpoint), "threads": 2}
    second = Attempt.run(json.dumps(spec))
    assert torch.get_num_threads() == 1
    assert any("1 threads" in message["message"] for message in second.of("log"))


def test_a_resumed_training_draws_no_second_grid_of_real_images(train_small):
    first = train_small(stop_at_step=5)
    second = train_small(resume=first.checkpoint)
    assert len(first.files("real_grid")) == 1
    assert not second.files("real_grid")
    assert not second.files("summary")
