"""Attacks by uploads: a full disk, bytes that hardly come, and archives that cost a reader minutes or gigabytes."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable

from benchmarks.attacks import archives
from benchmarks.attacks.target import BOUNDARY, Target, form_head

LARGE = 16
LARGE_BYTES = 300 << 20
SLOW = 60
PIECE = bytes(1 << 20)


def full_disk(target: Target, seconds: float) -> Counter[str]:
    """Promise more than the disk holds in 16 uploads, which grow together and start again when they are refused."""
    return _many(target, seconds, LARGE, _grow)


def slow_bodies(target: Target, seconds: float) -> Counter[str]:
    """Begin 60 uploads and send a byte of each every ten seconds."""
    return _many(target, seconds, SLOW, _drip)


def odd_tars(target: Target, seconds: float) -> Counter[str]:
    """Upload tars with bad headers, ten at once."""
    return _archives(target, seconds, [archives.tar_of_digits(), archives.tar_that_goes_back()])


def bombs(target: Target, seconds: float) -> Counter[str]:
    """Upload small archives whose pictures or directories are huge, ten at once."""
    return _archives(
        target,
        seconds,
        [
            archives.zip_of_a_large_picture(),
            archives.zip_of_a_large_animation(),
            archives.zip_with_a_false_mark(),
        ],
    )


def _archives(target: Target, seconds: float, sent: list[bytes]) -> Counter[str]:
    turns = itertools.cycle(sent)

    def upload(target: Target, until: float, counted: Counter[str]) -> None:
        link = target.link()
        link.timeout = max(1.0, until - time.monotonic())
        try:
            status, _ = target.upload(link, f"attack-{time.time_ns()}", next(turns))
            counted[str(status)] += 1
        finally:
            link.close()

    return _many(target, seconds, 10, upload)


def _many(
    target: Target, seconds: float, count: int, kind: Callable[[Target, float, Counter[str]], None]
) -> Counter[str]:
    counted: Counter[str] = Counter()
    until = time.monotonic() + seconds

    def again() -> None:
        while time.monotonic() < until:
            try:
                kind(target, until, counted)
            except (OSError, http.client.HTTPException) as error:
                counted[type(error).__name__] += 1
            time.sleep(0.2)

    threads = [threading.Thread(target=again) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counted


def _grow(target: Target, until: float, counted: Counter[str]) -> None:
    with _begun(target, LARGE_BYTES) as link:
        for _ in range(LARGE_BYTES // len(PIECE) - 1):
            if time.monotonic() > until or _answered(link, counted):
                return
            link.sendall(PIECE)
            time.sleep(0.01)
        # The last piece never comes: what was sent stays on the disk for as long as the server waits.
        while time.monotonic() < until and not _answered(link, counted):
            time.sleep(0.1)


def _drip(target: Target, until: float, counted: Counter[str]) -> None:
    with _begun(target, len(PIECE)) as link:
        while time.monotonic() < until and not _answered(link, counted):
            link.sendall(b"0")
            sleep_until = min(until, time.monotonic() + 10)
            while time.monotonic() < sleep_until and not _answered(link, counted, look=True):
                time.sleep(0.1)


def _begun(target: Target, size: int) -> socket.socket:
    link = socket.create_connection(("127.0.0.1", target.port), 5, (target.address, 0))
    head = form_head(f"attack-{time.time_ns()}")
    link.sendall(
        (
            f"POST /v1/datasets HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {target.key}\r\nContent-Length: {size}\r\n"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
        ).encode()
        + head
    )
    return link


def _answered(link: socket.socket, counted: Counter[str], *, look: bool = False) -> bool:
    """Tell whether the server has answered or hung up, and count the status unless this is only a look."""
    link.setblocking(False)
    try:
        with contextlib.suppress(BlockingIOError):
            got = link.recv(64, socket.MSG_PEEK)
            if not look:
                counted[got[9:12].decode("latin-1") or "closed"] += 1
            return True
        return False
    finally:
        link.settimeout(5)
