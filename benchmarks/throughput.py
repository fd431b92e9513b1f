"""How many requests a second the API answers, with clients, database and broker on the same two cores."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.pool import AsyncResult
from typing import Any

from benchmarks.service import Service, digits_job, emit, spread

CLIENTS = 8
SECONDS = 8.0


def run(service: Service) -> None:
    """Print rates and waits of creating and reading jobs."""
    service.await_idle()
    # A queue without a worker: what is submitted here stays where it is and takes no time from what is measured.
    job = service.client.submit(digits_job(queue="gpu"))
    _measure(service, "post_jobs", "POST", "/v1/jobs", digits_job(queue="gpu"), 201, target_rate=200, target_p99_ms=100)
    _measure(service, "get_job", "GET", f"/v1/jobs/{job['id']}", None, 200, target_rate=500)
    _measure(service, "list_jobs", "GET", "/v1/jobs?limit=20", None, 200)


def _measure(service: Service, figure: str, method: str, path: str, body: Any, status: int, **targets: float) -> None:
    # Four threads in each of two processes: one interpreter alone could not ask fast enough.
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        start = time.time() + 2.0
        address = (service.url, service.key)
        tasks: list[AsyncResult[list[float]]] = [
            pool.apply_async(_process, (address, method, path, body, status, start)) for _ in range(2)
        ]
        waits = [wait for task in tasks for wait in task.get(120)]
    emit(
        f"{figure}_per_second",
        value=round(len(waits) / SECONDS, 1),
        clients=CLIENTS,
        **{f"{name}_ms": value for name, value in spread(waits).items()},
        **targets,
    )


def _process(address: tuple[str, str], method: str, path: str, body: Any, status: int, start: float) -> list[float]:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - in the child

    with ThreadPoolExecutor(CLIENTS // 2) as pool:
        clients = [pool.submit(_client, address, method, path, body, status, start) for _ in range(CLIENTS // 2)]
        return [wait for client in clients for wait in client.result()]


def _client(address: tuple[str, str], method: str, path: str, body: Any, status: int, start: float) -> list[float]:
    """Ask as fast as answers come; return the milliseconds of each."""
    import http.client  # noqa: PLC0415 - in the child
    import json  # noqa: PLC0415 - in the child

    url, key = address
    link = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body)
    clock: Callable[[], float] = time.perf_counter
    time.sleep(max(0.0, start - time.time()))
    waits, end = [], clock() + SECONDS
    while (asked := clock()) < end:
        link.request(method, path, data, headers)
        answer = link.getresponse()
        answer.read()
        assert answer.status == status, answer.status
        waits.append(1000 * (clock() - asked))
    return waits
