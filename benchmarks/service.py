"""A whole service for a benchmark, in a home of its own, and what its processes weigh."""

from __future__ import annotations

import http.client
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from ganforge.client import Client
from ganforge.stack.settings import StackSettings
from ganforge.stack.signals import Signals
from ganforge.stack.stack import Stack


def chosen(names: Sequence[str], known: Sequence[str]) -> list[str]:
    """Return which benchmarks to run, all where none is named, after a line on the machine that they run on."""
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"no benchmark {', '.join(unknown)}; there are {', '.join(known)}")
    cores = len(os.sched_getaffinity(0))
    emit("machine", cores=cores, processor=platform.processor(), python=platform.python_version())
    return list(names or known)


class Service:
    """A running stack with its admin key."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.url = stack.url
        self.key = stack.home.admin_key_file.read_text().strip()
        self.client = Client(self.url, self.key)
        self.redis_url = stack.services.redis_url

    def connection(self) -> http.client.HTTPConnection:
        """Return a connection that stays open: the cheapest client that Python has."""
        parts = urlsplit(self.url)
        return http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)

    def call(self, link: http.client.HTTPConnection, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Send one request; return status and body."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        link.request(method, path, None if body is None else json.dumps(body), headers)
        answer = link.getresponse()
        return answer.status, json.loads(answer.read() or b"null")

    def processes(self, word: str) -> list[psutil.Process]:
        """Return the service's processes whose command line holds `word`, found by their home."""
        return [process for process in psutil.process_iter() if self._matches(process, word)]

    def _matches(self, process: psutil.Process, word: str) -> bool:
        try:
            home = process.environ().get("GANFORGE_HOME")
            return home == str(self.stack.home.path) and word in " ".join(process.cmdline())
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            return False

    def megabytes(self, word: str) -> list[float]:
        """Return the resident memory of each process, in MB, largest first."""
        return sorted((round(p.memory_info().rss / 1e6, 1) for p in self.processes(word)), reverse=True)

    def loads_torch(self, word: str) -> bool:
        """Tell whether any of these processes has torch's library mapped."""
        return any("libtorch" in Path(f"/proc/{p.pid}/maps").read_text() for p in self.processes(word))

    def await_idle(self, timeout: float = 120) -> None:
        """Wait until the worker has no job and a trainer started ahead has imported torch and come to rest."""
        until(lambda: all(worker["job"] is None for worker in self._workers()), timeout)
        until(self._warm, timeout)

    def _workers(self) -> list[dict[str, Any]]:
        link = self.connection()
        status, body = self.call(link, "GET", "/v1/workers?limit=100")
        link.close()
        return [worker for worker in body["data"] if worker["state"] == "live"] if status == 200 else [{"job": "?"}]

    def _warm(self) -> bool:
        trainers = self.processes("-m trainers")
        if len(trainers) != 1:
            return False
        try:
            before = sum(trainers[0].cpu_times()[:2])
            time.sleep(0.3)
            return before > 0.5 and sum(trainers[0].cpu_times()[:2]) - before < 0.02
        except psutil.NoSuchProcess:
            return False


def until(condition: Callable[[], Any], timeout: float) -> Any:
    """Return the condition's first truthy value."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError("the service did not come to rest")
        time.sleep(0.05)
    return value


@contextmanager
def running_service(home: Path | None = None) -> Iterator[Service]:
    """Start a stack for the block, in a home of its own."""
    home = home or Path(tempfile.mkdtemp(prefix="ganforge-bench-"))
    settings = StackSettings.read({"GANFORGE_HOME": str(home), "GANFORGE_QUEUES": "cpu"})
    signals = Signals()
    with signals.installed():
        stack = Stack(settings, signals, lambda line: print(line, file=sys.stderr))
        stack.start()
        try:
            yield Service(stack)
        finally:
            stack.stop()


def emit(figure: str, **values: Any) -> None:
    """Print one figure as a line of JSON."""
    print(json.dumps({"figure": figure, **values}), flush=True)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` (0 to 1) of all lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def spread(values: Sequence[float], digits: int = 1) -> dict[str, float]:
    """Return median, 99th percentile and maximum."""
    return {
        "median": round(statistics.median(values), digits),
        "p99": round(percentile(values, 0.99), digits),
        "max": round(max(values), digits),
    }


def digits_job(**changes: Any) -> dict[str, Any]:
    """Return a request for a training job on the built-in digits."""
    return {"kind": "train", "recipe": "mlp_gan", "dataset": "mnist-10k", **changes}
