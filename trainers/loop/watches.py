"""What can be seen to go wrong from the metrics of steps: one small class for each alarm.

Each says for one step whether its condition holds; a window over the last images decides (windows.py). All is counted
in images, so that neither the size of a batch nor that of the data set changes when an alarm is raised.
"""

from __future__ import annotations

from copy import copy
from typing import Dict, Mapping, Protocol

from trainers.loop.windows import Average, RunningMedian, Window

Row = Mapping[str, float]  # the metrics of one step
Numbers = Dict[str, float]  # what an alarm is raised with

# Images that a condition has to last for. At least 20 steps: with large batches a few steps would be enough.
PATIENCE, FEWEST_STEPS = 3_000, 20


class Remembering(Protocol):
    """A watch of any kind, as checkpoints know it."""

    code: str  # of its alarm
    name: str  # of its own: several watches may share an alarm
    window: Window

    def state(self) -> dict[str, object]:
        """Return what it remembers, for the checkpoint."""

    def restore(self, state: object) -> None:
        """Continue from a checkpoint."""


class Watch(Remembering, Protocol):
    """Looks at every step for one thing that can go wrong."""

    def step(self, row: Row, images: int) -> Numbers | None:
        """Account for a step that saw so many images; return the numbers to raise the alarm with."""


class Lasting:
    """The part that all share: a window, and what a checkpoint holds of it and of everything else that changes."""

    code = ""
    name = ""
    parts: tuple[str, ...] = ()  # attributes with a state of their own
    values: tuple[str, ...] = ()  # attributes that are numbers, or numbers by name

    def __init__(self, patience: int = PATIENCE, fewest: int = FEWEST_STEPS) -> None:
        self.window = Window(patience, fewest)

    def state(self) -> dict[str, object]:
        """Return what it remembers, for the checkpoint."""
        parts = {name: getattr(self, name).state() for name in self.parts}
        return {"window": self.window.state(), **parts, **{name: copy(getattr(self, name)) for name in self.values}}

    def restore(self, state: object) -> None:
        """Continue from a checkpoint. Those of earlier versions have the state of a streak."""
        if not isinstance(state, dict):
            self.window.restore(state)
            return
        self.window.restore(state["window"])
        for name in self.parts:
            getattr(self, name).restore(state.get(name))
        for name in self.values:
            setattr(self, name, copy(state[name]))


# Mean probabilities beyond which a discriminator is certain.
SURE, UNSURE = 0.95, 0.05


class Certain(Lasting):
    """A discriminator that is certain. With smoothed labels even the best says 1 - s of real images, and not 1."""

    def __init__(self, smoothing: float) -> None:
        super().__init__()
        self.sure = SURE * (1 - smoothing)


class DiscriminatorWins(Certain):
    """The discriminator is certain and right: the generator has nothing to learn from."""

    code = name = "discriminator_too_strong"

    def step(self, row: Row, images: int) -> Numbers | None:
        """Look at the mean probabilities of real and fake images."""
        real, fake = row["d_real"], row["d_fake"]
        raised = self.window.look(holds=real > self.sure and fake < UNSURE, images=images)
        return {"d_real": real, "d_fake": fake} if raised else None


class GeneratorWins(Certain):
    """The discriminator is certain and wrong: what the generator learns from it means little."""

    code = name = "generator_too_strong"

    def step(self, row: Row, images: int) -> Numbers | None:
        """Look at the mean probabilities of real and fake images."""
        real, fake = row["d_real"], row["d_fake"]
        raised = self.window.look(holds=fake > self.sure or real < UNSURE, images=images)
        return {"d_real": real, "d_fake": fake} if raised else None


class LargeGradient(Lasting):
    """A gradient is ten times as large as usual, and the loss that it belongs to is worse than usual.

    Some of the best trainings have large gradients throughout, so only what is unusual for this one counts.
    """

    code = "gradient_norm"
    parts = ("usual", "loss")
    ratio = 10.0
    # Losses vary from step to step: worse means by more than three mean deviations.
    deviations = 3.0

    def __init__(self, norm: str, losses: tuple[str, ...]) -> None:
        super().__init__(patience=500)
        self.name = norm
        self.norm, self.losses = norm, losses
        self.usual = RunningMedian(pace=0.01)
        self.loss = Average(images=20_000)

    def step(self, row: Row, images: int) -> Numbers | None:
        """Look at a player's gradient and loss."""
        norm, loss = row[self.norm], sum(row[name] for name in self.losses)
        known = self.usual.count >= FEWEST_STEPS
        worse = loss > self.loss.value + self.deviations * self.loss.deviation
        holds = known and norm > self.ratio * self.usual.value and worse
        raised = self.window.look(holds=holds, images=images)
        numbers = {self.norm: norm, "usual": self.usual.value}
        # What is usual must not follow what is wrong.
        if not holds:
            self.usual.add(norm)
            self.loss.add(loss, images)
        return numbers if raised else None


class VanishingGradient(Lasting):
    """The generator's gradient is a thousandth of what it once was: it has stopped learning."""

    code = "generator_stalled"
    name = "vanishing_gradient"
    parts = ("usual",)
    values = ("once",)
    share = 1e-3

    def __init__(self) -> None:
        super().__init__()
        self.usual = RunningMedian(pace=0.01)
        self.once = 0.0  # the largest that was usual

    def step(self, row: Row, images: int) -> Numbers | None:
        """Look at the generator's gradient."""
        norm = row["g_grad_norm"]
        self.usual.add(norm)
        if self.usual.count >= FEWEST_STEPS:
            self.once = max(self.once, self.usual.value)
        raised = self.window.look(holds=norm < self.share * self.once, images=images)
        return {"g_grad_norm": norm, "usual": self.once} if raised else None


class WrongSign(Lasting):
    """A critic that scores fakes above real images: its difference of means estimates no distance."""

    code = name = "critic_reversed"

    def step(self, row: Row, images: int) -> Numbers | None:
        """Look at the estimate of the Wasserstein distance."""
        distance = row["d_real"] - row["d_fake"]
        raised = self.window.look(holds=distance < 0, images=images)
        return {"distance": distance} if raised else None


class Growing(Lasting):
    """The estimate of the Wasserstein distance grows without end: the critic escapes its constraint."""

    code = name = "critic_unbounded"
    parts = ("recent", "usual")
    ratio = 5.0

    def __init__(self) -> None:
        super().__init__()
        self.usual = RunningMedian(pace=0.003)
        self.recent = Average(images=PATIENCE)

    def step(self, row: Row, images: int) -> Numbers | None:
        """Compare the estimate's recent size with what was usual."""
        distance = abs(row["d_real"] - row["d_fake"])
        self.recent.add(distance, images)
        self.usual.add(distance)
        known = self.usual.count >= 10 * FEWEST_STEPS
        raised = self.window.look(holds=known and self.recent.value > self.ratio * self.usual.value, images=images)
        return {"distance": distance, "usual": self.usual.value} if raised else None


class StuckBalance(Lasting):
    """BEGAN's k is at an end of its range: one player is too strong for the balance to be held.

    k begins at 0, and may stay there for thousands of images until the generator has learned its first images.
    """

    code = name = "balance_stuck"

    def __init__(self) -> None:
        super().__init__(patience=20_000)

    def step(self, row: Row, images: int) -> Numbers | None:
        """Look at k."""
        raised = self.window.look(holds=not 0 < row["k"] < 1, images=images)
        return {"k": row["k"]} if raised else None


class RisingCycle(Lasting):
    """The cycle loss is well above the lowest that it has been: translations lose their content again."""

    code = name = "cycle_loss_rises"
    parts = ("recent",)
    values = ("lowest",)
    ratio = 1.5

    def __init__(self) -> None:
        super().__init__(patience=500)
        self.recent = Average(images=200)
        self.lowest = 0.0

    def step(self, row: Row, images: int) -> Numbers | None:
        """Compare the recent loss with the lowest."""
        self.recent.add(row["cycle_loss"], images)
        if self.recent.seen >= self.recent.images:
            self.lowest = min(self.lowest or self.recent.value, self.recent.value)
        holds = 0 < self.lowest * self.ratio < self.recent.value
        raised = self.window.look(holds=holds, images=images)
        return {"cycle_loss": self.recent.value, "lowest": self.lowest} if raised else None
