"""train(2N) == train(N) + resume(N), hash for hash, wherever the first attempt ended."""

from __future__ import annotations

import pytest

VARIANTS = {
    "mlp_gan": {"recipe": "mlp_gan"},
    "dcgan": {"recipe": "dcgan"},
    "average": {"recipe": "mlp_gan", "ema_half_life": 100},
    "dcgan average": {"recipe": "dcgan", "ema_half_life": 100},
    "rmsprop": {"recipe": "mlp_gan", "optimizer": "rmsprop", "learning_rate": 1e-4},
    "critic steps": {"recipe": "mlp_gan", "d_steps": 3, "g_steps": 2},
    "fresh fakes": {"recipe": "mlp_gan", "shared_fakes": False},
    "warm-up": {"recipe": "mlp_gan", "warmup_images": 200, "d_warmup_steps": 4, "label_smoothing": 0.1},
}


def means(attempts):
    return {
        message["epoch"]: message["means"]
        for attempt in attempts
        for message in attempt.messages
        if message["type"] == "epoch"
    }


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_training_cut_in_two_ends_with_the_same_weights_and_metrics(train_small, variant):
    undisturbed = train_small(**VARIANTS[variant])
    cut = undisturbed.of("started")[0]["steps"] * 7 // 20
    first = train_small(**VARIANTS[variant], stop_at_step=cut)
    assert [message["type"] for message in first.messages][-1] == "stopped"
    assert first.files("checkpoint")[-1]["step"] == cut
    second = train_small(**VARIANTS[variant], resume=first.checkpoint)
    assert second.of("started")[0]["start_step"] == cut
    assert second.hashes == undisturbed.hashes
    assert {**first.series, **second.series} == undisturbed.series
    assert means([first, second]) == means([undisturbed])


@pytest.mark.parametrize("cut", [0, 1, 10, 19, 20])
def test_it_does_not_matter_where_it_was_cut(train_small, cut):
    undisturbed = train_small(ema_half_life=64)
    first = train_small(ema_half_life=64, stop_at_step=cut)
    second = train_small(ema_half_life=64, resume=first.checkpoint)
    assert second.hashes == undisturbed.hashes


def test_a_training_cut_at_every_third_step_ends_the_same(train_small):
    undisturbed = train_small("dcgan", epochs=1)
    attempt = train_small("dcgan", epochs=1, stop_at_step=3)
    for step in (6, 9):
        attempt = train_small("dcgan", epochs=1, resume=attempt.checkpoint, stop_at_step=step)
    assert train_small("dcgan", epochs=1, resume=attempt.checkpoint).hashes == undisturbed.hashes


def test_the_last_grid_of_a_resumed_training_has_the_same_bytes(train_small):
    undisturbed, first = train_small(), train_small(stop_at_step=13)
    second = train_small(resume=first.checkpoint)
    from tests.trainers.attempts import sha256

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
    import json

    import torch

    from tests.trainers.attempts import Attempt

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
