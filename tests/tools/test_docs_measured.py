"""What the pages tell of the best recipes is what was measured."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from models.measured_quality import BEST_ON_DIGITS
from models.recipes import RECIPES
from tools.docs import measured
from tools.docs.tree import Tree

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The figures and the module, beside nothing else."""
    for name in (measured.FIGURES, measured.MODULE):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def said(root: Path) -> list[str]:
    return [str(problem) for problem in measured.check(Tree(root))]


def test_the_module_of_this_checkout_says_what_was_measured():
    assert said(ROOT) == []
    assert BEST_ON_DIGITS
    assert all(best.recipe in RECIPES for best in BEST_ON_DIGITS)


def test_a_module_that_is_older_than_the_figures_is_told_and_written_anew(copy):
    path = copy / measured.FIGURES
    figures = json.loads(path.read_text())
    for point in figures["recipes"]["wgan"]["points"]:
        point["frechet_ratio"] = 0.5
    path.write_text(json.dumps(figures))
    assert said(copy) == [f"{measured.MODULE}:1: this is not what {measured.FIGURES} says: run make docs"]
    measured.write(Tree(copy))
    assert said(copy) == []
    assert 'Best(1, "wgan"),' in (copy / measured.MODULE).read_text()
