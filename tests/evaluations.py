"""Evaluations with a result, stored as a supervisor stores it: for tests that look at results and measure nothing."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import text

from models.states import Outcome
from stores.container import Stores
from stores.jobs.transitions import Ending

# What a digits' generator of a few minutes has.
HEALTHY: dict[str, Any] = {
    "verdicts": [],
    "summary": "",
    "count": 2000,
    "extractor": {"name": "mnist-10k", "sha256": "a" * 64, "accuracy": 0.991},
    "fidelity": {
        "fd": 0.62,
        "fd_reference": 0.55,
        "fd_ratio": 1.127,
        "kid": 0.0001,
        "kid_std": 0.0004,
        "precision": 0.88,
        "density": 1.02,
    },
    "diversity": {
        "recall": 0.87,
        "coverage": 0.955,
        "coverage_reference": 0.97,
        "class_histogram": [0.1] * 10,
        "kl": 0.003,
        "classes_missing": [],
    },
    "copying": {"auth_pct": 48.0, "c_t": -0.4, "duplicates": 0.011, "duplicates_reference": 0.01},
}
BLURRED: dict[str, Any] = {
    "verdicts": ["low_fidelity"],
    "fidelity": {"fd": 7.1, "fd_ratio": 12.9, "kid": 0.034, "precision": 0.41, "density": 0.32},
    "diversity": {"recall": 0.6, "coverage": 0.61},
    "copying": {"auth_pct": 71.0, "c_t": 2.4, "duplicates": 0.001},
}
COLLAPSED: dict[str, Any] = {
    "verdicts": ["modes_lost"],
    "fidelity": {"fd": 3.4, "fd_ratio": 6.2, "kid": 0.012},
    "diversity": {
        "recall": 0.31,
        "coverage": 0.44,
        "class_histogram": [0.21, 0.2, 0.17, 0.002, 0.15, 0.03, 0.1, 0.138, 0.0, 0.0],
        "kl": 0.61,
        "classes_missing": ["3", "8", "9"],
    },
}
COPIES: dict[str, Any] = {
    "verdicts": ["copying"],
    "fidelity": {"fd": 0.3, "fd_ratio": 0.56},
    "copying": {"auth_pct": 2.1, "c_t": -14.2, "duplicates": 0.93},
}
BOTH: dict[str, Any] = {**BLURRED, "verdicts": ["low_fidelity", "modes_lost"], "diversity": COLLAPSED["diversity"]}


def result(changes: Mapping[str, Any] = {}, **more: Any) -> dict[str, Any]:
    """Return the result of a healthy generator with these changes; groups are merged."""
    made = copy.deepcopy(HEALTHY)
    for name, value in {**changes, **more}.items():
        made[name] = {**made[name], **value} if isinstance(value, Mapping) else value
    return made


def report(measured: Mapping[str, Any]) -> dict[str, Any]:
    """Return the report of a result: with the figures of real images, and the shares of their classes."""
    real = {"precision": 0.9, "density": 1.0, "recall": 0.89}
    shares = [0.098, 0.114, 0.103, 0.101, 0.098, 0.089, 0.096, 0.103, 0.097, 0.101]
    names = [str(number) for number in range(10)]
    ranges = {
        "fd_ratio": [0.8, 1.3],
        "kid": [-0.0012, 0.0012],
        "precision": [0.85, 0.95],
        "density": [0.85, 1.15],
        "coverage": [0.94, 1.0],
        "recall": [0.84, 0.94],
        "kl": [0.0, 0.02],
        "auth_pct": [40.0, 60.0],
        "c_t": [-3.0, 3.0],
        "duplicates": [0.0, 0.03],
    }
    near = {"closest": [[5, 70, 0.02], [3, 9, 0.41], [8, 2, 0.8]], "pairs_shown": 3, "closest_limit": 0.6}
    known = {
        "held_out": True,
        "reference": real,
        "real_ranges": ranges,
        "classes": names,
        "class_histogram_reference": shares,
    }
    return {**measured, **known, **near}


def ask(person: Any, source: str | Mapping[str, str], **changes: Any) -> str:
    """Ask for an evaluation of a training job, or of another source; return its id."""
    where = {"job": source, "checkpoint": "latest"} if isinstance(source, str) else dict(source)
    answer = person.post("/v1/jobs", json={"kind": "evaluate", "source": where, "queue": "cpu", **changes})
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


def evaluated(
    person: Any, bench: Any, source: str | Mapping[str, str], measured: Mapping[str, Any] | None = None, **changes: Any
) -> str:
    """Return an evaluation that has succeeded with a result, with its report and its grid of images."""
    job = ask(person, source, **changes)
    claim = bench.claim()
    assert claim.job_id == job
    found = dict(measured or result())
    bench.artifact(claim, "samples", "judged.png", b"picture", "image/png")
    bench.artifact(claim, "figure", "pairs.png", b"picture", "image/png")
    bench.artifact(claim, "report", "report.json", json.dumps(report(found)).encode(), "application/json")
    bench.stores.jobs.finish(claim, Ending(Outcome.succeeded, result=found))
    return job


PETS = "ds_0198c0de-0000-7000-8000-00000000000a"
_DATASET = text("""
INSERT INTO datasets (id, name, owner, source, layout, images, shape, classes, bytes, sha256, state, parts)
VALUES (:id, 'pets', :owner, :source, 'packed', 600, '{3,64,64}', '{}', 1, repeat('0', 64), 'ready',
        jsonb_build_object('train', cast(:train AS int), 'test', cast(600 - :train AS int)))
""")


def pets_row(stores: Stores, owner: str | None = None, train: int = 500) -> str:
    """Store the row of a data set without an extractor, everybody's or its owner's; return its id."""
    row = {"id": PETS, "owner": owner, "source": "found" if owner is None else "uploaded", "train": train}
    with stores.infra.engine.begin() as connection:
        connection.execute(_DATASET, row)
    return PETS
