"""Alarms: notice from the metrics, and from looks at the generator, that a training goes wrong, and say so once.

They change nothing of a training. What follows from an alarm is decided by `on_alert` (trainers/loop/reactions.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, Dict, List, Mapping, NamedTuple, Tuple, cast

from models.messages import Alerts, Message
from trainers.loop import look_watches, watches
from trainers.methods import DiscriminatorOutput

if TYPE_CHECKING:
    from trainers.loop.look_watches import LookWatch, Seen
    from trainers.loop.watches import Numbers, Remembering, Row, Watch
    from trainers.process.reporter import Reporter

NONE, STOP = "none", "stop"

# What each alarm says.
_MESSAGES: Mapping[str, Callable[[], Message]] = {
    "discriminator_too_strong": Alerts.discriminator_too_strong,
    "generator_too_strong": Alerts.generator_too_strong,
    "collapse": Alerts.collapse,
    "gradient_norm": lambda: Alerts.gradient_norm(times=round(watches.LargeGradient.ratio)),
    "generator_stalled": Alerts.generator_stalled,
    "overfitting": Alerts.overfitting,
    "critic_reversed": Alerts.critic_reversed,
    "critic_unbounded": Alerts.critic_unbounded,
    "balance_stuck": Alerts.balance_stuck,
    "cycle_loss_rises": Alerts.cycle_loss_rises,
}


class Watched(NamedTuple):
    """What alarms must know of a training."""

    metrics: tuple[str, ...]  # the names of what each step measures
    d_output: DiscriminatorOutput
    label_smoothing: float = 0.0
    # While only the discriminator learns, or rates still rise, nothing is unusual.
    warmup_steps: int = 0
    warmup_images: int = 0


class Raised(NamedTuple):
    """An alarm that was raised: its code, the step and the numbers."""

    code: str
    step: int
    numbers: dict[str, float]

    @property
    def message(self) -> Message:
        """What it says."""
        return _MESSAGES[self.code]()


class Alarms:
    """One watch for each thing that can go wrong. ``actions`` says what follows from an alarm, by its code.

    An alarm that nothing follows from is told at once. The others wait in ``pending`` until the loop acts on them.
    """

    def __init__(self, reporter: Reporter, watched: Watched, actions: Mapping[str, str] | None = None) -> None:
        self.reporter = reporter
        self.watched = watched
        self.actions = actions or {}
        self.codes: list[str] = []  # of all alarms so far, for the report
        self.pending: list[Raised] = []
        self.returns = 0  # how often the job went back because of an alarm
        self.ended: str | None = None  # the code of the alarm that ended the job
        self._steps: dict[str, Watch] = {watch.name: watch for watch in _step_watches(watched)}
        self._looks: dict[str, LookWatch] = {watch.name: watch for watch in _look_watches(watched)}
        self._alike = look_watches.AlikeTranslations() if watched.d_output is DiscriminatorOutput.patches else None
        self._images = 0  # at the last step
        self._looked = 0  # images at the last look

    @property
    def calm(self) -> bool:
        """Whether nothing is wrong, nor has begun to be."""
        return all(watch.window.calm for watch in self._all().values())

    def step(self, step: int, images: int, row: Row) -> None:
        """Look at the metrics of a step, after which ``images`` have been seen."""
        before, self._images = self._images, images
        if self._warming(step, images):
            return
        for watch in self._steps.values():
            self._account(watch, step, watch.step(row, images - before))

    def look(self, step: int, images: int, seen: Seen) -> None:
        """Look at the figures of a look, after a step."""
        before, self._looked = self._looked, images
        if self._warming(step, images):
            return
        for watch in self._looks.values():
            self._account(watch, step, watch.look(seen, images - before))

    def grid(self, step: int, images: int, spread: float | None) -> None:
        """Look at the spread of a grid's translations as a share of that of real images; None where there are none."""
        if spread is not None and self._alike is not None and not self._warming(step, images):
            self._account(self._alike, step, self._alike.grid(spread, images))

    def tell(self, raised: Raised, action: str, back_to: int | None = None) -> None:
        """Report an alarm, with what follows from it."""
        numbers = {name: float(f"{value:.6g}") for name, value in raised.numbers.items()}
        done = None if action == NONE else action
        self.reporter.alert(raised.code, raised.message, raised.step, numbers, back_to=back_to, action=done)

    def state(self) -> dict[str, object]:
        """Return what all watches remember, for the checkpoint."""
        remembered = {name: watch.state() for name, watch in self._all().items()}
        counters = {"images": self._images, "looked": self._looked, "returns": self.returns, "ended": self.ended}
        return {**remembered, **counters, "pending": [list(raised) for raised in self.pending]}

    def restore(self, state: Mapping[str, object]) -> None:
        """Continue from a checkpoint. Those of earlier versions lack some of this."""
        for name, watch in self._all().items():
            if name in state:
                watch.restore(state[name])
        self._images = cast(int, state.get("images", 0))
        self._looked = cast(int, state.get("looked", 0))
        self.returns = cast(int, state.get("returns", 0))
        ended = cast("str | None", state.get("ended"))
        # A retry of a job that an alarm has ended goes on, if that alarm ends jobs no more.
        self.ended = ended if self.actions.get(ended or "") == STOP else None
        pending = cast(List[Tuple[str, int, Dict[str, float]]], state.get("pending", []))
        self.pending = [Raised(*raised) for raised in pending]

    def _all(self) -> dict[str, Remembering]:
        alike: dict[str, Remembering] = {} if self._alike is None else {self._alike.name: self._alike}
        return {**self._steps, **self._looks, **alike}

    def _warming(self, step: int, images: int) -> bool:
        return step <= self.watched.warmup_steps or images <= self.watched.warmup_images

    def _account(self, watch: Remembering, step: int, numbers: Numbers | None) -> None:
        if numbers is None:
            return
        # Two watches may see the same thing.
        same = (other for other in self._all().values() if other.code == watch.code and other is not watch)
        if any(other.window.raised for other in same):
            return
        raised = Raised(watch.code, step, numbers)
        self.codes.append(raised.code)
        if self.actions.get(raised.code, NONE) == NONE:
            self.tell(raised, NONE)
        else:
            self.pending.append(raised)


def _step_watches(watched: Watched) -> list[Watch]:
    found: list[Watch] = []
    if watched.d_output is DiscriminatorOutput.probabilities:
        found += [watches.DiscriminatorWins(watched.label_smoothing), watches.GeneratorWins(watched.label_smoothing)]
    elif watched.d_output is DiscriminatorOutput.scores:
        found += [watches.WrongSign(), watches.Growing()]
    elif watched.d_output is DiscriminatorOutput.errors:
        found += [watches.StuckBalance()]
    elif watched.d_output is DiscriminatorOutput.patches:
        found += [watches.RisingCycle()]
    for norm in watched.metrics:
        if norm.endswith("grad_norm"):
            player = norm[: -len("grad_norm")]  # d_, g_, or nothing
            losses = tuple(name for name in watched.metrics if name.startswith(f"{player}loss"))
            found.append(watches.LargeGradient(norm, losses))
    if "g_grad_norm" in watched.metrics:
        found.append(watches.VanishingGradient())
    return found


def _look_watches(watched: Watched) -> list[LookWatch]:
    if watched.d_output in (DiscriminatorOutput.patches, DiscriminatorOutput.none):
        return []
    return [look_watches.Collapse(), look_watches.Standstill(), look_watches.Overfitting()]
