"""A packer opens the archive that it was given, its own folder and Python: no other file, and no connection."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from packing import landlock
from tests.api.uploads.archives import picture, pictures, zipped
from tests.packing.test_importer import ROOT, run
from tests.packing.trees import HEIC, laid_out

# What a stranger's file could make the packer do, if it took over: all of it in the place of an import.
TAKEN_OVER = """
import os, socket, subprocess, sys
from pathlib import Path
import packing.__main__ as main

def tries(order, *_):
    beside = order.archive.with_name("beside")
    def tried(what):
        try:
            what()
        except OSError as error:
            return type(error).__name__
        return "done"
    return {"tries": {
        "read the archive": tried(order.archive.read_bytes),
        "write into its folder": tried(order.out.with_name("more").touch),
        "import": tried(lambda: __import__("sqlite3")),
        "read a file beside the archive": tried(beside.read_bytes),
        "read the checkout": tried((Path(main.__file__).parents[1] / "pyproject.toml").read_bytes),
        "list the folder above": tried(lambda: os.listdir(order.archive.parent)),
        "write a file beside the archive": tried(order.archive.with_name("new").touch),
        "change the archive": tried(lambda: order.archive.open("r+b")),
        "remove a file beside the archive": tried(beside.unlink),
        "read the password file": tried(Path("/etc/passwd").read_bytes),
        "read the environment of its parent": tried(Path(f"/proc/{os.getppid()}/environ").read_bytes),
        "start a program": tried(lambda: subprocess.run(["/bin/true"])),
        "connect": tried(lambda: socket.create_connection(("127.0.0.1", PORT), 5)),
    }}

main.import_archive = tries
sys.exit(main.main())
"""


@pytest.fixture
def version() -> int:
    """Return the version of Landlock that the kernel has, found out by a process that confines itself."""
    script = "from pathlib import Path; from packing.landlock import confine; print(confine([], Path('/tmp')))"
    found = int(subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True).stdout)
    if not found:
        pytest.skip("the kernel has no Landlock")
    return found


def taken_over(folder: Path, port: int) -> dict[str, Any]:
    """Run a packer that does what it should not; return what came of it."""
    laid_out(folder, {"spool/a.zip": zipped(pictures(16)), "spool/beside": b"secret", "own/": b""})
    order = {
        "archive": str(folder / "spool/a.zip"),
        "out": str(folder / "own/out"),
        "preview": str(folder / "own/p"),
    }
    with subprocess.Popen(
        [sys.executable, "-c", TAKEN_OVER.replace("PORT", str(port))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({**order, "size": None, "skip_damaged": False}) + "\n")
        process.stdin.flush()
        told = json.loads(process.stdout.read().splitlines()[-1])
    return dict(told["tries"])


def test_a_packer_cannot_read_a_file_beside_its_archive_nor_do_anything_else(tmp_path: Path, version: int):
    with socket.create_server(("127.0.0.1", 0)) as server:
        tries = taken_over(tmp_path, server.getsockname()[1])
    allowed = {"read the archive", "write into its folder", "import"} | ({"connect"} if version < 4 else set())
    assert tries == {what: "done" if what in allowed else "PermissionError" for what in tries}
    assert len(tries) == 13


def test_a_confined_packer_still_reads_every_format(tmp_path: Path, version: int):
    kinds = {f"{kind}": picture(kind=kind) for kind in ("PNG", "JPEG", "WEBP", "BMP", "AVIF")}
    (tmp_path / "a.zip").write_bytes(zipped({**pictures(16), **kinds, "x.heic": HEIC}))
    told, _ = run(tmp_path / "a.zip")
    assert (told["type"], told["images"]) == ("done", 22)


def test_links_of_a_data_set_on_this_machine_are_followed(tmp_path: Path):
    laid_out(tmp_path, {"real/a.png": b"", "far/deep/b.png": b"", "set/c.png": b"", "set/more/d.png": b""})
    (tmp_path / "linked").symlink_to(tmp_path / "set")
    (tmp_path / "set/a.png").symlink_to(tmp_path / "real/a.png")
    (tmp_path / "set/more/deep").symlink_to(tmp_path / "far/deep")
    (tmp_path / "set/gone").symlink_to(tmp_path / "nowhere/at/all")
    for circle in ("set/round", "set/more/round"):
        (tmp_path / circle).symlink_to("round")
    found = landlock.with_links(tmp_path / "linked")
    assert {str(path.relative_to(tmp_path)) for path in found} == {"set", "set/more", "real", "far/deep", "nowhere/at"}
