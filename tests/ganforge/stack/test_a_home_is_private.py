"""What the local stack keeps is for its user alone, whatever the umask, and whatever an earlier version left open."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from tests.ganforge.conftest import Commands
from tests.waiting import until


def readable_by_others(home: Path) -> Iterator[str]:
    """Yield files and folders that other users could open, if the folders above let them."""
    for folder, _, files in os.walk(home):
        for path in (Path(folder), *(Path(folder) / file for file in files)):
            try:
                mode = path.lstat().st_mode
            except FileNotFoundError:
                continue
            if not stat.S_ISLNK(mode) and mode & 0o077:
                yield f"{path.relative_to(home)} {stat.filemode(mode)}"


def test_no_other_user_can_open_what_a_stack_has_written(ganforge: Commands) -> None:
    logs, cache = ganforge.home / "logs", ganforge.home / "cache" / "datasets"
    umask = os.umask(0)
    try:
        for folder in (logs, cache):
            folder.mkdir(parents=True)
        for file in (logs / "api.log", cache / "left"):
            file.write_text("from before\n")
        ganforge.up()
    finally:
        os.umask(umask)
    with ganforge.client() as client:
        job = client.train("mlp_gan", "mnist-10k", params={"epochs": 1, "width": 8})
        until(lambda: client.job(job["id"])["state"] == "succeeded", 90, "the job's end")
    assert (ganforge.home / "logs" / "worker-cpu.log").stat().st_size
    assert any((ganforge.home / "s3").rglob("*"))
    assert list(readable_by_others(ganforge.home)) == []
