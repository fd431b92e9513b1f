"""The log of a job from its first chunk to its artifacts, over a real database and object store."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from models.states import Outcome
from stores.infra.errors import StaleFenceError
from stores.jobs.transitions import Ending
from stores.trainer_logs.layout import Chunk
from stores.trainer_logs.pieces import Line, Place

KILLED = Ending(Outcome.interrupted, "killed")


class Scribe:
    """Writes the log of an attempt as its supervisor does."""

    def __init__(self, stores, claim):
        self.stores, self.claim = stores, claim
        self.number, self.line = 0, 1

    def write(self, *lines: str, leaving_out: int = 0) -> Chunk:
        self.line += leaving_out
        written = "".join(f"{line}\n" for line in lines)
        chunk = Chunk(self.number, self.line, len(lines), len(written.encode()), self.number)
        self.stores.trainer_logs.chunks.append(self.claim, chunk, written)
        self.number += 1
        self.line += len(lines)
        return chunk


def _chunks(stores) -> int:
    with stores.infra.engine.connect() as connection:
        return connection.scalar(text("SELECT count(*) FROM log_chunks"))


def _text(stores, job_id, **asked) -> str:
    return b"".join(piece.text for piece in stores.trainer_logs.reader.pieces(job_id, **asked)).decode()


def test_a_log_reads_the_same_before_and_after_it_became_an_artifact(stores, leaver, tmp_path):
    claim = leaver.running()
    scribe = Scribe(stores, claim)
    scribe.write("one", "zwei ü")
    scribe.write("twenty", "twenty-one", leaving_out=17)
    reader = stores.trainer_logs.reader
    expected = [Line(1, 2, "zwei ü"), Line(1, 20, "twenty", 17), Line(1, 21, "twenty-one")]
    for archived in (False, True):
        if archived:
            stores.trainer_logs.archive.of_own(claim, tmp_path)
            assert _chunks(stores) == 0
        assert _text(stores, claim.job_id) == "one\nzwei ü\ntwenty\ntwenty-one\n"
        assert reader.last(claim.job_id, 3) == expected
        assert reader.last(claim.job_id, 50)[0] == Line(1, 1, "one")
        assert reader.search(claim.job_id, "TWENTY").lines == [Line(1, 20, "twenty"), Line(1, 21, "twenty-one")]
        (piece,) = reader.pieces(claim.job_id, Place(1, 2))
        assert (piece.line, piece.left_out, piece.text) == (20, 17, b"twenty\ntwenty-one\n")
        assert list(reader.pieces(claim.job_id, Place(1, 21))) == []
    (artifact,) = stores.queries.jobs.artifacts(claim.job_id, ["log"], 10, None)
    assert (artifact["name"], artifact["content_type"]) == ("attempt-1.log", "text/plain; charset=utf-8")


def test_attempts_are_read_in_order_though_a_later_one_was_archived_first(stores, leaver, worker, tmp_path):
    first = leaver.running()
    Scribe(stores, first).write("a1", "a2")
    stores.jobs.finish(first, KILLED)
    second = stores.jobs.claim("cpu", worker, "cpu")
    Scribe(stores, second).write("b1")
    stores.trainer_logs.archive.of_own(second, tmp_path)
    stores.jobs.finish(second, KILLED)
    third = stores.jobs.claim("cpu", worker, "cpu")
    Scribe(stores, third).write("c1")
    for _ in range(2):
        assert _text(stores, first.job_id) == "a1\na2\nb1\nc1\n"
        assert _text(stores, first.job_id, attempt=2) == "b1\n"
        assert _text(stores, first.job_id, after=Place(1, 1)) == "a2\nb1\nc1\n"
        last = stores.trainer_logs.reader.last(first.job_id, 3)
        assert [(line.attempt, line.line) for line in last] == [(1, 2), (2, 1), (3, 1)]
        assert stores.trainer_logs.archive.of_ended().done in {0, 1}
    assert _chunks(stores) == 1


def test_the_log_of_a_dead_attempt_becomes_an_artifact_once(stores, leaver):
    claim = leaver.running()
    Scribe(stores, claim).write("last words")
    assert stores.trainer_logs.archive.of_ended().done == 0  # it still runs
    stores.jobs.finish(claim, KILLED)
    assert stores.trainer_logs.archive.of_ended().done == 1
    assert stores.trainer_logs.archive.of_ended().done == 0
    (artifact,) = stores.queries.jobs.artifacts(claim.job_id, ["log"], 10, None)
    with stores.infra.engine.connect() as connection:
        ended = connection.scalar(text("SELECT ended_at = artifacts.created_at FROM attempts, artifacts"))
    assert ended
    assert _text(stores, claim.job_id) == "last words\n"
    assert artifact["bytes"] == len("last words\n")


def test_nothing_is_lost_or_left_over_when_the_archiving_dies_between_object_and_row(stores, leaver, monkeypatch):
    claim = leaver.running()
    Scribe(stores, claim).write("kept")
    stores.jobs.finish(claim, KILLED)
    archive = stores.trainer_logs.archive
    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr("stores.trainer_logs.archive.reach", _die)
        archive.of_ended()
    assert _text(stores, claim.job_id) == "kept\n"
    assert archive.of_ended().done == 1
    assert _text(stores, claim.job_id) == "kept\n"
    with stores.infra.engine.connect() as connection:
        named = connection.scalars(text("SELECT object_key FROM artifacts")).all()
    assert [one.key for one in stores.infra.blobs.page(f"jobs/{claim.job_id}/", "", 10)] == named


def test_two_who_archive_a_log_at_once_leave_one_artifact(stores, leaver, monkeypatch):
    claim = leaver.running()
    Scribe(stores, claim).write("last words")
    stores.jobs.finish(claim, KILLED)
    archive = stores.trainer_logs.archive
    others = []

    def meanwhile(_point: str) -> None:
        if not others:
            others.append(None)
            archive.of_ended()

    monkeypatch.setattr("stores.trainer_logs.archive.reach", meanwhile)
    archive.of_ended()
    assert len(stores.queries.jobs.artifacts(claim.job_id, ["log"], 10, None)) == 1
    assert _text(stores, claim.job_id) == "last words\n"


def _die(point: str) -> None:
    raise KeyboardInterrupt(point)


def test_an_ended_attempt_writes_no_more_lines(stores, leaver):
    claim = leaver.running()
    scribe = Scribe(stores, claim)
    scribe.write("in time")
    stores.jobs.finish(claim, KILLED)
    with pytest.raises(StaleFenceError):
        scribe.write("too late")
    assert _text(stores, claim.job_id) == "in time\n"


def test_a_write_and_a_merge_that_are_repeated_change_nothing(stores, leaver):
    claim = leaver.running()
    scribe = Scribe(stores, claim)
    scribe.write("one")
    chunk = scribe.write("two")
    stores.trainer_logs.chunks.append(claim, chunk, "two\n")
    merged = Chunk(0, 1, 2, 8, 1)
    for _ in range(2):
        stores.trainer_logs.chunks.merge(claim, merged)
        assert _text(stores, claim.job_id) == "one\ntwo\n"
    assert _chunks(stores) == 1


def test_a_search_stops_at_its_limit_and_says_so(stores, leaver):
    claim = leaver.running()
    Scribe(stores, claim).write(*(f"loss {n}" for n in range(1001)))
    reader = stores.trainer_logs.reader
    found = reader.search(claim.job_id, "loss")
    assert (len(found.lines), found.lines[-1].text, found.more) == (1000, "loss 999", True)
    last = reader.search(claim.job_id, "loss", last=2)
    assert ([line.text for line in last.lines], last.more) == (["loss 999", "loss 1000"], True)
    assert not reader.search(claim.job_id, "loss 1000").more


def test_logs_in_the_middle_go_when_all_attempts_have_written_too_much(stores, leaver, worker, tmp_path, monkeypatch):
    monkeypatch.setattr("stores.trainer_logs.archive.MOST_BYTES", 40)
    monkeypatch.setattr("stores.trainer_logs.archive.LEAST_ROOM", 10)
    claim = leaver.running()
    for number in range(1, 6):
        Scribe(stores, claim).write(f"attempt {number}")
        stores.trainer_logs.archive.of_own(claim, tmp_path)
        stores.jobs.finish(claim, KILLED)
        claim = stores.jobs.claim("cpu", worker, "cpu")
    assert _text(stores, claim.job_id) == "attempt 1\nattempt 4\nattempt 5\n"
