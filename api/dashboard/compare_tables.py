"""The tables of a comparison of few jobs, side by side: speed, differences, latest values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.dashboard.chart_axes import speeds
from api.dashboard.compare_columns import EPOCH, METRICS, as_text, flat

# Fields of a job that are compared like its parameters.
FACTS = ("kind", "recipe", "preset", "dataset", "seed", "queue", "device", "source", "parent")

Epochs = Mapping[str, list[dict[str, Any]]]


def noise(jobs: list[dict[str, Any]]) -> str:
    """Return whether the jobs make their grids from the same noise: `same`, or what differs."""
    jobs = [job for job in jobs if job["kind"] == "train"]
    if any("noise_dim" not in job["params"] for job in jobs):
        return "none"
    if len({job["seed"] for job in jobs}) > 1:
        return "seed"
    return "size" if len({job["params"]["noise_dim"] for job in jobs}) > 1 else "same"


def speed_rows(jobs: list[dict[str, Any]], epochs: Epochs) -> list[dict[str, Any]]:
    """Return a row for each job and device, with the speed-up relative to the slowest."""
    rows = [{"n": n, "job": job, **vars(speed)} for n, job in enumerate(jobs) for speed in speeds(epochs[job["id"]])]
    rates = [row["images_per_second"] for row in rows if row["images_per_second"] > 0]
    for row in rows:
        row["times"] = row["images_per_second"] / min(rates) if rates else None
        row["share"] = row["images_per_second"] / max(rates) if rates else 0.0
    return rows


def differences(jobs: list[dict[str, Any]]) -> list[tuple[str, list[str | None]]]:
    """Return the fields that differ between the jobs: the name, and the value of each job (None: no value)."""
    facts = [flat({name: job[name] for name in _facts(job)}) for job in jobs]
    params = [flat(job["params"]) for job in jobs]
    rows = [(name, shown) for name in _names(facts) if len(set(shown := _column(facts, name))) > 1]
    for name in sorted(_names(params)):
        shown = _column(params, name)
        # Parameters that only jobs of one kind have are not differences.
        kinds = {(job["kind"], value) for job, value in zip(jobs, shown, strict=True)}
        if len(kinds) > len({kind for kind, _ in kinds}):
            rows.append((name, shown))
    return rows


def _facts(job: Mapping[str, Any]) -> list[str]:
    """Return the fields that say something of a job: the images of a data set are no recipe's."""
    any_images = (job["source"] or {}).get("dataset") is not None
    return [name for name in FACTS if not (any_images and name == "recipe")]


def _names(every: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for values in every for name in values))


def _column(every: list[dict[str, Any]], name: str) -> list[str | None]:
    return [None if values.get(name) is None else as_text(values[name]) for values in every]


def finals(jobs: list[dict[str, Any]], epochs: Epochs) -> dict[str, Any]:
    """Return the mean of each metric over the last epoch of each job."""
    last = [epochs[job["id"]][-1] if epochs[job["id"]] else {} for job in jobs]
    names = dict.fromkeys(name for epoch in last for name in epoch if name not in EPOCH)
    ordered = [name for name in METRICS if name in names] + [name for name in names if name not in METRICS]
    return {
        "epochs": [epoch.get("epoch") for epoch in last],
        "images": [epoch.get("images") for epoch in last],
        "rows": [(name, [epoch.get(name) for epoch in last]) for name in ordered],
    }
