"""A thousand people watch fifty running jobs on one API process: does everybody get everything, how late; its weight.

Each job tells two events a second, which makes 2,000 deliveries. Feeder and readers are processes of their own.
`SECONDS=10 STREAMS=200` shortens it.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import sys
import time
from datetime import datetime
from multiprocessing.connection import Connection
from typing import Any

import psutil

from benchmarks.queue.api_server import Served, served, servers
from benchmarks.service import emit, spread
from models.states import EventType, Outcome
from stores.container import open_stores
from stores.infra.settings import Settings
from stores.jobs.insert import NewJob
from stores.jobs.transitions import Claim, Ending

STREAMS = int(os.environ.get("STREAMS", "1000"))
# One key, from one address, holds them all.
LIMITS = dict.fromkeys(
    (
        "GANFORGE_MAX_STREAMS",
        "GANFORGE_STREAMS_PER_KEY",
        "GANFORGE_CONNECTIONS_PER_ADDRESS",
        "GANFORGE_NEW_CONNECTIONS_PER_ADDRESS",
    ),
    str(STREAMS + 50),
)
JOBS = 50
EVENTS_PER_SECOND = 2
SECONDS = int(os.environ.get("SECONDS", "30"))
READERS = 2  # processes
# Opening a thousand streams takes a moment; only what comes after counts as live.
SETTLE_S = 2.0


def run() -> None:
    """Print losses, delays and memory."""
    with servers() as services, served(services, "streams", **LIMITS) as api:
        claims = _start_jobs(api)
        context = multiprocessing.get_context("spawn")
        here, there = zip(*(context.Pipe() for _ in range(READERS)), strict=True)
        shares = [[claims[n % JOBS].job_id for n in range(STREAMS)][part::READERS] for part in range(READERS)]
        readers = [
            context.Process(target=_read, args=(pipe, api.port, api.key, jobs))
            for pipe, jobs in zip(there, shares, strict=True)
        ]
        for reader in readers:
            reader.start()
        for pipe in there:
            pipe.close()  # so that a reader that gives up is noticed
        for pipe in here:
            pipe.recv()  # every stream is open
        time.sleep(SETTLE_S)
        feeder = context.Process(target=_feed, args=(api.stores.infra.settings, claims))
        began = time.monotonic()
        feeder.start()
        heaviest = 0.0
        while feeder.is_alive():
            heaviest = max(heaviest, _megabytes(api))
            feeder.join(0.5)
        fed_s = time.monotonic() - began
        results = [result for pipe in here for result in pipe.recv()]
        for reader in readers:
            reader.join(60)
        _print_results(api, claims, results, heaviest, fed_s)


def _print_results(api: Served, claims: list[Claim], results: list[Any], heaviest: float, fed_s: float) -> None:
    last = {claim.job_id: api.stores.queries.jobs.job(claim.job_id, None)["last_seq"] for claim in claims}
    complete = sum(seqs == list(range(1, last[job_id] + 1)) for job_id, seqs, _ in results)
    delays = [delay for _, _, late in results for delay in late]
    emit(
        "thousand_streams",
        streams=STREAMS,
        jobs=JOBS,
        complete=complete,
        lost=sum(last[job_id] - len(set(seqs)) for job_id, seqs, _ in results),
        doubled=sum(len(seqs) - len(set(seqs)) for _, seqs, _ in results),
        delay_ms=spread(delays),
        deliveries_per_second=round(len(delays) / fed_s),
        api_megabytes=heaviest,
        target_lost=0,
        target_p99=500,
        target_megabytes=400,
    )


def _start_jobs(api: Served) -> list[Claim]:
    """Make the jobs run, as workers of their own would."""
    stores = api.stores
    new = {"owner": "bench", "kind": "sample", "recipe": "mlp_gan", "preset": None, "dataset": None, "dataset_id": None}
    more = {"params": {}, "seed": 0, "queue": "cpu", "priority": 0, "name": None, "labels": {}, "max_attempts": 3}
    claims = []
    for number in range(JOBS):
        stores.jobs.submit(NewJob(**new, **more, max_runtime_s=None))
        worker = stores.fleet.workers.register(f"bench-{number}", "cpu", {"kind": "cpu"})
        claim = stores.jobs.claim("cpu", worker, "cpu")
        assert claim is not None
        claims.append(claim)
    return claims


def _feed(settings: Settings, claims: list[Claim]) -> None:
    """Let every job tell two events a second, evenly spread, and end."""
    stores = open_stores(settings, pool_size=8)
    count = SECONDS * EVENTS_PER_SECOND
    began = time.monotonic()
    for n in range(count * JOBS):
        time.sleep(max(0.0, began + n / (JOBS * EVENTS_PER_SECOND) - time.monotonic()))
        step = 1 + n // JOBS
        data = {"epoch": 1, "steps": [step], "values": {"d_loss": [0.5], "g_loss": [0.7]}}
        stores.jobs.progress(claims[n % JOBS], [(EventType.metric, data)], progress={"epoch": 1, "step": step})
    for claim in claims:
        stores.jobs.finish(claim, Ending(Outcome.succeeded))
    stores.close()


def _read(pipe: Connection, port: int, key: str, jobs: list[str]) -> None:
    """Hold a share of the streams; say when all are open, and at the end what each has seen."""
    pipe.send(asyncio.run(_watch(pipe, port, key, jobs)))


async def _watch(pipe: Connection, port: int, key: str, jobs: list[str]) -> list[Any]:
    opened = asyncio.Semaphore(0)
    streams = [asyncio.create_task(_stream(port, key, job, opened)) for job in jobs]
    for _ in jobs:
        await opened.acquire()
    pipe.send("open")
    return list(await asyncio.gather(*streams))


async def _stream(port: int, key: str, job: str, opened: asyncio.Semaphore) -> tuple[str, list[int], list[float]]:
    """Read one stream to its end; return the numbers of its events and the delays of the live ones, in ms."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"GET /v1/jobs/{job}/events HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n"
        f"Authorization: Bearer {key}\r\n\r\n".encode()
    )
    await writer.drain()
    if b" 200 " not in (answer := await reader.readline()):
        sys.exit(f"a stream was not opened: {answer.decode().strip()}")
    seqs: list[int] = []
    delays: list[float] = []
    since = time.time()
    while not (line := await reader.readline()).startswith(b"event: end") and line:
        if line.startswith(b"retry:"):
            opened.release()
            since = time.time()
        elif line.startswith(b"data: {"):
            now = time.time()
            event = json.loads(line[6:])
            seqs.append(event["seq"])
            moment = datetime.fromisoformat(event["at"]).timestamp()
            if moment > since:
                delays.append(1000 * (now - moment))
    writer.close()
    return job, seqs, delays


def _megabytes(api: Served) -> float:
    """Return the resident memory of the one process that serves."""
    served_by = psutil.Process(api.child.pid).children()
    return round(max((process.memory_info().rss for process in served_by), default=0) / 1e6, 1)
