"""Attacks by many connections: half requests, long waits, streams, and plain floods."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter

from api.serving.open_files import allow_open_files
from benchmarks.attacks.target import Target

HALF_OPEN = 3300
HELD = 1500
FLOOD = 64
_CONNECTED_AT_ONCE = 100


def half_headers(target: Target, seconds: float) -> Counter[str]:
    """Hold 3,300 connections that never send the end of their headers. No key is needed."""
    return _hold(target, seconds, HALF_OPEN, b"GET /v1/jobs HTTP/1.1\r\nHost: a\r\nX-Half: ")


def half_bodies(target: Target, seconds: float) -> Counter[str]:
    """Hold 1,500 connections that promise a body and send one byte of it."""
    head = f"POST /v1/jobs HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {target.key}\r\n"
    rest = "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n{"
    return _hold(target, seconds, HELD, (head + rest).encode())


def held_waits(target: Target, seconds: float) -> Counter[str]:
    """Hold 1,500 requests that wait for a job's change."""
    head = f"GET /v1/jobs/{target.job} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {target.key}\r\n"
    return _hold(target, seconds, HELD, (head + "Prefer: wait=60\r\n\r\n").encode())


def many_streams(target: Target, seconds: float) -> Counter[str]:
    """Hold 1,500 streams of one key."""
    head = f"GET /v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {target.key}\r\n\r\n"
    return _hold(target, seconds, HELD, head.encode())


def flood(target: Target, seconds: float) -> Counter[str]:
    """Ask for lists over 64 connections, as fast as they are answered."""
    return asyncio.run(_flood(target, seconds))


def _hold(target: Target, seconds: float, count: int, sent: bytes) -> Counter[str]:
    allow_open_files(count)
    return asyncio.run(_hold_all(target, seconds, count, sent))


async def _hold_all(target: Target, seconds: float, count: int, sent: bytes) -> Counter[str]:
    counted: Counter[str] = Counter()
    until = time.monotonic() + seconds
    connecting = asyncio.Semaphore(_CONNECTED_AT_ONCE)
    await asyncio.gather(*(_hold_one(target, until, sent, connecting, counted) for _ in range(count)))
    return counted


async def _hold_one(
    target: Target, until: float, sent: bytes, connecting: asyncio.Semaphore, counted: Counter[str]
) -> None:
    """Connect and hold; connect again whenever the server ends it."""
    while (left := until - time.monotonic()) > 0:
        try:
            async with connecting:
                reader, writer = await asyncio.wait_for(_connect(target), left)
            writer.write(sent)
            await writer.drain()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(asyncio.get_running_loop().time() + until - time.monotonic()):
                    counted[(await reader.readline())[9:12].decode("latin-1") or "closed"] += 1
                    while await reader.read(1 << 16):
                        pass
            writer.close()
        except (OSError, TimeoutError) as error:
            counted[type(error).__name__] += 1
        await asyncio.sleep(0.1)


async def _connect(target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", target.port, local_addr=(target.address, 0))


async def _flood(target: Target, seconds: float) -> Counter[str]:
    counted: Counter[str] = Counter()
    until = time.monotonic() + seconds
    head = f"GET /v1/jobs?limit=100 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {target.key}\r\n\r\n".encode()

    async def one() -> None:
        while time.monotonic() < until:
            try:
                reader, writer = await _connect(target)
                writer.write(head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
                counted[(await reader.readline())[9:12].decode("latin-1") or "closed"] += 1
                await reader.read()
                writer.close()
            except OSError as error:
                counted[type(error).__name__] += 1

    await asyncio.gather(*(one() for _ in range(FLOOD)))
    return counted
