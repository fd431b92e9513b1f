"""What `make bench-quality` and report cards measured: tables of the documentation, and the module that pages read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks import judge_figures, quality_figures, report_card_figures
from benchmarks.quality_figures import Figures
from tools.docs.catalog import Rows
from tools.docs.paths import Problem
from tools.docs.tree import Tree

FIGURES = "docs/pictures/quality-mnist-10k.json"
CARDS = "docs/pictures/report-cards-mnist-10k.json"
PLANTED = "docs/pictures/judge-mnist-10k.json"
MODULE = "models/measured_quality.py"
_ROOT = Path(__file__).parents[2]
# What the form for a new job tells, as far as it was measured.
_MINUTES = (1, 5, 20)


def rows() -> Rows:
    """Return the table of the figures."""
    return [*quality_figures.rows(quality_figures.read(_ROOT / FIGURES))]


def cards() -> Rows:
    """Return the table of the recipes' report cards."""
    return [*report_card_figures.rows(report_card_figures.read(_ROOT / CARDS))]


def planted_sets() -> Rows:
    """Return the table of the judge's verdicts on planted sets."""
    return [*judge_figures.rows(judge_figures.read(_ROOT / PLANTED))]


def check(tree: Tree) -> Iterator[Problem]:
    """Yield a problem if the module does not say what was measured."""
    if _module(tree) != tree.text(MODULE):
        yield Problem(MODULE, 1, f"this is not what {FIGURES} says: run make docs")


def write(tree: Tree) -> None:
    """Write the module."""
    (tree.root / MODULE).write_text(_module(tree), encoding="utf-8")


def _module(tree: Tree) -> str:
    """Return the module as it should be: all but its values stay as they are."""
    figures = quality_figures.read(tree.root / FIGURES)
    head, _, _ = tree.text(MODULE).partition("CORES = ")
    return f"{head}CORES = {figures['settings']['threads']}\n{_best(figures)}"


def _best(figures: Figures) -> str:
    found = [(minutes, quality_figures.best(figures, minutes)) for minutes in _MINUTES]
    values = [f'Best({minutes}, "{recipe}"),' for minutes, recipe in found if recipe is not None]
    # As the formatter has it: a tuple of one value stands on one line.
    inside = "".join(f"\n    {value}" for value in values) + "\n" if len(values) > 1 else "".join(values)
    return f"BEST_ON_DIGITS: tuple[Best, ...] = ({inside})\n"
