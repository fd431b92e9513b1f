"""Alarms: notice from the metrics that a training goes wrong, and say so once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Mapping, Tuple, cast

from models.messages import Alerts, Message

if TYPE_CHECKING:
    from trainers.process.reporter import Reporter

# Mean probabilities beyond which the discriminator is certain.
SURE, UNSURE = 0.95, 0.05
GRADIENT_LIMIT = 100.0
# A healthy pair has a large gradient now and then, which Adam evens out; so many in a row are a trend.
LOUD_STEPS, CALM_STEPS = 5, 50
# Fakes are alike when their mean distance is under this share of that of real images.
ALIKE = 0.5
# Epochs before fakes that look alike mean anything: an untrained generator makes the same grey image of all noise.
GRACE_EPOCHS = 3
# Fakes whose spread still grows by this factor from one grid to the next are early in training, not collapsed.
GROWTH = 1.05


class Streak:
    """Fires when a condition held ``patience`` times in a row, then not again until it failed as often in a row."""

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.held = 0
        self.failed = 0
        self.raised = False

    def look(self, *, holds: bool) -> bool:
        """Account for one observation; return whether to raise the alarm."""
        self.held = self.held + 1 if holds else 0
        self.failed = 0 if holds else self.failed + 1
        # After as long a calm as it took to fire, the alarm is armed again.
        if self.failed >= self.patience:
            self.raised = False
        if self.raised or self.held < self.patience:
            return False
        self.raised = True
        return True


class Alarms:
    """One streak for each thing that can go wrong. Short epochs, of few ``epoch_steps``, shorten the wait."""

    def __init__(self, reporter: Reporter, epoch_steps: int, *, judged: bool = True) -> None:
        self.reporter = reporter
        self.judged = judged  # whether D(real) and D(fake) are probabilities
        self.codes: list[str] = []  # of all alarms so far, for the report
        patience = max(5, min(50, epoch_steps // 2))
        self._streaks = {
            "discriminator_too_strong": Streak(patience),
            "generator_too_strong": Streak(patience),
            "gradient_norm": Streak(LOUD_STEPS),
            "collapse": Streak(2),
        }
        self._spread = 0.0  # of the last grid

    def step(self, step: int, row: dict[str, float]) -> None:
        """Look at the metrics of one step."""
        # 1. The balance of the players, where the discriminator's metrics are probabilities.
        real, fake = row.get("d_real"), row.get("d_fake")
        if self.judged and real is not None and fake is not None:
            numbers = {"d_real": real, "d_fake": fake}
            if self._streaks["discriminator_too_strong"].look(holds=real > SURE and fake < UNSURE):
                self._alert(Alerts.discriminator_too_strong(), step, numbers)
            if self._streaks["generator_too_strong"].look(holds=fake > SURE or real < UNSURE):
                self._alert(Alerts.generator_too_strong(), step, numbers)
        # 2. The gradients. This alarm is armed again only after a long calm, so that a training at the limit does not
        #    raise it every few steps.
        norms = {name: value for name, value in row.items() if "grad_norm" in name}
        streak = self._streaks["gradient_norm"]
        loud = max(norms.values(), default=0.0) > GRADIENT_LIMIT
        if loud and streak.look(holds=True):
            self._alert(Alerts.gradient_norm(limit=round(GRADIENT_LIMIT)), step, norms)
        streak.held = streak.held if loud else 0
        streak.failed = 0 if loud else streak.failed + 1
        if streak.failed >= CALM_STEPS:
            streak.raised = False

    def grid(self, step: int, epochs_done: int, share: float | None) -> None:
        """Look at the spread of a grid's fakes as a share of that of real images; None where there are no fakes."""
        if share is None:
            return
        still_growing = share > self._spread * GROWTH
        self._spread = share
        if epochs_done >= GRACE_EPOCHS and self._streaks["collapse"].look(holds=share < ALIKE and not still_growing):
            self._alert(Alerts.collapse(), step, {"distance_ratio": share})

    def state(self) -> dict[str, object]:
        """Return the counters for the checkpoint."""
        streaks = {name: [streak.held, streak.failed, streak.raised] for name, streak in self._streaks.items()}
        return {**streaks, "spread": self._spread}

    def restore(self, state: Mapping[str, object]) -> None:
        """Continue from a checkpoint."""
        self._spread = cast(float, state.get("spread", 0.0))  # the first versions did not keep it
        for name, streak in self._streaks.items():
            if name in state:
                streak.held, streak.failed, streak.raised = cast(Tuple[int, int, bool], state[name])

    def _alert(self, message: Message, step: int, numbers: dict[str, float]) -> None:
        # Each alarm has one message, so that the alert is called as the message is.
        self.codes.append(message.code)
        self.reporter.alert(
            message.code, message, step, {name: float(f"{value:.6g}") for name, value in numbers.items()}
        )
