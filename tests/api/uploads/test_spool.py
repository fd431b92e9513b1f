"""Folders of uploads that several processes make and clear up at the same time."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from api.uploads.ledger import LOCK, Limits
from api.uploads.spool import Spool
from models.files import take_over
from tests.api.server import ROOT
from tests.api.uploads.test_room_on_the_disk import HOLDER
from tests.waiting import until

LIMITS = Limits(uploads=16, of_an_owner=16, reserve=0)


@pytest.fixture
def halted(tmp_path: Path) -> subprocess.Popen[bytes]:
    """Return a process that stands still between making the folder of an upload and locking it."""
    points = tmp_path / "points"
    points.mkdir()
    (points / "spooling").touch()
    facts = [str(tmp_path), "alice", "1", *map(str, vars(LIMITS).values())]
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, *facts],
        cwd=ROOT,
        env={**os.environ, "GANFORGE_HALT_AT": str(points)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED, 60, "the stop")
    return process


def test_a_folder_that_another_process_is_making_is_not_swept(tmp_path: Path, halted: subprocess.Popen[bytes]) -> None:
    spool = Spool(tmp_path, LIMITS)
    (made,) = (tmp_path / "uploads").iterdir()
    assert list(spool.abandoned()) == []
    assert made.is_dir()
    halted.send_signal(signal.SIGCONT)
    assert halted.stdout is not None
    folder = Path(halted.stdout.readline().decode().strip())
    assert list(spool.abandoned()) == []
    assert folder.is_dir()
    halted.communicate(timeout=60)
    assert halted.returncode == 0
    assert not list((tmp_path / "uploads").iterdir())


def test_a_folder_whose_process_died_while_making_it_is_swept(tmp_path: Path, halted: subprocess.Popen[bytes]) -> None:
    halted.kill()
    halted.communicate(timeout=60)
    assert list((tmp_path / "uploads").iterdir())
    assert list(Spool(tmp_path, LIMITS).abandoned()) == []
    assert not list((tmp_path / "uploads").iterdir())


def test_a_process_that_dies_while_it_removes_a_folder_has_removed_the_large_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(folder: Path, **_how: bool) -> None:
        (folder / LOCK).unlink()
        raise KeyboardInterrupt

    spool = Spool(tmp_path, LIMITS)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt), spool.folder() as folder:
        (folder / "upload-large").write_bytes(bytes(1000))
        patched.setattr(shutil, "rmtree", dies)
    assert not list(folder.iterdir())


def test_taking_over_a_folder_that_has_gone_does_not_bring_it_back(tmp_path: Path) -> None:
    with take_over(tmp_path / "gone" / LOCK) as held:
        assert not held
    assert not (tmp_path / "gone").exists()
    with Spool(tmp_path, LIMITS).folder() as folder, take_over(folder / LOCK) as held:
        assert not held
    (tmp_path / LOCK).touch()
    with take_over(tmp_path / LOCK) as held, take_over(tmp_path / LOCK) as held_twice:
        assert (held, held_twice) == (True, False)
