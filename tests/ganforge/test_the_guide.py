"""The guide names commands, options and buttons that there are."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.exceptions import TyperException

from ganforge.cli.app import app

GUIDE = Path("docs/guide")
FIRST_JOB = GUIDE / "first-job.md"


def test_what_the_guide_names_in_the_browser_stands_on_the_pages() -> None:
    section = FIRST_JOB.read_text().partition("## In the browser")[2]
    pages = "".join(file.read_text() for file in Path("api/templates/dashboard").rglob("*.html"))
    named = re.findall(r"\*\*(.+?)\*\*", section)
    assert named
    assert [text for text in named if f'_("{text}")' not in pages] == []


def told() -> Iterator[tuple[str, str]]:
    """Yield every command of ganforge in the guide and the README, with where it stands."""
    for file in [Path("README.md"), *sorted(GUIDE.glob("*.md"))]:
        text = re.sub(r"\\\n\s*", " ", file.read_text())
        for line in re.findall(r"^ {4}(?:\S*/)?ganforge (.*)$", text, re.MULTILINE) + re.findall(
            r"`ganforge ([^`]+)`", text
        ):
            command = " ".join(line.split(" | ")[0].split())
            # Options of the program itself act at once: one of them changes the files of the shell.
            if not command.startswith(("-", "COMMAND")):
                yield file.name, command


@pytest.mark.parametrize(("where", "line"), list(told()))
def test_every_command_of_the_guide_exists_with_its_options(where: str, line: str) -> None:
    words = shlex.split(line, comments=True)
    command = typer.main.get_command(app)
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    assert command.name is not None, where
    try:
        # Without words it names a command, whose arguments stand elsewhere.
        command.make_context(command.name, words, resilient_parsing=not words)
    except TyperException as error:
        # An example's folder is not there.
        assert "does not exist" in error.format_message(), (where, line, error.format_message())
