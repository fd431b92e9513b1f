"""Tables of the documentation are what the code says, and one that is not is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.docs import tables
from tools.docs.tree import Tree

ROOT = Path(__file__).resolve().parents[2]

GUIDE = """# Guide

<!-- table: letters -->
| letter |
| --- |
| a |
<!-- end of table -->

The end.
"""


@pytest.fixture
def guide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A document with one table, and code that says what stands in it."""
    monkeypatch.setitem(tables.TABLES, "letters", lambda: [["letter"], ["a"]])
    path = tmp_path / "guide.md"
    path.write_text(GUIDE)
    return path


def said(guide: Path) -> list[str]:
    return [str(problem) for problem in tables.check(Tree(guide.parent))]


def test_the_tables_of_this_checkout_are_what_the_code_says():
    assert [str(problem) for problem in tables.check(Tree(ROOT))] == []


def test_a_table_that_is_what_the_code_says_is_no_problem(guide):
    assert said(guide) == []


def test_a_table_that_is_older_than_the_code_is_told_and_written_anew(guide, monkeypatch):
    monkeypatch.setitem(tables.TABLES, "letters", lambda: [["letter"], ["a"], ["b"]])
    assert said(guide) == ["guide.md:3: the table letters is not what the code says: run make docs"]
    tables.write(Tree(guide.parent))
    assert guide.read_text() == GUIDE.replace("| a |\n", "| a |\n| b |\n")
    assert said(guide) == []


def test_a_place_for_a_table_may_be_empty_before_it_is_written(guide):
    guide.write_text(GUIDE.replace("| letter |\n| --- |\n| a |\n", ""))
    assert len(said(guide)) == 1
    tables.write(Tree(guide.parent))
    assert guide.read_text() == GUIDE


def test_a_table_that_nothing_makes_is_told(guide):
    guide.write_text(GUIDE.replace("letters", "numbers"))
    assert said(guide)[0].startswith("guide.md:3: there is no table numbers, but settings, ")


def test_a_table_without_an_end_is_told_and_nothing_is_overwritten(guide):
    text = GUIDE.replace("<!-- end of table -->\n", "")
    guide.write_text(text)
    assert said(guide) == ["guide.md:3: <!-- table: letters --> has no end"]
    tables.write(Tree(guide.parent))
    assert guide.read_text() == text
