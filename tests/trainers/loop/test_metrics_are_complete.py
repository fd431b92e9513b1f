"""What a training says while it runs: every step, in order, never across a checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest


def test_every_step_is_told_once_and_in_order(train_small):
    attempt = train_small(epochs=3)
    assert list(attempt.series) == list(range(1, 31))


def test_no_chunk_straddles_a_checkpoint_and_all_metrics_come_before_it(train_small):
    attempt = train_small(epochs=3, checkpoint_every={"steps": 4})
    told = 0
    checkpoints = []
    for message in attempt.messages:
        if message["type"] == "metric":
            told = message["steps"][-1]
            assert not any(message["steps"][0] <= step < told for step in range(4, 31, 4))
        if message["type"] == "file" and message["kind"] == "checkpoint":
            assert told >= message["step"]
            checkpoints.append(message["step"])
    assert checkpoints == [4, 8, 12, 16, 20, 24, 28, 30]


def test_life_is_seen_after_the_first_step(train_small):
    first = train_small(metrics_every={"steps": 7}).of("metric")[0]
    assert first["steps"] == [1]
    assert first["progress"] == {"epoch": 1, "epochs": 2, "step": 1, "steps": 20, "images": 16, "fraction": 0.05}


@pytest.mark.parametrize(
    ("every", "steps"), [({"steps": 7}, [1, 7, 14]), ({"epochs": 1}, [1, 10, 20]), ({"seconds": 3600}, [1])]
)
def test_metrics_come_as_often_as_asked(train_small, every, steps):
    assert list(train_small(metrics_every=every).series) == steps


@pytest.mark.parametrize(("budget", "steps", "extra"), [({"epochs": 2}, 20, 0), ({"images": 200}, 13, 1)])
def test_how_far_a_training_came_is_told_however_seldom_its_metrics_are(train_small, budget, steps, extra):
    attempt = train_small(metrics_every={"seconds": 3600}, **budget)
    last = [message["progress"] for message in attempt.messages if "progress" in message][-1]
    assert (last["step"], last["images"], last["fraction"]) == (steps, 16 * steps, 1.0)
    assert len(attempt.of("progress")) == extra
    assert attempt.messages[-1]["type"] == "done"


@pytest.mark.parametrize(
    ("recipe", "given"),
    [
        ("wgan", {"batch_size": 80, "epochs": 1}),  # five batches a step, and two an epoch
        ("wgan", {"batch_size": 160, "epochs": 2}),
        ("wgan", {"batch_size": 80, "images": 100}),
        ("mlp_gan", {"batch_size": 80, "epochs": 1, "d_steps": 7}),
        ("cyclegan", {"batch_size": 40, "epochs": 1, "d_steps": 5}),
    ],
)
def test_progress_never_exceeds_its_plan(train_small, recipe, given):
    attempt = train_small(recipe, grid_every={"steps": 1}, checkpoint_every={"steps": 1}, **given)
    told = [message["progress"] for message in attempt.messages if "progress" in message]
    assert told
    for one in told:
        assert 1 <= one["epoch"] <= one["epochs"]
        assert one["step"] <= one["steps"]
        assert one["fraction"] <= 1
    assert (told[-1]["epoch"], told[-1]["fraction"]) == (told[-1]["epochs"], 1.0)
    numbered = [message["epoch"] for message in attempt.messages if "epoch" in message]
    assert max(numbered) <= told[-1]["epochs"]
    ended = [message["epoch"] for message in attempt.of("epoch")]
    assert ended == sorted(set(ended))


def test_the_epoch_means_are_those_of_all_its_steps(train_small):
    attempt = train_small(epochs=2)
    sparse = train_small(epochs=2, metrics_every={"epochs": 2})
    for message, other in zip(attempt.of("epoch"), sparse.of("epoch"), strict=True):
        steps = range(10 * message["epoch"] - 9, 10 * message["epoch"] + 1)
        for name, mean in message["means"].items():
            values = [attempt.series[step][name] for step in steps]
            assert mean == pytest.approx(sum(values) / 10, rel=1e-4)
        assert message["means"] == other["means"]
        assert (message["step"], message["images"]) == (10 * message["epoch"], 160 * message["epoch"])


def test_values_have_six_digits(train_small):
    for values in train_small(epochs=1).series.values():
        for value in values.values():
            assert value == float(f"{value:.6g}")


def test_at_the_start_both_players_guess(train_small):
    first = train_small(epochs=1).series[1]
    assert first["d_loss"] == pytest.approx(1.386, abs=0.5)
    assert first["g_loss"] == pytest.approx(0.693, abs=0.4)
    assert first["d_real"] == pytest.approx(0.5, abs=0.2)
    assert first["d_fake"] == pytest.approx(0.5, abs=0.2)


def test_the_learning_rate_rises_over_the_warm_up_images(train_small):
    series = train_small(epochs=1, warmup_images=80, learning_rate=0.001).series
    assert [series[step]["learning_rate"] for step in range(1, 8)] == [
        0.0002,
        0.0004,
        0.0006,
        0.0008,
        0.001,
        0.001,
        0.001,
    ]


def test_only_the_discriminator_learns_while_it_warms_up(train_small):
    series = train_small(epochs=1, d_warmup_steps=4).series
    assert [series[step]["g_grad_norm"] == 0 for step in range(1, 7)] == [True] * 4 + [False] * 2
    assert all(series[step]["d_grad_norm"] > 0 for step in series)


def test_a_budget_of_images_is_rounded_up_to_whole_steps(train_small):
    attempt = train_small(images=100)
    assert attempt.of("started")[0]["steps"] == 7
    assert attempt.files("weights")[0]["step"] == 7


def test_the_images_left_over_are_dropped_and_several_critic_steps_share_an_epoch(train_small):
    attempt = train_small(batch_size=50, d_steps=2, epochs=2)
    # 160 images make 3 batches of 50; an iteration takes 2 of the 6 that two epochs have.
    assert attempt.of("started")[0]["steps"] == 3
    assert [message["epoch"] for message in attempt.of("epoch")] == [1, 2]
    assert attempt.of("metric")[-1]["progress"]["images"] == 300


def test_all_uses_the_test_images_too(train_small):
    assert train_small(epochs=1, split="all").of("started")[0]["steps"] == 12


def test_the_files_of_a_finished_training(train_small):
    attempt = train_small(epochs=2, checkpoint_every={"epochs": 1})
    names = [(message["kind"], Path(message["path"]).name) for message in attempt.of("file")]
    assert names[:3] == [("summary", "summary.json"), ("real_grid", "real_grid.png"), ("grid", "grid-00000000.png")]
    assert sorted(names[3:]) == sorted(
        [
            ("grid", "grid-00000010.png"),
            ("checkpoint", "checkpoint-00000010.safetensors"),
            ("grid", "grid-00000020.png"),
            ("checkpoint", "checkpoint-00000020.safetensors"),
            ("weights", "generator.safetensors"),
            ("weights", "discriminator.safetensors"),
            ("loss_plot", "loss.png"),
            ("report", "report.json"),
        ]
    )
    assert attempt.messages[-1] == {"type": "done", "reason": None}


def test_the_report_tells_settings_times_and_versions(train_small):
    import json
    from pathlib import Path

    attempt = train_small(epochs=3, seed=5)
    report = json.loads(Path(attempt.files("report")[0]["path"]).read_text())
    assert (report["seed"], report["steps"], report["epochs"], report["images"]) == (5, 30, 3, 480)
    assert len(report["seconds_per_epoch"]) == 3
    assert sum(report["seconds_per_epoch"]) <= report["seconds"] + 0.01
    assert report["memory_peak"]["host_bytes"] > 10_000_000
    assert set(report["versions"]) == {"python", "torch", "numpy"}


def test_the_seconds_of_a_resumed_training_count_both_attempts(train_small):
    import json
    from pathlib import Path

    first = train_small(epochs=3, stop_at_step=15)
    second = train_small(epochs=3, resume=first.checkpoint)
    report = json.loads(Path(second.files("report")[0]["path"]).read_text())
    assert len(report["seconds_per_epoch"]) == 3
    assert report["seconds_per_epoch"][0] == pytest.approx(first.of("epoch")[0]["seconds"], abs=0.0011)
