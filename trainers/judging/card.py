"""The report card of generated images: figures of fidelity, diversity and copying, and the verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

from torch import Tensor

from models.messages import Message
from trainers.judging import classes, copying, neighbours, verdicts
from trainers.judging.distance import Distance, distance
from trainers.judging.frechet import frechet_distance, moments
from trainers.judging.kernel_distance import kernel_distance
from trainers.judging.observed import Observed, Reason
from trainers.judging.reference import Judged, Looks, Realism, Reference

# Generated images, and training images in their place, of which all pairs with held-out ones are looked at. More would
# only take time; memory does not depend on it, because distances are made in blocks.
MOST = 5000


@dataclass(frozen=True)
class Card:
    """What was measured.

    Attributes:
        closest: (generated row, row of the nearest training image, relative distance), by that distance.
        reference: the same figures for real images.
        distance: how far from real images that is, in terms of real images.
    """

    count: int
    fidelity: Mapping[str, float]
    diversity: Mapping[str, object]
    copying: Mapping[str, float | None]
    reference: Mapping[str, float]
    reasons: list[Reason]
    summary: Message
    distance: Distance
    held_out: bool
    closest: list[tuple[int, int, float]]

    @property
    def verdicts(self) -> list[str]:
        """The codes of what is wrong; none for healthy images."""
        return verdicts.verdicts(self.reasons)

    def result(self, extractor: Mapping[str, object]) -> dict[str, object]:
        """Return it as a job's `result`."""
        return {
            "verdicts": self.verdicts,
            "summary": str(self.summary),
            "count": self.count,
            "extractor": dict(extractor),
            "fidelity": dict(self.fidelity),
            "diversity": dict(self.diversity),
            "copying": dict(self.copying),
        }

    def details(self) -> dict[str, object]:
        """Return what the report has beside the result."""
        return {
            "held_out": self.held_out,
            "summary_message": self.summary.as_json(),
            "reasons": [reason.as_json() for reason in self.reasons],
            "reference": dict(self.reference),
            "distance": self.distance.as_json(),
        }


def judge(generated: Judged, reference: Reference, looks: Looks | None = None) -> Card:
    """Judge images beside real ones; `looks` are what the reference says of their pixels, where that is known already.

    Raises:
        ValueError: there are too few images for a figure, or features that are not numbers.
    """
    looks = looks or reference.looks_of(generated.pixels)
    realism = reference.realism_of(generated.features, looks)
    repeats = copying.repeats(generated.pixels, reference.reach(looks))
    likeness = reference.likeness_of(generated.pixels, looks)
    observed = Observed(generated.pixels, realism, looks, likeness, repeats, generated.probabilities)
    found = verdicts.reasons(observed, reference)
    # As many training images stand for generated ones: distances of fewer images are larger by themselves.
    rows = reference.drawn(len(reference.train.features), len(generated.features))
    fidelity, beside = _fidelity(generated.features, reference.train.features[rows], realism, reference)
    diversity, more = _diversity(generated, reference)
    copied = _copying(looks, reference)
    many = None if generated.probabilities is None else generated.probabilities.shape[1]
    far = _distance(fidelity, reference, rows)
    return Card(
        len(generated.features),
        fidelity,
        diversity,
        copied,
        {**beside, **more},
        found,
        verdicts.summary(found, many, far),
        far,
        reference.held_out,
        _closest(looks),
    )


def _fidelity(
    features: Tensor, train: Tensor, realism: Realism, reference: Reference
) -> tuple[dict[str, float], dict[str, float]]:
    test = reference.test.features
    real = reference.moments
    fd, of_real = (frechet_distance(real, moments(some)) for some in (features, train))
    kid = kernel_distance(features, test, reference.seed)
    figures = {
        "fd": fd,
        "fd_reference": of_real,
        "fd_ratio": fd / max(of_real, 1e-12),
        "kid": kid.mean,
        "kid_std": kid.std,
        "precision": realism.share,
        "density": realism.density,
    }
    beside = {
        "precision": reference.realism.share,
        "density": reference.realism.density,
    }
    return figures, beside


def _distance(fidelity: Mapping[str, float], reference: Reference, rows: Tensor) -> Distance:
    kinds, features = reference.coarse_kinds[rows], reference.train.features[rows]
    return distance(fidelity["fd"], fidelity["fd_reference"], reference.moments, features, kinds)


def _diversity(generated: Judged, reference: Reference) -> tuple[dict[str, object], dict[str, float]]:
    test, train = reference.test, reference.train
    count = min(len(generated.features), MOST)
    # Drawn at random: images of a data set may be sorted by their class.
    own, real = (
        neighbours.balls(test.features, some.features[reference.drawn(len(some.features), count)])
        for some in (generated, train)
    )
    figures: dict[str, object] = {"recall": own.recall, "coverage": own.coverage, "coverage_reference": real.coverage}
    figures.update(class_histogram=None, kl=None, classes_missing=None)
    beside: dict[str, float] = {"recall": real.recall}
    if generated.probabilities is not None and test.probabilities is not None:
        shown, expected = classes.histogram(generated.probabilities), classes.histogram(test.probabilities)
        figures["class_histogram"] = [round(float(share), 6) for share in shown]
        figures["kl"] = classes.divergence(shown, expected)
        figures["classes_missing"] = classes.missing(shown, expected)
        beside.update({f"class_{number}": float(share) for number, share in enumerate(expected)})
    return figures, beside


def _copying(looks: Looks, reference: Reference) -> dict[str, float | None]:
    real = reference.looks
    return {
        "auth_pct": copying.auth_pct(looks.distances, reference.own_distances(looks.rows)),
        "c_t": copying.c_t(
            looks.distances, real.distances, reference.coarse_kinds_of(looks), reference.coarse_kinds_of(real)
        ),
        "duplicates": copying.duplicates(looks.relative, real.relative),
        "duplicates_reference": copying.duplicates(real.relative, real.relative),
    }


def _closest(looks: Looks, most: int = 32) -> list[tuple[int, int, float]]:
    order = looks.relative.argsort()[:most]
    return [(int(row), int(looks.rows[row]), float(looks.relative[row])) for row in order]
