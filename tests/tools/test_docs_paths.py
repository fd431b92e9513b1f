"""Dead links and dead paths are found, each with its file and line; the documentation of this checkout has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.docs.paths import check
from tools.docs.tree import Tree

ROOT = Path(__file__).resolve().parents[2]

GUIDE = """# Guide

How a job is claimed stands in `stores/jobs/claim.py` ([the queue](docs/queue.md#who-is-first)).
"""
QUEUE = """# The queue

## Who is first?

See [the guide](../README.md).

## Who is first?
"""


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A small checkout without a problem."""
    files = {
        "README.md": GUIDE,
        "docs/queue.md": QUEUE,
        "docs/decisions/0001-rows.md": "# Rows\n",
        "stores/jobs/claim.py": "def claim():\n    pass\n",
        "worker/health.py": "",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Tree(tmp_path)


def said(tree: Tree) -> list[str]:
    return [str(problem) for problem in check(tree)]


def write(tree: Tree, text: str, name: str = "docs/queue.md") -> Tree:
    """Add to a file; return the tree as it is then."""
    path = tree.root / name
    path.write_text((path.read_text() if path.exists() else "") + text)
    return Tree(tree.root)


def test_the_documentation_of_this_checkout_has_no_dead_link_and_no_dead_path():
    assert said(Tree(ROOT)) == []


def test_what_exists_is_no_problem(tree):
    fine = (
        "\n`claim.py`, `jobs/claim.py`, `stores/jobs/`, `stores/jobs/claim.py: claim`"
        "\n`python -m worker.health sweeper`"
        "\n[twice](#who-is-first-1), [abroad](https://example.org/a.md), `[example](gone.md)`, `stores/NAME.py`\n"
        "\n    python -m worker.health; cat stores/jobs/claim.py https://example.org/stores/gone /app/stores/gone\n"
        "\n```\n[not a link](gone.md) `gone.py`\n# not a heading\n```\n"
    )
    assert said(write(tree, fine)) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[a](gone.md)", "the link gone.md leads nowhere: there is no docs/gone.md"),
        ("[a](../README.md#gone)", "the link ../README.md#gone leads nowhere: README.md has no heading #gone"),
        ("![a](pictures/gone.png)", "the link pictures/gone.png leads nowhere: there is no docs/pictures/gone.png"),
        ("[a](#who-is-last)", "the link #who-is-last leads nowhere: docs/queue.md has no heading #who-is-last"),
        ("`stores/claim.py`", "`stores/claim.py`: there is no such file or folder"),
        ("`stores/gone/`", "`stores/gone/`: there is no such file or folder"),
        ("`gone.js`", "`gone.js`: there is no such file or folder"),
        (
            "`stores/jobs/claim.py: finish`",
            "`stores/jobs/claim.py: finish`: stores/jobs/claim.py does not define finish",
        ),
        ("`python -m worker.gone`", "`python -m worker.gone`: there is no such module"),
    ],
)
def test_what_does_not_exist_is_told_with_its_line(tree, text, problem):
    assert said(write(tree, f"\n\nOne line\nand {text} in the next.\n")) == [f"docs/queue.md:11: {problem}"]


def test_a_command_with_a_dead_path_is_told(tree):
    (problem,) = said(write(tree, "\n    pytest stores/gone.py\n"))
    assert problem == "docs/queue.md:9: there is no stores/gone.py"


def test_code_that_cites_a_document_that_is_gone_is_told(tree):
    write(
        tree,
        '"""Why: docs/decisions/0001, docs/queue.md."""\n# docs/gone.md, docs/decisions/0002\n',
        "worker/health.py",
    )
    assert said(Tree(tree.root)) == [
        "worker/health.py:2: there is no docs/gone.md",
        "worker/health.py:2: there is no docs/decisions/0002",
    ]


def test_a_changelog_may_name_what_is_gone(tree):
    assert said(write(tree, "`stores/gone.py`\n", "CHANGELOG.md")) == []
