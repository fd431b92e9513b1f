"""The figures of `make bench-quality` in their file: what they were measured with, and a curve for each recipe."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

from benchmarks.figure_files import write_whole


class Settings(TypedDict):
    """What must be the same for figures that stand in one file."""

    dataset: str
    machine: str
    threads: int
    clock: str
    judge: str  # the SHA-256 of its weights
    samples: int


class Point(TypedDict):
    """What the judge said after some seconds of training."""

    seconds: float  # as asked for
    measured_seconds: float  # a training ends with a step, and a budget is a number of images
    images: int
    step: int
    epochs: int
    frechet_ratio: float
    classes_present: float
    kl_to_uniform_nats: float
    confidence: float


class Training(TypedDict):
    """The curve of a recipe."""

    date: str
    per_budget: bool  # whether each point is the end of a training of its own
    precision: str
    image_size: int
    alerts: list[str]
    points: list[Point]


class Figures(TypedDict):
    """The file."""

    settings: Settings
    recipes: dict[str, Training]


def point(seconds: float, told: Mapping[str, Any], said: Mapping[str, Any]) -> Point:
    """Put together what a training told and what the judge said."""
    return {
        "seconds": seconds,
        "measured_seconds": told["seconds"],
        "images": told["images"],
        "step": told["step"],
        "epochs": told["epochs"],
        "frechet_ratio": said["frechet_ratio"],
        "classes_present": said["classes_present"],
        "kl_to_uniform_nats": said["kl_to_uniform_nats"],
        "confidence": said["confidence"],
    }


def read(path: Path) -> Figures:
    """Return the figures of a file."""
    figures: Figures = json.loads(path.read_text(encoding="utf-8"))
    return figures


def write(path: Path, figures: Figures) -> None:
    """Write the file, whole or not at all."""
    write_whole(path, json.dumps(figures, indent=1) + "\n")


def replaced(path: Path, settings: Settings, recipe: str, training: Training, *, all_of_them: bool) -> Figures:
    """Return the figures of the file with this recipe's replaced.

    If they were measured with other settings, those of the other recipes go, because they cannot be compared.
    ``all_of_them`` says that all recipes are being measured.

    Raises:
        SystemExit: they would go, although only some recipes are measured anew.
    """
    others: dict[str, Training] = {}
    if path.exists():
        found = read(path)
        others = {name: one for name, one in found["recipes"].items() if name != recipe}
        differ = {name for name, value in settings.items() if found["settings"].get(name) != value}
        if others and differ and not all_of_them:
            raise SystemExit(
                f"{path} has other recipes, measured with another {' and '.join(sorted(differ))}: measure all of them, "
                "or write to another folder (--figures)"
            )
        if differ:
            others = {}
    return {"settings": settings, "recipes": dict(sorted({**others, recipe: training}.items()))}


def ratio(training: Training, seconds: float) -> float | None:
    """Return a recipe's Fréchet ratio after so many seconds; None if it was not measured then."""
    return next((one["frechet_ratio"] for one in training["points"] if one["seconds"] == seconds), None)


def best(figures: Figures, minutes: int) -> str | None:
    """Return the recipe with the lowest ratio after so many minutes; None unless all were measured then."""
    ratios = {name: ratio(training, 60 * minutes) for name, training in figures["recipes"].items()}
    known = {name: value for name, value in ratios.items() if value is not None}
    return min(known, key=lambda name: known[name]) if known and len(known) == len(ratios) else None


def rows(figures: Figures) -> list[list[str]]:
    """Return the table: a recipe's Fréchet ratio at each of the seconds, and more about the last."""
    marks = sorted({one["seconds"] for training in figures["recipes"].values() for one in training["points"]})
    head = ["recipe", *(f"{mark:g} s" for mark in marks), "images", "classes present", "KL to uniform, nats", "alerts"]
    lines = [head]
    for name, training in figures["recipes"].items():
        ratios = [ratio(training, mark) for mark in marks]
        last = training["points"][-1]
        facts = [f"{last['images']:,}", f"{100 * last['classes_present']:.0f} %", f"{last['kl_to_uniform_nats']:g}"]
        title = f"`{name}`{' *' if training['per_budget'] else ''}"
        cells = ["" if value is None else f"{value:g}" for value in ratios]
        lines.append([title, *cells, *facts, ", ".join(f"`{code}`" for code in training["alerts"])])
    return lines


def table(figures: Figures) -> str:
    """Return the figures as Markdown."""
    head, *lines = rows(figures)
    return (
        "\n".join(f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *lines]) + "\n\n" + note(figures)
    )


def note(figures: Figures) -> str:
    """Say what was measured with what."""
    settings = figures["settings"]
    dates = sorted({training["date"] for training in figures["recipes"].values()})
    precisions = sorted({training["precision"] for training in figures["recipes"].values()})
    seconds = "seconds of the processor" if settings["clock"] == "processor" else "seconds by the clock"
    how = f"threads: {settings['threads']}, {' and '.join(precisions)}, {seconds}"
    return (
        f"{settings['dataset']}, {settings['samples']:,} images judged. {settings['machine']}, {how}, "
        f"measured {' to '.join(sorted({dates[0], dates[-1]}))}. "
        "*: one training for each number of seconds, because the schedules follow the budget"
    )
