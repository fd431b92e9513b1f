"""Images per second of our loops, beside the sources' own and beside this machine's matrix product, all in one run."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.comparison_processes import in_turn, sides
from benchmarks.recipes import DEFAULTS, ENDLESS, MEASURED, NEVER, resolved
from benchmarks.service import emit

Rounds = list[dict[str, Any]]


class Patience(NamedTuple):
    """How often and how long each side is measured, in seconds."""

    rounds: int
    seconds: float
    warm_up: float


def compare(recipe: str, dataset: str, folder: Path, device: str, patience: Patience, epoch: int | None = None) -> None:
    """Measure a recipe by its published settings, and by its defaults where people mostly run those.

    With ``epoch``, the seconds that so many images take are shown as well.
    """
    measured = MEASURED[recipe]
    settings = {"ours": resolved(recipe, measured.preset, dataset, **_endless(measured.changes))}
    settings["ours_mixed"] = {**settings["ours"], "precision": "bfloat16"}
    if recipe in DEFAULTS:
        settings["ours_by_default"] = resolved(recipe, None, dataset, **_endless({}))
        settings["ours_by_default_in_float32"] = {**settings["ours_by_default"], "precision": "float32"}
    wanted = {name: ours(recipe, dataset, folder, device, params) for name, params in settings.items()}
    # The sources have no device but the processor here: a ratio between two devices would say nothing.
    if device == "cpu":
        wanted["product"] = ["product"]
        if measured.source:
            wanted["theirs"] = ["theirs", recipe, dataset, str(folder)]
    with sides(list(wanted.values())) as started:
        answers = in_turn(started, *patience)
        words = {name: side.close() for name, side in zip(wanted, started, strict=True) if name in settings}
    by_name = dict(zip(wanted, answers, strict=True))
    for name, params in settings.items():
        by_default, precision = name.startswith("ours_by_default"), words[name]["precision"]
        shown = {key: params[key] for key in ("batch_size", "image_size", "width")}
        facts = {"recipe": recipe, "preset": None if by_default else measured.preset, **shown, "precision": precision}
        _show(facts, name, by_name, words[name]["flops"], measured.least.get(precision) if by_default else None)
        if epoch:
            seconds = [epoch / rate for rate in rates(by_name[name])]
            emit(f"seconds_of_{epoch}_images_{name}", **facts, device=device, **spread_of(seconds, 3), target_max=0.5)


def ours(recipe: str, dataset: str, folder: Path, device: str, params: dict[str, Any], side: str = "ours") -> list[str]:
    """Return the arguments of a side that runs our loop."""
    return [side, recipe, dataset, str(folder), device, json.dumps(params)]


def _endless(changes: dict[str, Any]) -> dict[str, Any]:
    return {**changes, "images": ENDLESS, "grid_every": NEVER, "checkpoint_every": NEVER}


def _show(facts: dict[str, Any], name: str, rounds: dict[str, Rounds], flops: float, least: float | None) -> None:
    mine = rates(rounds[name])
    figures: dict[str, Any] = {"images_per_second": spread_of(mine), "megaflops_an_image": round(flops / 1e6, 1)}
    figures["gigaflops_per_second"] = round(statistics.median(mine) * flops / 1e9, 1)
    if "product" in rounds:
        shares = [rate * flops / product for rate, product in zip(mine, rates(rounds["product"]), strict=True)]
        figures["product_gigaflops_per_second"] = spread_of([rate / 1e9 for rate in rates(rounds["product"])])
        figures["share_of_product_rate"] = spread_of(shares, 3)
    if "theirs" in rounds:
        theirs = rates(rounds["theirs"])
        figures["source_images_per_second"] = spread_of(theirs)
        figures["ratio"] = spread_of([a / b for a, b in zip(mine, theirs, strict=True)], 2)
        if least is not None:
            figures["target_min_ratio"] = least
    emit(f"train_{name}", **facts, **figures)


def rates(rounds: Rounds) -> list[float]:
    """Return the rate of every round."""
    return [answer["rate"] for answer in rounds]


def spread_of(values: Sequence[float], digits: int = 1) -> dict[str, Any]:
    """Return the median, and every round in the order in which it was measured."""
    return {"median": round(statistics.median(values), digits), "rounds": [round(value, digits) for value in values]}
