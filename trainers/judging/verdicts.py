"""What is wrong with generated images: `low_fidelity`, `modes_lost`, `copying`, each with the figures that decided it.

No limit here is a number of a figure. Each comes from real images: how much a figure differs between groups of them, or
how often chance would give as many. A set counts as many images as it has different ones, so that a few images repeated
a thousand times are judged as a few.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from models.messages import CardFaults, Message, Summaries
from trainers.judging import classes
from trainers.judging.copying import Repeats
from trainers.judging.distance import Distance
from trainers.judging.reference import GROUP, Looks, Realism, Reference

LOW_FIDELITY, MODES_LOST, COPYING = "low_fidelity", "modes_lost", "copying"
# How many standard deviations a set may be off the groups of real images. Groups are of one kind each: a set that is
# farther off than that is off more than kinds of real images differ.
_DEVIATIONS = 3.0
# By chance, shares of real images exceed so many deviations once in tens of thousands.
_CHANCE_DEVIATIONS = 4.0
# Groups that do not differ at all would make any difference an infinite one.
_LEAST = 0.01
_CHANCE = 1e-4
_RESAMPLES = 400
# How many others a repeated image nearly equals, at least. Copies that were drawn twice are no fault.
REPEATS = 3
# Kinds of images that do not look real are guesses: wider strokes look like no slanted 1. Less than about half a class
# of ten says nothing.
_GUESSED = 0.06
# Of a set with this share of images that repeat no other, all count.
_MOSTLY = 0.9
# A class that the extractor misses has less than this part of its share among the training images most alike, which are
# of another class now and then.
_RARER = 0.5


class Reason(NamedTuple):
    """Why a verdict stands: the message, a figure of the set, what it is for real images, and the limit."""

    verdict: str
    message: Message
    value: float
    real: float
    limit: float

    def as_json(self) -> dict[str, object]:
        """Return it for the report."""
        figures = {"value": round(self.value, 4), "real": round(self.real, 4), "limit": round(self.limit, 4)}
        return {"verdict": self.verdict, **self.message.as_json(), **figures}


class Observed(NamedTuple):
    """Generated images (n, C, H, W) as verdicts see them."""

    pixels: Tensor
    realism: Realism
    looks: Looks
    repeats: Repeats
    probabilities: Tensor | None

    def only(self, rows: Tensor) -> Observed:
        """Return some of the images."""
        probabilities = None if self.probabilities is None else self.probabilities[rows]
        looks, realism = self.looks.only(rows), self.realism.only(rows)
        repeats = Repeats(self.repeats.others[rows], self.repeats.first[rows])
        return Observed(self.pixels[rows], realism, looks, repeats, probabilities)

    @property
    def different(self) -> float:
        """How many different images there are: one that is there five times counts as a fifth each time."""
        return float((1 / (1 + self.repeats.others.double())).sum())

    @property
    def once(self) -> Observed:
        """The images without repeats; all of them where few repeat others."""
        first = self.repeats.first
        return self if float(first.double().mean()) > _MOSTLY else self.only(first.nonzero()[:, 0])


def reasons(observed: Observed, reference: Reference) -> list[Reason]:
    """Return what is wrong, in the order of the verdicts; nothing for healthy images."""
    unreal = _low_fidelity(observed, reference)
    lost = _modes_lost(observed, reference, looks_real=not unreal)
    return unreal + lost + _copying(observed, reference)


def verdicts(found: list[Reason]) -> list[str]:
    """Return the verdicts that stand, each once."""
    return list(dict.fromkeys(reason.verdict for reason in found))


def summary(found: list[Reason], of_classes: int | None, distance: Distance) -> Message:
    """Return the report in a sentence, which says how far from real the images are."""
    ratio = _short(distance.ratio)
    if not found:
        if of_classes is None:
            return Summaries.healthy_images(ratio=ratio)
        return Summaries.healthy_with_classes(ratio=ratio, classes=of_classes)
    faults = [reason.message for reason in found]
    if LOW_FIDELITY not in verdicts(found):
        return Summaries.look_real_but(faults=faults)
    if distance.ratio <= distance.close:
        return Summaries.weak_but_close(ratio=ratio, faults=faults)
    if distance.ratio < distance.far:
        return Summaries.weak(ratio=ratio, faults=faults)
    return Summaries.far_from_real(ratio=ratio, faults=faults)


def _low_fidelity(observed: Observed, reference: Reference) -> list[Reason]:
    return _off_real(observed, reference) or _like_none(observed, reference)


def _off_real(observed: Observed, reference: Reference) -> list[Reason]:
    """Judge where images lie to real ones, of whatever kinds they are: lost modes make no image unreal.

    The deviations of two figures count together, as the length of a vector: fewer images inside than of real ones, and
    offsets from real images close by that agree more. The third counts by itself: all images may have moved away from
    the training images that they look like, to where other real images are. Blocks of a few pixels do that to features
    of quarter turns, although nine of ten images lie inside.
    """
    # One image that is shown a thousand times moves the mean, and is but one.
    own, real = observed.once.realism, reference.realism
    inside = reference.spread("share", observed.different)
    fewer = max(0.0, min(inside.mean, real.share) - own.share) / max(inside.std, _LEAST)
    drift, shift = (
        max(0.0, getattr(own, figure) - spread.mean) / max(spread.std, _LEAST)
        for figure, spread in ((name, reference.spread(name, observed.different)) for name in ("drift", "shift"))
    )
    deviations = max(math.hypot(fewer, drift), shift)
    if deviations <= _DEVIATIONS:
        return []
    message = CardFaults.off_real()
    # A part that is as small as chance makes it explains nothing.
    if fewer > _DEVIATIONS or fewer >= max(drift, shift):
        message = CardFaults.unlike_real(inside=_percent(own.share), real=_percent(real.share))
    return [Reason(LOW_FIDELITY, message, deviations, 0.0, _DEVIATIONS)]


def _like_none(observed: Observed, reference: Reference) -> list[Reason]:
    """Tell images that look like no real one: a few of them shift no mean, and features may not notice them."""
    share = 1 - float(reference.recognises(observed.looks).double().mean())
    held = len(reference.looks.distances)
    limit = farthest(held, observed.different)
    if share <= limit:
        return []
    return [Reason(LOW_FIDELITY, CardFaults.like_none(share=_percent(share)), share, 1 / (held + 1), limit)]


def farthest(held: int, new: float) -> float:
    """Return the share of new real images that are farther out than all held-out ones once in 10,000 times.

    All real images are alike, so the farthest k of `held` and `new` ones are all new by chance, with the probability
    prod (new - i) / (held + new - i) for i from 0 to k - 1.
    """
    probability, k, whole = 1.0, 0, max(1, round(new))
    while probability >= _CHANCE and k < whole:
        probability *= (whole - k) / (held + whole - k)
        k += 1
    return k / whole


def _modes_lost(observed: Observed, reference: Reference, *, looks_real: bool) -> list[Reason]:
    found = []
    repeated = float((observed.repeats.others >= REPEATS).double().mean())
    bound = chance(observed, reference)
    if repeated > bound.limit:
        message = CardFaults.repeats_itself(share=_percent(repeated))
        found.append(Reason(MODES_LOST, message, repeated, bound.real, bound.limit))
    # What looks like no real image has no class, and is of no kind.
    known = observed.only(reference.recognises(observed.looks).nonzero()[:, 0])
    if known.different < GROUP:
        return found
    found += _classes_lost(known, reference)
    if found:
        return found
    return _kinds_missing(observed, reference) if looks_real else _kinds_lost(known, reference)


def _classes_lost(observed: Observed, reference: Reference) -> list[Reason]:
    """Tell classes that the extractor misses, and that are rarer among the training images most alike, too.

    Blurred or noisy images have other classes for the extractor, but still look like images of their own class.
    """
    alike, real_alike = reference.labels_of(observed.looks), reference.labels_of(reference.looks)
    if observed.probabilities is None or reference.test.probabilities is None or alike is None or real_alike is None:
        return []
    many = observed.probabilities.shape[1]
    by_extractor = lost(
        classes.histogram(observed.probabilities),
        classes.histogram(reference.test.probabilities),
        observed.different,
    )
    by_looks = classes.missing(classes.shares(alike, many), classes.shares(real_alike, many), _RARER)
    gone = sorted(set(by_extractor) & set(by_looks))
    if not gone:
        return []
    shown = int((classes.histogram(reference.test.probabilities) > 0).sum())
    message = CardFaults.classes_lost(present=shown - len(gone), classes=shown)
    return [Reason(MODES_LOST, message, shown - len(gone), shown, shown)]


def _kinds_missing(observed: Observed, reference: Reference) -> list[Reason]:
    """Tell real images that hardly any generated image is near to: for images that look real."""
    # Two thousand images that are shown twice surround a real image as unevenly as two thousand do, not as four.
    found = reference.missing(observed.once.pixels)
    if found.share <= found.limit:
        return []
    message = CardFaults.kinds_lost(share=_percent(found.share))
    return [Reason(MODES_LOST, message, found.share, found.real, found.limit)]


def _kinds_lost(observed: Observed, reference: Reference) -> list[Reason]:
    """Tell kinds that hardly any generated image is nearest to: that is so for blurred or noisy images, too."""
    own, real = reference.kinds_of(observed.looks), reference.kinds_of(reference.looks)
    many = int(max(own.max(), real.max())) + 1
    real_shares = classes.shares(real, many)
    gone = lost(classes.shares(own, many), real_shares, observed.different)
    if not gone:
        return []
    # One of them is no accident: then the others that are as rare, but smaller, are none either.
    share = float(real_shares[classes.missing(classes.shares(own, many), real_shares)].sum())
    if share <= _GUESSED:
        return []
    return [Reason(MODES_LOST, CardFaults.kinds_lost(share=_percent(share)), share, 0.0, _GUESSED)]


def lost(generated: Tensor, real: Tensor, different: float) -> list[int]:
    """Return the kinds under a fifth of their real share (kinds,), where chance gives as few once in 10,000 or less.

    The number of images of a kind is a Poisson variable of which `different` images expect their real share.
    """
    rare = _CHANCE / len(real)
    return [
        kind
        for kind in classes.missing(generated, real)
        if poisson(float(generated[kind]) * different, float(real[kind]) * different) < rare
    ]


def poisson(most: float, expected: float) -> float:
    """Return the probability of at most so many, of a Poisson variable with this mean."""
    return float(torch.special.gammaincc(torch.tensor(math.floor(most) + 1.0), torch.tensor(max(expected, 1e-9))))


def _copying(observed: Observed, reference: Reference) -> list[Reason]:
    share = float((observed.looks.relative < reference.limit).double().mean())
    bound = chance(observed, reference)
    if share <= bound.limit:
        return []
    message = CardFaults.copies_training(share=_percent(share))
    return [Reason(COPYING, message, share, bound.real, bound.limit)]


class Bound(NamedTuple):
    """A share for real images of the same kinds, and the most that chance makes of it."""

    real: float
    limit: float


def chance(observed: Observed, reference: Reference) -> Bound:
    """Return how many of as many real images of the same kinds are relatively near to a training image.

    Resampled: the share of each kind among held-out images, which are few, and the number of images of the set.
    """
    real = reference.coarse_kinds_of(reference.looks)
    own = reference.coarse_kinds_of(observed.looks)
    many = int(max(real.max(), own.max())) + 1
    held = torch.bincount(real, minlength=many).double()
    near = (reference.looks.relative < reference.limit).double()
    hits = torch.zeros(many, dtype=torch.float64).index_add_(0, real, near)
    # As if one more of a hundred had been near: no kind is free of such images because a few held-out ones are.
    shares = (hits + 1) / (held + 100)
    draws = torch.Generator().manual_seed(reference.seed)
    counts = held.clamp(min=1).expand(_RESAMPLES, -1).contiguous()
    resampled = torch.binomial(counts, shares.expand(_RESAMPLES, -1).contiguous(), draws) / counts
    expected = (resampled * classes.shares(own, many)).sum(1).clamp(0, 1)
    trials = torch.full((_RESAMPLES,), max(1.0, float(round(observed.different))), dtype=torch.float64)
    found = torch.binomial(trials, expected, draws) / trials
    return Bound(
        float((shares * classes.shares(own, many)).sum()), float(found.mean() + _CHANCE_DEVIATIONS * found.std())
    )


def _short(ratio: float) -> float | int:
    """Return a number of two digits, for a sentence."""
    return round(ratio, 1) if ratio < 10 else int(float(f"{ratio:.2g}"))


def _percent(share: float) -> float | int:
    percent = 100 * share
    return round(percent) if percent >= 10 or percent < 0.05 else round(percent, 1)
