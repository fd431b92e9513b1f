"""Whether images look real: in features, in their shapes, in their fine detail, and each by itself.

Each limit is how much groups of real images that lie together differ: a set that is farther off than that is off more
than kinds of real images differ.
"""

from __future__ import annotations

import math

from models.messages import CardFaults, Message
from trainers.judging.observed import CHANCE, LOW_FIDELITY, Observed, Reason, percent
from trainers.judging.reference import Reference

# How many standard deviations a set may be off the groups of real images. Groups are of one kind each.
_DEVIATIONS = 3.0
# And how many standard deviations of single real images.
_SINGLE = 1.0
# Groups that do not differ at all would make any difference an infinite one.
_LEAST = 0.01
# Contrasts that differ by a fifth are hard to tell apart, however alike real images are: three deviations of this many
# powers of two.
_LEAST_DETAIL = 0.1


def low_fidelity(observed: Observed, reference: Reference) -> list[Reason]:
    """Return why the images do not look real, the first that is found; nothing where they do."""
    # One image that is shown a thousand times moves the mean, and is but one.
    once, different = observed.once, observed.different
    return (
        _off_real(once, different, reference)
        or _other_shapes(once, different, reference)
        or _other_detail(once, different, reference)
        or _like_none(observed, reference)
    )


def _off_real(once: Observed, different: float, reference: Reference) -> list[Reason]:
    """Judge where images lie to real ones in features, of whatever kinds they are: lost modes make no image unreal.

    The deviations of two figures count together, as the length of a vector: fewer images inside than of real ones, and
    offsets from real images close by that agree more. The third counts by itself: all images may have moved away from
    the training images that they look like, to where other real images are. Blocks of a few pixels do that to features
    of quarter turns, although nine of ten images lie inside.
    """
    own, real = once.realism, reference.realism
    inside = reference.spread("share", different)
    fewer = max(0.0, min(inside.mean, real.share) - own.share) / max(inside.std, _LEAST)
    drift, shift = (
        max(0.0, getattr(own, figure) - spread.mean) / max(spread.std, _LEAST)
        for figure, spread in ((name, reference.spread(name, different)) for name in ("drift", "shift"))
    )
    deviations = max(math.hypot(fewer, drift), shift)
    if deviations <= _DEVIATIONS:
        return []
    message = CardFaults.off_real()
    # A part that is as small as chance makes it explains nothing.
    if fewer > _DEVIATIONS or fewer >= max(drift, shift):
        message = _few_inside(percent(own.share), percent(real.share))
    return [Reason(LOW_FIDELITY, message, deviations, 0.0, _DEVIATIONS)]


def _few_inside(share: float, real: float) -> Message:
    return CardFaults.unlike_real(inside=share, real=real) if share else CardFaults.none_like_real(real=real)


def _other_shapes(once: Observed, different: float, reference: Reference) -> list[Reason]:
    """Judge how far images are, in appearance, from the training images that they look like most.

    Kinds of real images hardly differ by that, and a good generator's images do by a little. What counts is the
    deviation of single real images: a mean that is farther out by one of them is farther than five of six of these are.
    """
    spread = reference.stray(different)
    above = once.likeness.stray - max(spread.mean, reference.likeness.stray)
    deviations = above / max(float(reference.likeness.farther.std()), _LEAST)
    # Means of few different images vary by themselves.
    if deviations <= _SINGLE or above <= _DEVIATIONS * max(spread.std, _LEAST):
        return []
    return [Reason(LOW_FIDELITY, CardFaults.other_shapes(), deviations, 0.0, _SINGLE)]


def _other_detail(once: Observed, different: float, reference: Reference) -> list[Reason]:
    """Judge whether all images have more or less fine detail than the training images that they look like.

    A difference counts that is larger than those between kinds of real images. Such a one is seen; a smaller one can
    be measured where many images share it, as copies with a little noise do.
    """
    moved = once.likeness.moves.double().mean(0) - reference.likeness.moves.double().mean(0)  # (bands,)
    deviations = float((moved.abs() / reference.detail_spread(different).clamp(min=_LEAST_DETAIL)).max())
    if deviations <= _DEVIATIONS:
        return []
    return [Reason(LOW_FIDELITY, CardFaults.other_detail(), deviations, 0.0, _DEVIATIONS)]


def _like_none(observed: Observed, reference: Reference) -> list[Reason]:
    """Tell images that look like no real one: a few of them shift no mean, and features may not notice them."""
    share = 1 - float(reference.recognises(observed.looks).double().mean())
    held = len(reference.looks.distances)
    limit = farthest(held, observed.different)
    if share <= limit:
        return []
    return [Reason(LOW_FIDELITY, CardFaults.like_none(share=percent(share)), share, 1 / (held + 1), limit)]


def farthest(held: int, new: float) -> float:
    """Return the share of new real images that are farther out than all held-out ones once in 10,000 times.

    All real images are alike, so the farthest k of `held` and `new` ones are all new by chance, with the probability
    prod (new - i) / (held + new - i) for i from 0 to k - 1.
    """
    probability, k, whole = 1.0, 0, max(1, round(new))
    while probability >= CHANCE and k < whole:
        probability *= (whole - k) / (held + whole - k)
        k += 1
    return k / whole
