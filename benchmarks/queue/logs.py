"""The log of a trainer that writes a million lines: what keeping it takes, and how long reading and searching take."""

from __future__ import annotations

import http.client
import tempfile
import time
from pathlib import Path

from benchmarks.queue.api_server import Served, served, servers
from benchmarks.service import emit, spread
from models.messages import Reasons
from models.states import Outcome
from stores.jobs.transitions import Claim, Ending
from worker.log_lines import LineCutter
from worker.log_writer import BLOCKS, LogWriter
from worker.redaction import Redactor

LINES = 1_000_000
READ_BYTES = 1 << 16
RUNS = 10
NEEDLE = "needle 777777"


def run() -> None:
    """Print the figures of a log in chunks, and of the same log as an artifact."""
    with servers() as services, served(services, "logs") as api:
        claim = _claim(api)
        _write(api, claim)
        _read(api, claim.job_id, "chunks")
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            api.stores.trainer_logs.archive.of_own(claim, Path(folder))
        emit("log_archived_s", lines=LINES, seconds=round(time.perf_counter() - began, 2))
        api.stores.jobs.finish(claim, Ending(Outcome.canceled, Reasons.canceled_by_request()))
        _read(api, claim.job_id, "artifact")


def _claim(api: Served) -> Claim:
    body = {"kind": "train", "recipe": "mlp_gan", "dataset": "mnist-10k", "queue": "cpu"}
    status, answer = api.call(api.connection(), "POST", "/v1/jobs", body)
    assert status == 201, answer
    worker = api.stores.fleet.workers.register("bench", "cpu", {"kind": "cpu"})
    claim = api.stores.jobs.claim("cpu", worker, "cpu")
    assert claim is not None
    return claim


def _write(api: Served, claim: Claim) -> None:
    """Write the lines as a supervisor does, and print its CPU time: what the training may lose on a shared core."""
    text = "".join(f"step {n} loss {n * 7919 % 1000003 / 1000003:.6f} needle {n}\n" for n in range(LINES)).encode()
    writer = LogWriter(api.stores, claim, Redactor.of(api.stores.infra.settings))
    cutter = LineCutter()
    began, busy, read = time.perf_counter(), time.process_time(), 0.0
    for at in range(0, len(text), READ_BYTES):
        before = time.perf_counter()
        writer.add(cutter.lines(text[at : at + READ_BYTES]))
        read += time.perf_counter() - before
        while len(writer.buffer) > BLOCKS // 2:
            time.sleep(0.01)  # a trainer is not faster than its own printing; nothing may be dropped here
    writer.flush()
    emit(
        "log_written_s",
        lines=LINES,
        mb=len(text) // 1_000_000,
        seconds=round(time.perf_counter() - began, 2),
        reading_s=round(read, 2),
        # So many percent of one core for a trainer that writes a hundred lines a second.
        core_percent_at_100_lines_a_second=round(100 * (time.process_time() - busy) / LINES * 100, 3),
        target_percent_max=1,
    )


def _read(api: Served, job: str, what: str) -> None:
    link = api.connection()
    for name, query in (
        ("search_one", f"search={NEEDLE.replace(' ', '%20').upper()}"),
        ("search_none", "search=nowhere"),
        ("search_many", "search=loss"),
        ("tail", "tail=200"),
        ("whole", ""),
    ):
        took = [_once(api, link, f"/v1/jobs/{job}/log?{query}", name) for _ in range(RUNS)]
        emit("log_read_ms", what=what, how=name, lines=LINES, **spread(took), target_p99=1000)


def _once(api: Served, link: http.client.HTTPConnection, path: str, name: str) -> float:
    began = time.perf_counter()
    link.request("GET", path.removesuffix("?"), headers={"Authorization": f"Bearer {api.key}"})
    answer = link.getresponse()
    text = answer.read()
    took = 1000 * (time.perf_counter() - began)
    assert answer.status == 200, text
    expected = {"search_one": 1, "search_none": 0, "search_many": 1001, "tail": 200, "whole": LINES}[name]
    assert text.count(b"\n") == expected, (name, text[:200])
    return took
