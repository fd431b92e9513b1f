"""Two hundred people watch one running job: does everybody get every event, and how late; and what does it weigh."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import datetime
from urllib.parse import urlsplit

from benchmarks.service import Service, digits_job, emit, spread

STREAMS = 200
EPOCHS = 12


def run(service: Service) -> None:
    """Print losses, delays and memory."""
    service.await_idle()
    job = service.client.submit(digits_job(params={"epochs": EPOCHS}))
    results = asyncio.run(_watch(service, job["id"]))
    last = service.client.job(job["id"])["last_seq"]
    complete = sum(seqs == list(range(1, last + 1)) for seqs, _ in results)
    delays = [delay for _, delays in results for delay in delays]
    emit(
        "streams_delay_ms",
        **spread(delays),
        streams=STREAMS,
        complete=complete,
        events=last,
        deliveries=sum(len(seqs) for seqs, _ in results),
        target_p99=250,
    )
    emit(
        "memory_mb",
        api=service.megabytes("gunicorn"),
        supervisor=service.megabytes("worker.celery_app"),
        sweeper=service.megabytes("sweeper.sweeper"),
        api_has_torch=service.loads_torch("gunicorn"),
        supervisor_has_torch=service.loads_torch("worker.celery_app"),
        target_api_max=200,
        target_supervisor_max=150,
    )


async def _watch(service: Service, job_id: str) -> list[tuple[list[int], list[float]]]:
    return list(await asyncio.gather(*(_stream(service, job_id) for _ in range(STREAMS))))


async def _stream(service: Service, job_id: str) -> tuple[list[int], list[float]]:
    """Read one stream to its end; return the numbers of its events, and the delays of those that came live, in ms."""
    parts = urlsplit(service.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    opened = time.time()
    writer.write(
        f"GET /v1/jobs/{job_id}/events HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: text/event-stream\r\n"
        f"Authorization: Bearer {service.key}\r\n\r\n".encode()
    )
    await writer.drain()
    seqs: list[int] = []
    delays: list[float] = []
    while not (line := await reader.readline()).startswith(b"event: end") and line:
        if line.startswith(b"data: {"):
            event = json.loads(line[6:])
            seqs.append(event["seq"])
            moment = datetime.fromisoformat(event["at"]).timestamp()
            if moment > opened + 1.0:
                delays.append(1000 * (time.time() - moment))
    writer.close()
    return seqs, delays
