"""`python -m benchmarks.requests [--against DIR]`: submissions, looks at a job and lists that an API process answers.

With another checkout of this project, of any version, the two are asked in turn, each over a database of its own in the
same server, so that whatever else the machine does touches both alike. The ratios are what counts; where others use the
machine too, those of the processor time that the API's process takes for a request.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg

from benchmarks.queue.api_server import ROOT, await_answer, create_database, running, servers
from benchmarks.service import chosen, digits_job, emit
from ganforge.stack.ports import free_port
from ganforge.stack.services import Services
from migrations.database_role import libpq_url

CLIENTS = 4
# Jobs that wait, of so many owners, before anything is measured.
WAITING = 100
WORKER = """
INSERT INTO workers (id, name, queue, device, host, pid, last_seen)
VALUES ('wrk_0', 'bench', 'cpu', '{"kind": "cpu", "capacity": 8000000000}', 'bench', 1, now() + interval '1 hour')
"""


@dataclass
class Side:
    """One checkout's API process."""

    name: str
    port: int
    key: str
    process: psutil.Process
    job: str = ""

    def seconds(self) -> float:
        """Return the processor time that the API has taken."""
        return sum(sum(one.cpu_times()[:2]) for one in (self.process, *self.process.children(recursive=True)))

    def links(self) -> list[http.client.HTTPConnection]:
        """Return a connection for each client; they stay open."""
        return [http.client.HTTPConnection("127.0.0.1", self.port, timeout=60) for _ in range(CLIENTS)]

    def ask(self, link: http.client.HTTPConnection, method: str, path: str, body: Any = None) -> Any:
        """Send one request; return the answer's body."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        if body is not None:
            headers["Idempotency-Key"] = str(uuid.uuid4())
        link.request(method, path, None if body is None else json.dumps(body), headers)
        answer = link.getresponse()
        content = answer.read()
        assert answer.status < 300, content
        return json.loads(content)

    def submit(self, link: http.client.HTTPConnection) -> None:
        """Create a job, and let the service choose the queue."""
        self.job = self.ask(link, "POST", "/v1/jobs", digits_job())["id"]

    def look(self, link: http.client.HTTPConnection) -> None:
        """Look at a waiting job."""
        self.ask(link, "GET", f"/v1/jobs/{self.job}")

    def page(self, link: http.client.HTTPConnection) -> None:
        """List twenty waiting jobs."""
        self.ask(link, "GET", "/v1/jobs?limit=20")


KINDS: dict[str, Callable[[Side, http.client.HTTPConnection], None]] = {
    "submit": Side.submit,
    "look": Side.look,
    "list": Side.page,
}


def main() -> None:
    """Print the rates of each kind of request, and with another checkout their ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.requests", description=__doc__)
    parser.add_argument("kinds", nargs="*", help=", ".join(KINDS))
    parser.add_argument("--against", type=Path, metavar="DIR", help="another checkout, with an environment in .venv")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each side in each round")
    given = parser.parse_args()
    kinds = chosen(given.kinds, list(KINDS))
    checkouts = {"here": ROOT, **({} if given.against is None else {"there": given.against.resolve()})}
    with servers() as services, ExitStack() as stack:
        sides = [stack.enter_context(_served(services, name, root)) for name, root in checkouts.items()]
        for kind in kinds:
            _compare(kind, sides, given.rounds, given.seconds)


@contextmanager
def _served(services: Services, name: str, root: Path) -> Iterator[Side]:
    """Run an API process of a checkout for the block, over a database with a live worker and some waiting jobs."""
    create_database(services, name)
    home = services.home.path / name
    home.mkdir()
    own = root / ".venv" / "bin" / "python"
    python = str(own) if own.exists() else sys.executable
    environment = {
        **os.environ,
        **services.environment(),
        "PYTHONPATH": str(root),
        "GANFORGE_DATABASE_URL": services.database_url_for(name),
        "GANFORGE_HOME": str(home),
        "GANFORGE_PORT": str(free_port()),
        "GANFORGE_API_PROCESSES": "1",
        "GANFORGE_RATE_LIMIT": "100000",
        "GANFORGE_QUOTA_QUEUED": "100000",
    }
    subprocess.run([python, "-m", "api.setup"], cwd=root, env=environment, check=True, stderr=subprocess.DEVNULL)
    with psycopg.connect(libpq_url(services.database_url_for(name)), autocommit=True) as connection:
        connection.execute(WORKER.encode())
    module = ["gunicorn", "-c", str(root / "api" / "gunicorn.conf.py")]
    with running(services, f"api-{name}", module, environment, python=python, folder=root) as child:
        key = (home / "admin.key").read_text().strip()
        side = Side(name, int(environment["GANFORGE_PORT"]), key, psutil.Process(child.pid))
        await_answer(side.port)
        (link, *_) = side.links()
        for _ in range(WAITING):
            side.submit(link)
        yield side


def _compare(kind: str, sides: list[Side], rounds: int, seconds: float) -> None:
    rounds_of: dict[str, list[tuple[float, float]]] = {side.name: [] for side in sides}
    with ThreadPoolExecutor(CLIENTS) as pool:
        for n in range(rounds + 1):
            # Who goes first changes, so that neither always finds the machine as the other left it.
            for side in sides if n % 2 else reversed(sides):
                rounds_of[side.name].append(_measure(pool, side, KINDS[kind], seconds))
    figures: dict[str, Any] = {}
    for n, figure in enumerate(("per_second", "cpu_ms")):
        counted = {name: [one[n] for one in found[1:]] for name, found in rounds_of.items()}  # the first warms up
        medians = {name: statistics.median(found) for name, found in counted.items()}
        figures |= {f"{figure}_{name}": round(median, 2) for name, median in medians.items()}
        if "there" in counted:
            ratios = [here / there for here, there in zip(counted["here"], counted["there"], strict=True)]
            figures[f"{figure}_ratio_of_medians"] = round(medians["here"] / medians["there"], 2)
            figures[f"{figure}_ratios"] = [round(ratio, 2) for ratio in ratios]
    emit(f"requests_{kind}", clients=CLIENTS, **figures)


def _measure(
    pool: ThreadPoolExecutor, side: Side, ask: Callable[[Side, http.client.HTTPConnection], None], seconds: float
) -> tuple[float, float]:
    """Return the requests a second that all clients together had answered, and the API's milliseconds for each."""
    began, used = time.perf_counter(), side.seconds()

    def repeat(link: http.client.HTTPConnection) -> int:
        answered = 0
        while time.perf_counter() - began < seconds:
            ask(side, link)
            answered += 1
        return answered

    links = side.links()
    try:
        answered = sum(pool.map(repeat, links))
        return answered / (time.perf_counter() - began), 1000 * (side.seconds() - used) / answered
    finally:
        for link in links:
            link.close()


if __name__ == "__main__":
    main()
