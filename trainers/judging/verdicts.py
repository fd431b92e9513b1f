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
from trainers.judging.distance import Distance
from trainers.judging.fidelity import low_fidelity
from trainers.judging.neighbourhoods import Missing
from trainers.judging.observed import CHANCE, COPYING, LOW_FIDELITY, MODES_LOST, Observed, Reason, percent
from trainers.judging.reference import GROUP, Reference

# By chance, shares of real images exceed so many deviations once in tens of thousands.
_CHANCE_DEVIATIONS = 4.0
_RESAMPLES = 400
# How many others a repeated image nearly equals, at least. Copies that were drawn twice are no fault.
REPEATS = 3
# Kinds of images that do not look real are guesses: wider strokes look like no slanted 1. Less than about half a class
# of ten says nothing.
_GUESSED = 0.06
# Images whose kinds are less decided than those of real images by more standard errors than that are only guessed at.
# It is no proof that they are, but a guess that is taken for knowledge makes a wrong verdict, and the opposite only a
# shorter one.
_UNDECIDED = 1.0
# A class that the extractor misses has less than this part of its share among the training images most alike, which are
# of another class now and then.
_RARER = 0.5


def reasons(observed: Observed, reference: Reference) -> list[Reason]:
    """Return what is wrong, in the order of the verdicts; nothing for healthy images."""
    unreal = low_fidelity(observed, reference)
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


def _modes_lost(observed: Observed, reference: Reference, *, looks_real: bool) -> list[Reason]:
    found = []
    repeated = float((observed.repeats.others >= REPEATS).double().mean())
    bound = chance(observed, reference)
    if repeated > bound.limit:
        message = CardFaults.repeats_itself(share=percent(repeated))
        found.append(Reason(MODES_LOST, message, repeated, bound.real, bound.limit))
    # What looks like no real image may be of any class and kind: those must be lost for which that is no excuse.
    known = observed.only(reference.recognises(observed.looks).nonzero()[:, 0])
    if known.different < GROUP:
        return found
    unknown = 1 - len(known.pixels) / len(observed.pixels)
    found += _classes_lost(known, unknown, reference, looks_real=looks_real)
    if found:
        return found
    return _kinds_missing(observed, reference) if looks_real else _kinds_lost(known, unknown, reference)


def _classes_lost(observed: Observed, unknown: float, reference: Reference, *, looks_real: bool) -> list[Reason]:
    """Tell classes that are lost by what images look like, and where they look real by the extractor, too.

    An extractor says of images that are not real whatever it says: of averages of two digits, that none is a 1. What
    they look like is a better guess, but a guess, so that a class must be lost by its usual measure there. Of images
    that look real the extractor knows better, and the training images most alike only confirm it.
    """
    alike, real_alike = reference.labels_of(observed.looks), reference.labels_of(reference.looks)
    if observed.probabilities is None or reference.test.probabilities is None or alike is None or real_alike is None:
        return []
    many = observed.probabilities.shape[1]
    real = classes.histogram(reference.test.probabilities)
    by_looks, real_looks = classes.shares(alike, many), classes.shares(real_alike, many)
    if looks_real:
        gone = set(lost(classes.histogram(observed.probabilities), real, observed.different))
        gone &= set(classes.missing(by_looks, real_looks, _RARER))
    else:
        gone = set(lost(by_looks, real_looks, observed.different))
    if float(real[list(gone)].sum()) <= unknown:
        return []
    shown = int((real > 0).sum())
    message = CardFaults.classes_lost(present=shown - len(gone), classes=shown)
    return [Reason(MODES_LOST, message, shown - len(gone), shown, shown)]


def _kinds_missing(observed: Observed, reference: Reference) -> list[Reason]:
    """Tell real images that hardly any generated image is near to: for images that look real."""
    # Two thousand images that are shown twice surround a real image as unevenly as two thousand do, not as four.
    return _kinds_told(reference.missing(observed.once.pixels))


def _kinds_told(found: Missing, unknown: float = 0.0) -> list[Reason]:
    limit = max(found.limit, unknown)
    if found.share <= limit:
        return []
    message = CardFaults.kinds_lost(share=percent(found.share))
    return [Reason(MODES_LOST, message, found.share, found.real, limit)]


def _kinds_lost(observed: Observed, unknown: float, reference: Reference) -> list[Reason]:
    """Tell kinds that images which do not look real lack, by the training images that they look like most.

    Noisy images look as decidedly like one kind as real images do. Images that lie between kinds, as averages, blurred
    or waved ones do, look like a neighbour of their own kind now and then: their kinds are guesses.
    """
    if reference.undecided(observed.looks, observed.different) <= _UNDECIDED:
        return _kinds_told(reference.missing_likes(observed.once.looks), unknown)
    return _kinds_guessed(observed, unknown, reference)


def _kinds_guessed(observed: Observed, unknown: float, reference: Reference) -> list[Reason]:
    own, real = reference.kinds_of(observed.looks), reference.kinds_of(reference.looks)
    many = int(max(own.max(), real.max())) + 1
    real_shares = classes.shares(real, many)
    gone = lost(classes.shares(own, many), real_shares, observed.different)
    if not gone:
        return []
    # One of them is no accident: then the others that are as rare, but smaller, are none either.
    share = float(real_shares[classes.missing(classes.shares(own, many), real_shares)].sum())
    return _kinds_told(Missing(share, 0.0, _GUESSED), unknown)


def lost(generated: Tensor, real: Tensor, different: float) -> list[int]:
    """Return the kinds under a fifth of their real share (kinds,), where chance gives as few once in 10,000 or less.

    The number of images of a kind is a Poisson variable of which `different` images expect their real share.
    """
    rare = CHANCE / len(real)
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
    message = CardFaults.copies_training(share=percent(share))
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
