"""Figures of features, for as long as no judge is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from trainers.judging.extractor import Extractor


def judge(judged: object, train: object, test: object, extractor: Extractor) -> dict[str, object]:
    """Return the dictionary of the result."""
    fakes, learned, held = (some.features for some in (judged, train, test))  # type: ignore[attr-defined]
    every = max(1, len(learned) // len(fakes))
    fd, reference = _frechet(fakes, held), _frechet(learned[::every][: len(fakes)], held)
    return {
        "verdicts": [],
        "summary": "",
        "count": len(fakes),
        "extractor": {"name": extractor.name, "sha256": extractor.sha256, "accuracy": extractor.accuracy},
        "fidelity": {
            "fd": fd,
            "fd_reference": reference,
            "fd_ratio": fd / reference,
            "kid": None,
            "kid_std": None,
            "precision": None,
            "density": None,
        },
        "diversity": {
            "recall": None,
            "coverage": None,
            "coverage_reference": None,
            "class_histogram": None,
            "kl": None,
            "classes_missing": None,
        },
        "copying": {"auth_pct": None, "c_t": None, "duplicates": None, "duplicates_reference": None},
    }


def _frechet(a: torch.Tensor, b: torch.Tensor) -> float:
    (mean_a, cov_a), (mean_b, cov_b) = ((some.double().mean(0), torch.cov(some.double().T)) for some in (a, b))
    values, vectors = torch.linalg.eigh(cov_a)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    cross = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    return float((mean_a - mean_b).square().sum() + cov_a.trace() + cov_b.trace() - 2 * cross)
