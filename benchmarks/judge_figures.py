"""The lines of `make bench-judge`: one for each planted set, extractor, seed and size, and the table of all."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, cast

from benchmarks.figure_files import short, write_whole

if TYPE_CHECKING:
    from benchmarks.planted import Planted
    from trainers.judging.card import Card

# The size of which verdicts and figures are shown.
_USUAL = 2000
RIGHT, WRONG, SHOWN = "right", "WRONG", "shown"


class Line(TypedDict):
    """A report card of a planted set."""

    name: str
    planted: list[str] | None
    features: str
    seed: int
    size: int
    verdicts: list[str]
    said: str
    figures: dict[str, float | None]
    reasons: dict[str, list[float]]  # code: value and limit
    seconds: float  # of a processor, features and looks not included


class Group(TypedDict):
    """What was said of a planted set with one extractor: figures and verdicts of sets of the usual size."""

    name: str
    planted: list[str] | None
    features: str
    sets: dict[int, int]  # size: how many seeds
    right: dict[int, int]
    verdicts: dict[str, int]
    figures: dict[str, float | None]  # medians over the seeds


def line(planted: Planted, card: Card, said: str, features: str, seed: int, seconds: float) -> Line:
    """Put a line together."""
    fidelity, diversity, copied = card.fidelity, card.diversity, card.copying
    names = ("recall", "coverage", "kl")
    figures = {
        **{name: fidelity[name] for name in ("fd_ratio", "kid", "precision", "density")},
        **{name: cast("float | None", diversity[name]) for name in names},
        **{name: copied[name] for name in ("auth_pct", "c_t", "duplicates")},
    }
    return {
        "name": planted.name,
        "planted": None if planted.verdicts is None else list(planted.verdicts),
        "features": features,
        "seed": seed,
        "size": card.count,
        "verdicts": card.verdicts,
        "said": said,
        "figures": {name: None if value is None else float(f"{value:.4g}") for name, value in figures.items()},
        "reasons": {reason.message.code: [round(reason.value, 4), round(reason.limit, 4)] for reason in card.reasons},
        "seconds": round(seconds, 2),
    }


def printed(one: Line) -> str:
    """Return a line for people."""
    figures = " ".join(f"{name} {short(value):>7}" for name, value in one["figures"].items())
    reasons = " ".join(f"[{code} {value:.3f}, limit {limit:.3f}]" for code, (value, limit) in one["reasons"].items())
    return (
        f"{one['said']:5} {one['features']:7} seed {one['seed']} {one['size']:5} {one['name']:42}"
        f" {_verdicts(one['verdicts']):30} {figures} {reasons}"
    )


def write(path: Path, lines: Sequence[Line] | Sequence[Group]) -> None:
    """Write a list, whole or not at all: an entry a line."""
    write_whole(path, "[\n" + ",\n".join(map(json.dumps, lines)) + "\n]\n")


def read(path: Path) -> list[Group]:
    """Return the groups of a file."""
    groups: list[Group] = json.loads(path.read_text(encoding="utf-8"))
    return groups


def groups(lines: Sequence[Line]) -> list[Group]:
    """Put together the lines of each set and extractor."""
    found: dict[tuple[str, str], list[Line]] = {}
    for one in lines:
        found.setdefault((one["name"], one["features"]), []).append(one)
    return [_group(of_group) for of_group in found.values()]


def _group(lines: Sequence[Line]) -> Group:
    sizes = sorted({one["size"] for one in lines})
    usual = max((size for size in sizes if size <= _USUAL), default=sizes[0])
    shown = [one for one in lines if one["size"] == usual]
    return {
        "name": lines[0]["name"],
        "planted": lines[0]["planted"],
        "features": lines[0]["features"],
        "sets": {size: sum(one["size"] == size for one in lines) for size in sizes},
        "right": {size: sum(one["size"] == size and one["said"] == RIGHT for one in lines) for size in sizes},
        "verdicts": dict(Counter(_verdicts(one["verdicts"]) for one in shown).most_common()),
        "figures": {name: _median([one["figures"][name] for one in shown]) for name in shown[0]["figures"]},
    }


def rows(found: Sequence[Group]) -> list[list[str]]:
    """Return the table: for each set and extractor the verdict, how many are right at each size, and the figures."""
    if not found:
        return []
    # JSON has names of sizes, not numbers.
    sizes = sorted({int(size) for group in found for size in group["sets"]})
    names = list(found[0]["figures"])
    lines = [["set", "features", "verdict", *(f"{size:,}" for size in sizes), *names]]
    for group in found:
        right = ["" if group["planted"] is None else _right(group, size) for size in sizes]
        figures = [short(value) for value in group["figures"].values()]
        lines.append([group["name"], group["features"], " or ".join(group["verdicts"]), *right, *figures])
    return lines


def _right(group: Group, size: int) -> str:
    sets, right = ({int(key): value for key, value in group[name].items()} for name in ("sets", "right"))
    return f"{right[size]}/{sets[size]}" if size in sets else ""


def table(found: Sequence[Group]) -> str:
    """Return the table as Markdown."""
    lines = rows(found)
    if lines:
        lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _median(values: Sequence[float | None]) -> float | None:
    known = sorted(value for value in values if value is not None)
    return known[len(known) // 2] if known else None


def _verdicts(codes: Sequence[str]) -> str:
    return ", ".join(codes) or "healthy"
