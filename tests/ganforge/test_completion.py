"""What a shell offers behind Tab, asked as the shells ask: by variables of the environment."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ganforge.cli import main
from tests.ganforge.conftest import Commands


def _offered(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    monkeypatch.setenv("_GANFORGE_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", " ".join(["ganforge", *words]))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    assert main([]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    return shown.out.split()


def test_ids_recipes_data_sets_and_states_are_offered(
    running: Commands, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GANFORGE_HOME", str(running.home))
    with running.client() as client:
        job = client.train("mlp_gan", "mnist-10k", queue="jetson", name="to complete", project="completed")
        assert {job["id"], "last"} <= set(_offered(monkeypatch, capsys, "watch", ""))
        assert _offered(monkeypatch, capsys, "watch", job["id"][:-2]) == [job["id"]]
        assert _offered(monkeypatch, capsys, "jobs", "--project", "comp") == ["completed"]
        link = client.share(job["id"])["id"]
        assert {"all", link} <= set(_offered(monkeypatch, capsys, "share", job["id"], "--revoke", ""))
        client.cancel(job["id"])
    assert _offered(monkeypatch, capsys, "train", "comp") == ["compact"]
    assert "mnist-10k" in _offered(monkeypatch, capsys, "train", "compact", "--dataset", "mn")
    assert _offered(monkeypatch, capsys, "jobs", "--state", "f") == ["failed"]
    assert _offered(monkeypatch, capsys, "queues", "pause", "c") == ["cpu"]
    assert _offered(monkeypatch, capsys, "work") == ["workers"]


def test_a_service_that_does_not_answer_offers_nothing_and_soon(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("GANFORGE_HOME", str(tmp_path))
    assert _offered(monkeypatch, capsys, "watch", "") == []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("GANFORGE_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("GANFORGE_API_KEY", "gf_x")
        begin = time.monotonic()
        assert _offered(monkeypatch, capsys, "watch", "") == []
        assert time.monotonic() - begin < 10


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], shell: str
) -> None:
    monkeypatch.setenv("_GANFORGE_COMPLETE", f"source_{shell}")
    assert main([]) == 0
    assert f"complete_{shell}" in capsys.readouterr().out


def test_bash_completes_a_command(tmp_path: Path) -> None:
    """In a real shell, with the function that its script defines."""
    program = tmp_path / "ganforge"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m ganforge "$@"\n')
    program.chmod(0o755)
    script = (
        'eval "$(_GANFORGE_COMPLETE=source_bash ganforge)"; COMP_WORDS=(ganforge jobs --state su); COMP_CWORD=3; '
        '_ganforge_completion ganforge; echo "${COMPREPLY[@]}"'
    )
    result = subprocess.run(
        ["bash", "--norc", "-c", script],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout == "succeeded\n", result.stderr
