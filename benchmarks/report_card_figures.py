"""The report cards of recipes in their file, and the table of the documentation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict, cast

from benchmarks.figure_files import short, write_whole

_GROUPS = ("fidelity", "diversity", "copying")


class CardLine(TypedDict):
    """The report card of a recipe after some minutes."""

    recipe: str
    minutes: int
    threads: int
    verdicts: list[str]
    summary: str
    fidelity: dict[str, float]
    diversity: dict[str, Any]
    copying: dict[str, float | None]


class Cards(TypedDict):
    """The file."""

    dataset: str
    extractor: dict[str, Any]
    count: int
    cards: list[CardLine]


def line(recipe: str, minutes: int, threads: int, result: Mapping[str, Any]) -> CardLine:
    """Put a line together, from the result of an evaluation."""
    figures = {
        group: {name: round(value, 4) if isinstance(value, float) else value for name, value in result[group].items()}
        for group in _GROUPS
    }
    found = {"recipe": recipe, "minutes": minutes, "threads": threads}
    return cast("CardLine", {**found, "verdicts": result["verdicts"], "summary": result["summary"], **figures})


def read(path: Path) -> Cards:
    """Return the cards of a file."""
    found: Cards = json.loads(path.read_text(encoding="utf-8"))
    return found


def write(path: Path, found: Cards) -> None:
    """Write the file, whole or not at all: a card a line."""
    cards = ",\n".join(f"  {json.dumps(card)}" for card in found["cards"])
    head = json.dumps({name: value for name, value in found.items() if name != "cards"})
    write_whole(path, f'{head[:-1]}, "cards": [\n{cards}\n]}}\n')


def rows(found: Cards) -> list[tuple[str, ...]]:
    """Return the table: a line for each recipe and number of minutes."""
    lines: list[tuple[str, ...]] = [
        ("recipe", "minutes", "fd_ratio", "KID", "precision", "recall", "coverage", "KL", "copies", "the card says")
    ]
    for card in found["cards"]:
        fidelity, diversity = card["fidelity"], card["diversity"]
        shares = (fidelity["precision"], diversity["recall"], diversity["coverage"])
        lines.append(
            (
                f"`{card['recipe']}`",
                str(card["minutes"]),
                short(fidelity["fd_ratio"]),
                short(fidelity["kid"]),
                *(f"{100 * share:.0f} %" for share in shares),
                "" if diversity["kl"] is None else f"{diversity['kl']:.2f}",
                f"{100 * (card['copying']['duplicates'] or 0):.1f} %",
                card["summary"],
            )
        )
    return lines
