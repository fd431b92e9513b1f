"""Events are numbered without a gap within a job, and a reader of the feed over all jobs misses none."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from stores.accounts.audit import Local
from stores.events.events import Position
from stores.infra.errors import BadPositionError
from tests.waiting import until


def test_a_reader_of_the_feed_misses_nothing_while_many_write(stores, new_job, worker):
    claims = []
    for _ in range(6):
        stores.jobs.submit(new_job())
        claims.append(stores.jobs.claim("cpu", worker, "cpu"))
    position = Position(0, "", 0)
    seen: list[tuple[str, int]] = []
    done = threading.Event()

    def write(claim) -> None:
        for n in range(40):
            stores.jobs.progress(claim, [("log", {"level": "info", "message": str(n)})] * 2)

    def read() -> None:
        nonlocal position
        while True:
            finished = done.is_set()
            for place, event in stores.events.look(position, None, 7).events:
                seen.append((event["job"], event["seq"]))
                position = place
            if finished and not stores.events.look(position, None, 1).events:
                return

    with ThreadPoolExecutor(7) as pool:
        reader = pool.submit(read)
        for future in [pool.submit(write, claim) for claim in claims]:
            future.result()
        done.set()
        reader.result()

    assert len(seen) == len(set(seen)) == 6 * 82
    for claim in claims:
        assert [seq for job, seq in seen if job == claim.job_id] == list(range(1, 83))


def test_a_reader_of_one_owner_s_events_misses_none_and_passes_those_of_others(stores, new_job, worker):
    owners = ["alice", "bob", "bob", "bob"]
    claims = {}
    for owner in owners:
        stores.jobs.submit(new_job(owner=owner))
        claim = stores.jobs.claim("cpu", worker, "cpu")
        claims[claim.job_id] = (claim, owner)
    begun, done = Position(0, "", 0), threading.Event()

    def write(claim) -> None:
        for n in range(30):
            stores.jobs.progress(claim, [("log", {"level": "info", "message": str(n)})] * 2)

    def read(owner) -> list[tuple[str, int]]:
        seen, position = [], begun
        while True:
            finished = done.is_set()
            look = stores.events.look(position, owner, 5, window=7)
            seen += [(event["job"], event["seq"]) for _, event in look.events]
            assert look.position >= position
            position = look.position
            if finished and not look.more:
                return seen

    with ThreadPoolExecutor(7) as pool:
        readers = {owner: pool.submit(read, owner) for owner in ("alice", "bob", "carol")}
        for future in [pool.submit(write, claim) for claim, _ in claims.values()]:
            future.result()
        done.set()
        seen = {owner: reader.result() for owner, reader in readers.items()}
    for owner, found in seen.items():
        expected = {(job, seq) for job, (_, whose) in claims.items() if whose == owner for seq in range(1, 63)}
        assert len(found) == len(expected)
        assert set(found) == expected


def test_the_position_of_a_reader_without_events_moves_past_those_of_others(stores, new_job):
    for _ in range(12):
        stores.jobs.submit(new_job(owner="bob"))
    first = stores.events.look(Position(0, "", 0), "alice", 5, window=10)
    assert (first.events, first.more) == ([], True)
    second = stores.events.look(first.position, "alice", 5, window=10)
    assert (second.events, second.more) == ([], False)
    assert second.position == stores.events.now()
    third = stores.events.look(second.position, "alice", 5, window=10)
    assert (third.events, third.more) == ([], False)
    view, _ = stores.jobs.submit(new_job(owner="alice"))
    after = until(lambda: stores.events.look(third.position, "alice", 5, window=10).events, 60)
    assert [event["job"] for _, event in after] == [view["id"]]


def test_a_reader_who_comes_with_an_event_that_is_not_settled_does_not_get_it_again(stores, new_job):
    slow = stores.infra.engine.connect()
    slow.execute(text("UPDATE queues SET paused = false"))  # takes a transaction id and keeps it
    view, _ = stores.jobs.submit(new_job())
    came = stores.events.position(f"{view['id']}:1", None)
    look = stores.events.look(came, None, 10)
    assert (look.events, look.position) == ([], came)
    slow.commit()
    slow.close()
    again = until(lambda: (found := stores.events.look(look.position, None, 10)).position > came and found, 60)
    assert again.events == []


def test_an_event_of_a_transaction_under_way_holds_back_what_is_newer(stores, new_job):
    slow = stores.infra.engine.connect()
    slow.execute(text("UPDATE queues SET paused = false"))  # takes a transaction id and keeps it
    stores.jobs.submit(new_job())
    assert stores.events.look(Position(0, "", 0), None, 10).events == []

    slow.commit()
    slow.close()

    (only,) = until(lambda: stores.events.look(Position(0, "", 0), None, 10).events, 60)
    assert only[1]["seq"] == 1


def test_waiting_for_a_job_s_row_takes_no_transaction_id(stores, new_job, worker):
    """The order of the feed rests on this: an id is taken after the lock, so ids of one job rise with its seq."""
    view, _ = stores.jobs.submit(new_job())
    holder = stores.infra.engine.connect()
    holder.execute(text("SELECT 1 FROM jobs WHERE id = :id FOR NO KEY UPDATE"), {"id": view["id"]})
    waiter = threading.Thread(target=stores.jobs.change, args=(view["id"], Local("alice"), {"name": "later"}))
    waiter.start()
    waiting = text(
        "SELECT backend_xid IS NULL FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    with stores.infra.engine.connect() as watcher:
        watcher.execution_options(isolation_level="AUTOCOMMIT")
        row = until(lambda: watcher.execute(waiting).first(), 60)
    holder.rollback()
    holder.close()
    waiter.join()
    assert row[0] is True


def test_a_position_is_found_by_job_and_seq_and_only_by_its_owner(stores, new_job):
    view, _ = stores.jobs.submit(new_job())
    name = f"{view['id']}:1"
    assert stores.events.position(name, "alice").seq == 1
    for bad, owner in [(name, "bob"), (f"{view['id']}:2", "alice"), ("nonsense", None), (f"{view['id']}:x", None)]:
        with pytest.raises(BadPositionError):
            stores.events.position(bad, owner)


def test_an_owner_s_feed_holds_only_their_jobs(stores, new_job):
    stores.jobs.submit(new_job())
    theirs, _ = stores.jobs.submit(new_job(owner="bob"))
    events = until(lambda: stores.events.look(Position(0, "", 0), "bob", 10).events, 60)
    assert [event["job"] for _, event in events] == [theirs["id"]]
