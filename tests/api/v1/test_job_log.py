"""The log of a job, as text, as lines and as a stream."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from models.states import Outcome
from stores.container import Stores
from stores.jobs.transitions import Claim
from stores.trainer_logs.layout import Chunk
from tests.api.conftest import Bench, Person, Pointers

STREAM = {"Accept": "text/event-stream"}
JSON = {"Accept": "application/json"}


class Scribe:
    """Writes the log of an attempt as its supervisor does."""

    def __init__(self, stores: Stores, claim: Claim) -> None:
        self.stores, self.claim = stores, claim
        self.number, self.line = 0, 1

    def write(self, *lines: str, leaving_out: int = 0) -> None:
        self.line += leaving_out
        text = "".join(f"{line}\n" for line in lines)
        chunk = Chunk(self.number, self.line, len(lines), len(text.encode()), self.number)
        self.stores.trainer_logs.chunks.append(self.claim, chunk, text)
        self.number += 1
        self.line += len(lines)


@pytest.fixture
def logged(alice: Person, bench: Bench, stores: Stores, tmp_path: Path) -> str:
    """Return a job of alice's whose first attempt was interrupted, and whose second one runs."""
    job = alice.submit()["id"]
    first = bench.claim()
    Scribe(stores, first).write("epoch 1", "<b>Loss</b> 0.7 é")
    stores.trainer_logs.archive.of_own(first, tmp_path)
    bench.finish(first, Outcome.interrupted)
    scribe = Scribe(stores, bench.claim())
    scribe.write("epoch 2")
    scribe.write("loss 0.5", leaving_out=1234)
    return str(job)


def events(frames: bytes) -> list[tuple[str, dict[str, object]]]:
    """Return the ids and the data of the events of a log."""
    blocks = [
        dict(line.split(": ", 1) for line in block.splitlines()) for block in frames.decode().split("\n\n") if block
    ]
    return [(block["id"], json.loads(block["data"])) for block in blocks if block.get("event") == "log"]


def test_the_text_of_all_attempts_comes_whole_with_marks_where_something_is_missing(alice: Person, logged: str) -> None:
    answer = alice.get(f"/v1/jobs/{logged}/log")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.text.splitlines() == [
        "epoch 1",
        "<b>Loss</b> 0.7 é",
        "… attempt 2 …",
        "epoch 2",
        "… 1234 lines left out …",
        "loss 0.5",
    ]
    assert alice.get(f"/v1/jobs/{logged}/log?attempt=1").text == "epoch 1\n<b>Loss</b> 0.7 é\n"
    assert alice.get(f"/v1/jobs/{logged}/log?attempt=3").text == ""


def test_the_last_lines_and_those_with_a_word_come_as_text_and_with_their_numbers(alice: Person, logged: str) -> None:
    path = f"/v1/jobs/{logged}/log"
    assert alice.get(f"{path}?tail=2").text == "epoch 2\n… 1234 lines left out …\nloss 0.5\n"
    found = alice.get(f"{path}?search=LOSS", headers=JSON).json
    assert found == {
        "lines": [
            {"attempt": 1, "line": 2, "text": "<b>Loss</b> 0.7 é", "left_out": 0},
            {"attempt": 2, "line": 1236, "text": "loss 0.5", "left_out": 0},
        ],
        "more": False,
    }
    assert alice.get(f"{path}?search=LOSS&attempt=2").text == "loss 0.5\n"
    assert alice.get(f"{path}?search=loss&tail=1").text == "loss 0.5\n… more than 1 line matches …\n"
    last = alice.get(f"{path}?tail=1", headers=JSON).json
    assert ([line["line"] for line in last["lines"]], last["more"]) == ([1236], True)


def test_wrong_parameters_of_a_log_are_named(alice: Person, logged: str, pointers: Pointers) -> None:
    path = f"/v1/jobs/{logged}/log"
    for query in ("tail=0", "tail=10001", "tail=x", "attempt=0", "search=", f"search={'x' * 256}", "lines=2"):
        assert list(pointers(alice.get(f"{path}?{query}"))) == [f"/query/{query.partition('=')[0]}"], query
    assert list(pointers(alice.get(f"{path}?search=x", headers=STREAM))) == ["/query/search"]
    for given in ("1", "1:", "a:b", "1:2:3", "-1:2", f"1:{'9' * 20}"):
        answer = alice.get(path, headers={**STREAM, "Last-Event-ID": given})
        assert list(pointers(answer)) == ["/header/Last-Event-ID"], given


def test_a_viewer_reads_a_log_and_a_stranger_finds_none(carol: Person, bob: Person, logged: str) -> None:
    assert carol.get(f"/v1/jobs/{logged}/log").status_code == 200
    for query in ("", "?tail=1", "?search=loss"):
        assert bob.get(f"/v1/jobs/{logged}/log{query}").status_code == 404


def test_a_stream_sends_what_is_there_and_what_comes_until_the_job_ends(
    alice: Person, bench: Bench, stores: Stores
) -> None:
    job = alice.submit()["id"]
    claim = bench.claim()
    scribe = Scribe(stores, claim)
    scribe.write("one", "two")
    answer = alice.get(f"/v1/jobs/{job}/log?tail=1", headers=STREAM, buffered=False)
    frames = answer.iter_encoded()
    assert _next_event(frames) == ("1:2", {"attempt": 1, "line": 2, "lines": ["two"], "left_out": 0})
    with ThreadPoolExecutor() as beside:
        following = beside.submit(_next_event, frames)
        began = time.monotonic()
        scribe.write("three")
        assert following.result(60) == ("1:3", {"attempt": 1, "line": 3, "lines": ["three"], "left_out": 0})
        assert time.monotonic() - began < 2.5  # it was woken: by itself it looks every three seconds
        bench.finish(claim)
        assert beside.submit(lambda: b"".join(frames)).result(60).endswith(b"event: end\ndata: {}\n\n")
    again = alice.get(f"/v1/jobs/{job}/log", headers={**STREAM, "Last-Event-ID": "1:2"})
    assert [given for given, _ in events(again.data)] == ["1:3"]
    assert alice.get(f"/v1/jobs/{job}/log", headers={**STREAM, "Last-Event-ID": "1:3"}).status_code == 204


def _next_event(frames: Iterator[bytes]) -> tuple[str, dict[str, object]]:
    while not (found := events(next(frames))):
        pass
    return found[0]
