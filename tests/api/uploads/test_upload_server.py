"""Uploads to the server as it is run in earnest: large bodies, many at once, and people who leave in the middle."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from PIL import Image

from ganforge.stack.ports import free_port
from models.states import Role
from stores.container import Stores
from tests.api.server import Server
from tests.api.uploads.archives import zipped
from tests.api.uploads.begun import begin
from tests.conftest import S3Settings
from tests.waiting import until


@pytest.fixture
def server(
    service_environment: dict[str, str], settings: Any, stores: Stores, tmp_path: Path
) -> Iterator[tuple[Server, dict[str, str]]]:
    """Return a running server with one process, and the headers of a person."""
    environment = {
        **service_environment,
        "GANFORGE_HOME": str(settings.home),
        "GANFORGE_API_PROCESSES": "1",
        "GANFORGE_MAX_UPLOAD_BYTES": "20000000",
    }
    running = Server(environment, free_port(), tmp_path / "server.log")
    running.start()
    until(lambda: not stores.datasets.previews.lacking(), 60, "the previews that are made as it starts")
    until(lambda: not list((settings.home / "uploads").iterdir()), 60, "an empty spool")
    _, secret = stores.accounts.keys.create("alice's", "alice", Role.user)
    yield running, {"Authorization": f"Bearer {secret}"}
    running.stop()


def _many(count: int, side: int = 4000) -> bytes:
    """Return small files of many pixels: quickly sent, slowly decoded."""
    target = io.BytesIO()
    Image.new("RGB", (side, side), "red").save(target, "PNG")
    return zipped({f"{number}.png": target.getvalue() for number in range(count)})


def _packers(server: Server) -> list[psutil.Process]:
    (worker,) = server.workers()
    return [child for child in worker.children() if _is_packer(child)]


def _is_packer(child: psutil.Process) -> bool:
    """Tell whether a child runs the packer's program already: between fork and exec it is a copy of the server."""
    try:
        return "packing" in child.cmdline()
    except psutil.Error:  # it has just ended
        return False


def test_others_are_served_while_an_upload_comes_in_and_is_packed(server: Any, s3: S3Settings, settings: Any) -> None:
    running, headers = server
    answers: list[httpx.Response] = []

    def send() -> None:
        form = {"name": "large"}
        files = {"file": ("a.zip", _many(16, 2000))}
        answers.append(httpx.post(f"{running.url}/v1/datasets", data=form, files=files, headers=headers, timeout=60))

    thread = threading.Thread(target=send)
    thread.start()
    slowest, began_at = 0.0, time.monotonic()
    asked = 0
    with httpx.Client(base_url=running.url, headers=headers, timeout=60) as other:
        while thread.is_alive():
            began = time.monotonic()
            assert other.get("/v1/datasets").status_code == 200
            slowest = max(slowest, time.monotonic() - began)
            asked += 1
            thread.join(0.05)
    assert answers[0].status_code == 201, answers[0].text
    assert answers[0].json()["images"] == 16
    assert asked > 5
    # On a busy machine a request may wait a while, but none waits for the end of the upload.
    assert slowest < max(2, (time.monotonic() - began_at) / 2)
    assert not list((settings.home / "uploads").iterdir())


def test_who_leaves_in_the_middle_leaves_nothing(server: Any, settings: Any, nothing_left: Any) -> None:
    running, headers = server
    # While it is sent.
    spool = settings.home / "uploads"
    with begin(running, headers["Authorization"].removeprefix("Bearer "), 10_000_000) as connection:
        connection.sendall(bytes(1_000_000))
        until(lambda: spool.is_dir() and list(spool.glob("*/upload-*")), 60, "the spooled file")
    until(lambda: not list(spool.iterdir()), 60, "an empty spool")
    assert nothing_left()
    # While it is packed.
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{running.url}/v1/datasets",
            data={"name": "left", "size": "1024"},
            files={"file": ("a.zip", _many(150))},
            headers=headers,
            timeout=httpx.Timeout(30, read=0.7),
        )
    assert _packers(running), "it was still at work"
    until(lambda: not _packers(running), 60, "the end of the packer")
    until(lambda: not list(spool.iterdir()), 60, "an empty spool")
    assert nothing_left()


def test_what_is_beyond_the_limit_is_refused_with_a_length_and_without(server: Any, nothing_left: Any) -> None:
    running, headers = server
    boundary = b'--a\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
    pieces = [boundary, *([bytes(1_000_000)] * 21)]
    headers = {**headers, "Content-Type": "multipart/form-data; boundary=a"}
    for content in (iter(pieces), b"".join(pieces)):
        answer = httpx.post(f"{running.url}/v1/datasets", content=content, headers=headers, timeout=60)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert nothing_left()


def test_a_killed_server_leaves_no_packer_and_the_next_one_clears_up(server: Any, settings: Any) -> None:
    running, headers = server

    def send() -> None:
        with pytest.raises(httpx.TransportError):
            httpx.post(
                f"{running.url}/v1/datasets",
                data={"name": "left", "size": "1024"},
                files={"file": ("a.zip", _many(150))},
                headers=headers,
                timeout=60,
            )

    thread = threading.Thread(target=send)
    thread.start()
    (packer,) = until(lambda: _packers(running), 60, "a packer")
    assert not [name for name in packer.environ() if name.startswith("GANFORGE")], "it decodes strangers' files"
    assert until(lambda: packer.nice() >= 10, 60, "its good manners")
    (worker,) = running.workers()
    worker.kill()
    thread.join()
    until(lambda: not packer.is_running() or packer.status() == psutil.STATUS_ZOMBIE, 60, "the packer's end")
    # gunicorn starts another worker, which clears up before it serves.
    until(lambda: not list((settings.home / "uploads").iterdir()), 60, "an empty spool")
