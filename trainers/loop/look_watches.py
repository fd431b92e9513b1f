"""What can be seen to go wrong from looks at the live generator (trainers/methods/live_look.py)."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch

from trainers.judging.neighbours import balls, expected_coverage, nearest, nearest_others
from trainers.loop.watches import Lasting, Numbers, Remembering
from trainers.methods.live_look import FEWEST, Look

# Images between two looks, and steps at the least: a look takes less than 1 % of their time.
EVERY, EVERY_STEPS = 5_000, 40


class Seen(NamedTuple):
    """The figures of a look, all without a unit.

    ``coverage`` is the share of real images near which there is a fake (Naeem et al. 2020), ``reach`` the same as a
    share of what as many good fakes would cover. ``variety`` counts the real images that are the nearest to some fake,
    as a share of that count for other real images. ``distinct`` is how far fakes are from their nearest others as a
    share of their mean distance, ``spread`` that mean distance as a share of that of real images, ``moved`` how far
    the fakes of the same noise have moved since the look before, as a share of their mean distance.

    ``overfitting`` is the share of the discriminator's margin between training images and fakes that it does not have
    for held-out images (Karras et al. 2020, eq. 1, r_v): 0 is none, 1 is all; None where it cannot be told.
    """

    coverage: float
    reach: float
    variety: float
    distinct: float
    spread: float
    moved: float
    overfitting: float | None = None


class Real(NamedTuple):
    """Real images of looks, on the host, and what other real images are like beside them."""

    images: torch.Tensor  # [n, C * 64]
    size: float  # their mean distance
    hits: float  # the share of other real images that have a nearest one of their own
    enough: bool  # with a handful of real images nothing can be said of what fakes should cover

    @classmethod
    def of(cls, images: torch.Tensor, others: torch.Tensor) -> Real:
        """Read real images, [n, C * 64] and [m, C * 64]. Waits for the device."""
        images, others = images.float().cpu(), others.float().cpu()
        size = max(1e-12, float(torch.pdist(images).mean()))
        return cls(images, size, _hits(images, others) / max(1, len(others)), len(others) >= FEWEST)


class Measure:
    """Measures looks, on the host. It remembers some fakes of the look before, [n, C * 64]."""

    def __init__(self, real: torch.Tensor, others: torch.Tensor) -> None:
        self._given = real, others
        self._real: Real | None = None  # read at the first look: reading waits for the device
        self.before: torch.Tensor | None = None

    def see(self, look: Look) -> Seen:
        """Return the figures of a look. Waits for the device."""
        self._real = real = self._real or Real.of(*self._given)
        fakes = look.fakes.float().cpu()
        coverage = reach = variety = 1.0
        if real.enough:
            found = balls(real.images, fakes)
            coverage, variety = found.coverage, _hits(real.images, fakes) / len(fakes) / real.hits
            # Fakes that lie in no ball of a real image cannot be expected to cover any.
            near = round(found.precision * len(fakes))
            reach = coverage / expected_coverage(len(real.images), near) if near else 1.0
        apart = float(torch.pdist(fakes).mean())
        closest = float(nearest_others(fakes, 1).distances.median())
        still, before = look.still.float().cpu(), self.before
        self.before = still
        moved = 1.0
        # After the batch was halved, fewer of them can be compared by the same statistics: not this time.
        if before is not None and before.shape == still.shape:
            moved = float((still - before).norm(dim=1).mean()) / max(1e-12, float(torch.pdist(still).mean()))
        return Seen(
            coverage=coverage,
            reach=min(1.0, reach),
            variety=min(1.0, variety),
            distinct=closest / apart if apart > 0 else 0.0,
            spread=apart / real.size,
            moved=moved,
            overfitting=None if look.scores is None else _overfitting(look.scores.float().cpu()),
        )


def _hits(real: torch.Tensor, images: torch.Tensor) -> int:
    """Return how many of the real images are the nearest one to some image."""
    return len(set(nearest(images, real).indices[:, 0].tolist()))


def _overfitting(scores: torch.Tensor) -> float | None:
    trained, held_out, fake = scores.mean(1).tolist()
    # The difference must be more than chance, and the discriminator must tell fakes at all.
    error = float((scores.var(1) / scores.shape[1]).sum().sqrt())
    if abs(trained - fake) <= 3 * error:
        return None
    return float((trained - held_out) / (trained - fake))


class LookWatch(Remembering, Protocol):
    """Looks at every look for one thing that can go wrong."""

    def look(self, seen: Seen, images: int) -> Numbers | None:
        """Account for a look, ``images`` after the one before; return the numbers to raise the alarm with."""


class LastingLook(Lasting):
    """A condition that lasts for five looks."""

    def __init__(self) -> None:
        super().__init__(5 * EVERY, 5)


class Collapse(LastingLook):
    """The generator makes few kinds of images, whatever the noise.

    Its fakes repeat, or they are near real images but near few of them. That is also how a generator looks that has
    just begun to learn, so one whose figures still grow has not collapsed.
    """

    code = name = "collapse"
    values = ("most",)
    repeats = 0.05  # fakes of different noise are a third of their mean distance from the nearest other, or more
    least_reach, least_variety = 0.5, 0.55
    # What counts as growth over the most so far. The figures of one and the same generator differ by a tenth or two;
    # its spread is steadier, and grows until it is near that of real images.
    growth, spread_growth, grown = 1.3, 1.05, 0.6

    def __init__(self) -> None:
        super().__init__()
        self.most = {"coverage": 0.0, "variety": 0.0, "spread": 0.0}

    def look(self, seen: Seen, images: int) -> Numbers | None:
        """Look at how many real images the fakes cover."""
        most, figures = self.most, {name: float(getattr(seen, name)) for name in self.most}
        grows = any(figures[name] > self.growth * most[name] for name in ("coverage", "variety"))
        grows |= self.spread_growth * most["spread"] < seen.spread < self.grown
        self.most = {name: max(most[name], value) for name, value in figures.items()}
        few = seen.reach < self.least_reach and seen.variety < self.least_variety and not grows
        raised = self.window.look(holds=few or seen.distinct < self.repeats, images=images)
        return {"coverage": seen.coverage, "distance_ratio": seen.spread} if raised else None


class AlikeTranslations(Lasting):
    """Translations of different images are alike: their mean distance is under half of that of real images.

    Translators are watched by their grids: their images are as varied as what they translate, if all is well.
    """

    code = name = "collapse"
    values = ("before",)
    alike = 0.5
    growth = 1.05
    grace = 3_000  # images: untrained translators make the same grey image of everything

    def __init__(self) -> None:
        super().__init__(2, 2)
        self.before = 0.0

    def grid(self, spread: float, images: int) -> Numbers | None:
        """Look at the spread of a grid's translations, after so many images."""
        grows = spread > self.before * self.growth
        self.before = spread
        if images < self.grace:
            return None
        raised = self.window.look(holds=spread < self.alike and not grows, images=1)
        return {"distance_ratio": spread} if raised else None


class Standstill(LastingLook):
    """The generator's images of the same noise stay what they are: it does not learn."""

    code = "generator_stalled"
    name = "standstill"
    least = 0.001

    def look(self, seen: Seen, images: int) -> Numbers | None:
        """Look at how far the fakes have moved."""
        raised = self.window.look(holds=seen.moved < self.least, images=images)
        return {"moved": seen.moved} if raised else None


class Overfitting(LastingLook):
    """The discriminator knows its training images by heart: held-out images look like fakes to it."""

    code = name = "overfitting"
    most = 0.5

    def look(self, seen: Seen, images: int) -> Numbers | None:
        """Look at how the discriminator scores held-out images."""
        share = seen.overfitting
        raised = self.window.look(holds=share is not None and share > self.most, images=images)
        return {"overfitting": share} if raised and share is not None else None
