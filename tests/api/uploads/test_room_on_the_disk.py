"""The disk's reserve, and what uploads promise to write: refused in time, so that nothing else finds the disk full."""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask

from api.http.problems import ProblemError
from api.uploads.ledger import Limits
from api.uploads.packer import PackOrder, pack
from api.uploads.spool import Spool
from ganforge.stack.ports import free_port
from models.disk import LEAST_RESERVE, Disk, look_as_cache, look_at_disk
from models.states import Role
from stores.container import Stores
from stores.infra.settings import Settings
from tests.api.conftest import Person, Upload
from tests.api.server import ROOT, Server
from tests.api.uploads.archives import pictures, zipped
from tests.api.uploads.begun import begin
from tests.waiting import until

MB = 1_000_000
KEPT = 100 * MB
LIMITS = Limits(uploads=16, of_an_owner=16, reserve=KEPT)

# Another process that has an upload under way, until its input closes or it is killed.
HOLDER = """
import sys
from pathlib import Path
from api.uploads.ledger import Limits
from api.uploads.packer import PackOrder, pack
from api.uploads.spool import Spool
home, owner, promised, *limits = sys.argv[1:]
with Spool(Path(home), Limits(*map(int, limits))).upload(owner, int(promised)) as upload:
    print(upload.path, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a home on a disk of 500 MB. Only root can make one."""
    home = tmp_path / "home"
    home.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={500 * MB}", "tmpfs", str(home)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small disk needs the right to mount one")
    yield home
    subprocess.run(["umount", "--lazy", str(home)], check=True)


@contextmanager
def another_process(
    home: Path, owner: str, promised: int, limits: Limits = LIMITS
) -> Iterator[subprocess.Popen[bytes]]:
    """Let another process hold an upload."""
    facts = [str(home), owner, str(promised), *map(str, vars(limits).values())]
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, *facts], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline(), "it was refused"
        yield process
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(60)


@pytest.mark.parametrize(
    ("total", "used", "free", "reserve"),
    [
        (8, 4, 4, 2),
        (100, 30, 70, 10),
        # 150 GiB of this disk are kept for others: they count for nothing.
        (250, 44, 56, 10),
        (2000, 1900, 100, 16),
    ],
)
def test_the_reserve_is_a_tenth_of_what_the_user_may_fill_from_2_to_16_gib(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, total: int, used: int, free: int, reserve: int
) -> None:
    usage_type = type(shutil.disk_usage(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage_type(total << 30, used << 30, free << 30))
    assert look_at_disk(tmp_path, None) == Disk(free=free << 30, reserve=reserve << 30)
    assert look_at_disk(tmp_path, None).spare == (free - reserve) << 30


def test_a_setting_or_a_cache_has_another_reserve(tmp_path: Path) -> None:
    assert look_at_disk(tmp_path, 5).reserve == look_as_cache(tmp_path, 5).reserve == 5
    assert look_as_cache(tmp_path, None).reserve == LEAST_RESERVE == 2 << 30


@pytest.fixture
def reserve_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reserve more than any disk has; the application is made after this."""
    monkeypatch.setenv("GANFORGE_DISK_RESERVE_BYTES", str(1 << 62))


def test_an_upload_that_would_use_the_reserve_is_refused_with_the_remedy(
    reserve_reached: None, alice: Person, upload: Upload, nothing_left: Any
) -> None:
    answer = upload(alice, zipped(pictures(16)))
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "60"
    assert "no room on its disk" in answer.json["detail"]
    assert "GANFORGE_DISK_RESERVE_BYTES" in answer.json["detail"]
    assert nothing_left()
    assert alice.get("/v1/datasets").status_code == 200


def test_no_preview_is_made_from_the_reserve(reserve_reached: None, app: Flask, stores: Stores) -> None:
    assert app.extensions["ganforge"].looks.make() == 0
    assert stores.datasets.previews.lacking()


@pytest.mark.parametrize(("reserve", "kept_free"), [(0, 1 << 62), (1 << 62, 0)])
def test_a_packer_ends_where_the_reserve_begins(tmp_path: Path, reserve: int, kept_free: int) -> None:
    archive = tmp_path / "archive.zip"
    # More than it writes between two looks at the disk.
    archive.write_bytes(zipped(pictures(16)))
    order = PackOrder(archive, 1024, skip_damaged=False, reserve=reserve, kept_free=kept_free)
    with pytest.raises(ProblemError, match="no room on its disk"):
        pack(tmp_path, order, lambda: False)
    assert not (tmp_path / "packed.safetensors").exists()


def test_promises_of_all_processes_are_counted_together(small_disk: Path) -> None:
    here = Spool(small_disk, LIMITS)
    with another_process(small_disk, "alice", 250 * MB):
        with pytest.raises(ProblemError, match="250 MB of them promised"), here.upload("bob", 200 * MB):
            pass
        with here.upload("bob", 100 * MB), pytest.raises(ProblemError, match="350 MB"), here.upload("eve", 100 * MB):
            pass
        with here.upload("bob", 110 * MB):
            pass


def test_one_owner_leaves_room_to_others(small_disk: Path) -> None:
    here = Spool(small_disk, LIMITS)
    with (
        pytest.raises(ProblemError, match=r"take 310 MB .* may take 300 MB of the 400 MB"),
        here.upload("al", 310 * MB),
    ):
        pass
    with here.upload("al", 140 * MB), here.upload("al", None) as second, here.upload("bob", 60 * MB):
        # Of the 340 MB beside bob's promise, 255 may be al's.
        with pytest.raises(ProblemError, match="take 260 MB"), here.upload("al", 120 * MB):
            pass
        file = second.file()
        for _ in range(80):
            file.write(bytes(MB))
        with pytest.raises(ProblemError, match="may take 255 MB"):
            for _ in range(40):
                file.write(bytes(MB))
        file.close()
        with here.upload("bob", 40 * MB):
            pass


def test_the_promise_of_a_dead_process_is_released(small_disk: Path) -> None:
    here = Spool(small_disk, LIMITS)
    with another_process(small_disk, "alice", 300 * MB) as process:
        with pytest.raises(ProblemError), here.upload("bob", 200 * MB):
            pass
        process.kill()
        process.wait(60)
        with here.upload("bob", 290 * MB):
            pass


def test_what_an_upload_has_written_counts_once(small_disk: Path) -> None:
    here = Spool(small_disk, LIMITS)
    with here.upload("alice", 200 * MB) as first:
        file = first.file()
        for _ in range(100):
            file.write(bytes(MB))
        # 300 MB are free beyond the reserve, of which the first still needs 100.
        with here.upload("bob", 140 * MB):
            pass
        with pytest.raises(ProblemError, match="100 MB of them promised"), here.upload("bob", 210 * MB):
            pass
        file.close()


def test_uploads_of_unknown_length_end_at_the_reserve(small_disk: Path) -> None:
    here = Spool(small_disk, LIMITS)
    with ExitStack() as opened:
        files = [opened.enter_context(here.upload(f"owner {number}", None)).file() for number in range(8)]
        with pytest.raises(ProblemError, match=r"no room on its disk|free for uploads"):
            for _ in range(500):
                for file in files:
                    file.write(bytes(MB))
        assert shutil.disk_usage(small_disk).free >= KEPT
        for file in files:
            file.close()
    assert {path.name for path in small_disk.iterdir()} == {"uploads", "uploads.lock"}
    assert not list((small_disk / "uploads").iterdir())


def test_what_other_programs_write_ends_an_upload_too(small_disk: Path) -> None:
    with Spool(small_disk, LIMITS).upload("alice", 200 * MB) as upload:
        file = upload.file()
        for _ in range(50):
            file.write(bytes(MB))
        (small_disk / "log of the database").write_bytes(bytes(380 * MB))
        with pytest.raises(ProblemError, match="no room on its disk"):
            for _ in range(10):
                file.write(bytes(MB))
        file.close()


def test_an_owner_has_a_few_uploads_at_once_in_all_processes(settings: Settings) -> None:
    limits = Limits(uploads=4, of_an_owner=2, reserve=0)
    here = Spool(settings.home, limits)
    with another_process(settings.home, "alice", 1, limits), here.upload("alice", 1), ExitStack() as others:
        with pytest.raises(ProblemError, match="2 of your uploads are in progress"), here.upload("alice", 1):
            pass
        others.enter_context(here.upload("bob", 1))
        others.enter_context(here.upload("eve", 1))
        with pytest.raises(ProblemError, match="4 uploads are in progress"), here.upload("mallory", 1):
            pass
    with here.upload("alice", 1), here.upload("alice", 1):
        pass


@pytest.mark.slow
def test_many_large_uploads_leave_the_reserve_and_everybody_else_in_peace(
    small_disk: Path, service_environment: dict[str, str], settings: Settings, stores: Stores, tmp_path: Path
) -> None:
    environment = {
        **service_environment,
        "GANFORGE_HOME": str(small_disk),
        "GANFORGE_DISK_RESERVE_BYTES": str(KEPT),
        "GANFORGE_MAX_OWNER_UPLOADS": "16",
    }
    server = Server(environment, free_port(), tmp_path / "server.log")
    server.start()
    _, key = stores.accounts.keys.create("alice's", "alice", Role.user)
    answers: list[bytes] = []
    least: list[int] = []
    with ExitStack() as opened:
        opened.callback(server.stop, signal.SIGTERM)
        connections = [opened.enter_context(begin(server, key, 140 * MB)) for _ in range(16)]
        # Two fit beside the reserve.
        until(lambda: len(select.select(connections, [], [], 0)[0]) == 14, 60, "the refusals")

        def send(connection: socket.socket) -> None:
            piece = bytes(MB)
            for _ in range(139):
                if select.select([connection], [], [], 0)[0]:
                    break  # it is refused
                connection.sendall(piece)
                least.append(shutil.disk_usage(small_disk).free)
            connection.shutdown(socket.SHUT_WR)
            answers.append(connection.recv(12))

        threads = [threading.Thread(target=send, args=(connection,)) for connection in connections]
        for thread in threads:
            thread.start()
        headers = {"Authorization": f"Bearer {key}"}
        assert httpx.get(f"{server.url}/v1/datasets", headers=headers, timeout=60).status_code == 200
        for thread in threads:
            thread.join(60)
    # The two break off before their end.
    assert sorted(answers) == [b"HTTP/1.1 400"] * 2 + [b"HTTP/1.1 503"] * 14
    assert min(least) >= KEPT
