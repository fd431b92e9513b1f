"""The guide's commands, run as they stand there, so that they never lie."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.exceptions import TyperException

from ganforge.cli.app import app
from ganforge.stack.home import Home
from tests.ganforge.conftest import Commands

GUIDE = Path("docs/guide")
FIRST_JOB = GUIDE / "first-job.md"
# A tiny job in place of the guide's, at the address of this service.
TINY = {"epochs=5": "images=512", '"epochs": 5': '"images": 512'}


def script(kind: str) -> str:
    """Return the commands that the page of the first job marks so."""
    found = re.findall(rf"<!-- run: {kind} -->\n\n((?:    .*\n|\n)+)", FIRST_JOB.read_text())
    assert found, kind
    text = re.sub(r"^    ", "", "".join(found), flags=re.MULTILINE)
    for theirs, ours in TINY.items():
        text = text.replace(theirs, ours)
    return text


def run_in(folder: Path, running: Commands, text: str) -> str:
    """Run commands as somebody does who has a checkout in this folder; return what they print."""
    (folder / ".ganforge").symlink_to(running.home)
    programs = folder / ".venv/bin"
    programs.mkdir(parents=True)
    (programs / "activate").write_text(f'PATH="{programs}:$PATH"\n')
    (programs / "ganforge").write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m ganforge "$@"\n')
    (programs / "ganforge").chmod(0o755)
    own = {name: value for name, value in os.environ.items() if not name.startswith("GANFORGE_")}
    result = subprocess.run(
        ["bash", "-e", "-c", text],
        cwd=folder,
        env={**own, "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_the_first_job_runs_from_the_command_line(running: Commands, tmp_path: Path) -> None:
    shown = run_in(tmp_path, running, script("command line"))
    assert "succeeded" in shown.splitlines()
    drawn = list((tmp_path / "digits").glob("*.png"))
    assert drawn
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in drawn)


def test_the_first_job_runs_with_curl(running: Commands, tmp_path: Path) -> None:
    stack = Home(running.home).read_stack()
    assert stack is not None
    shown = run_in(tmp_path, running, script("curl").replace("http://127.0.0.1:8000", str(stack["api"])))
    assert re.search(r"^(http\S+)?/v1/jobs/job_\S+$", shown, re.MULTILINE), shown
    assert '"to":"succeeded"' in shown.replace(" ", "")
    assert {"generator.safetensors", "discriminator.safetensors"} <= {file.name for file in tmp_path.iterdir()}


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
