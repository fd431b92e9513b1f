"""Which epoch was best, and when to give up waiting for a better one."""

from __future__ import annotations

from trainers.loop.early_stop import EarlyStop


def test_the_lowest_mean_is_best_and_patience_counts_the_epochs_since():
    stop = EarlyStop("g_loss", 2)
    looks = [stop.look(epoch, {"g_loss": loss}) for epoch, loss in enumerate((3.0, 2.0, 2.0, 2.5), start=1)]
    assert looks == [True, True, False, False]
    assert str(stop.reason) == "g_loss has not improved for 2 measurements; the best was 2 in epoch 2"


def test_without_a_monitor_nothing_is_best_and_nothing_ends():
    stop = EarlyStop(None, None)
    assert [stop.look(epoch, {"g_loss": 1.0}) for epoch in range(9)] == [False] * 9
    assert stop.reason is None


def best(attempt):
    return [message["epoch"] for message in attempt.files("checkpoint") if message["best"]]


def test_a_training_ends_when_the_monitor_gets_no_better_and_says_why(train_small):
    attempt = train_small(epochs=50, monitor="g_loss", patience=2, learning_rate=2e-3)
    losses = {message["epoch"]: message["means"]["g_loss"] for message in attempt.of("epoch")}
    lowest = min(losses, key=losses.get)
    assert len(losses) == lowest + 2 < 50
    assert best(attempt)[-1] == lowest
    assert attempt.messages[-1]["reason"].startswith("g_loss has not improved for 2 measurements")
    assert len(attempt.files("weights")) == 2


def test_the_counters_survive_a_resume(train_small):
    settings = {"epochs": 50, "monitor": "g_loss", "patience": 2, "learning_rate": 2e-3}
    undisturbed = train_small(**settings)
    steps = undisturbed.files("weights")[0]["step"]
    first = train_small(**settings, stop_at_step=steps - 8)
    second = train_small(**settings, resume=first.checkpoint)
    assert second.hashes == undisturbed.hashes
    assert second.messages[-1] == undisturbed.messages[-1]
    assert best(first) + best(second) == best(undisturbed)
