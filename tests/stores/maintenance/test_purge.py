"""A purged job leaves no row, no object, and no gap in the metrics."""

from __future__ import annotations

from threading import Barrier, Thread

import pytest
from sqlalchemy import text

from models.rows import Base
from stores.accounts.audit import Local
from stores.jobs.insert import NewJob
from stores.maintenance import purge

ALICE = Local("alice")


def purge_all(stores) -> int:
    """Remove everything that was purged; return of how many jobs."""
    done = 0
    while (found := stores.maintenance.purge.remove()).done:
        done += found.done
    return done


def rows_of(stores, job_id: str) -> dict[str, int]:
    """Return how many rows of each table refer to a job."""
    found = {}
    with stores.infra.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            for key in table.foreign_keys:
                if key.column.table.name == "jobs":
                    query = text(f"SELECT count(*) FROM {table.name} WHERE {key.parent.name} = :job")
                    found[f"{table.name}.{key.parent.name}"] = connection.scalar(query, {"job": job_id})
    return found


def test_every_table_that_refers_to_jobs_is_known_to_the_purge():
    # A table of jobs' parts that the purge forgets would keep each purged job's row for ever.
    referring = {
        (table.name, key.parent.name)
        for table in Base.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table.name == "jobs"
    }
    known = (*purge.DELETED, *purge.FORGOTTEN, *purge.COUNTED)
    assert {(table.__tablename__, column) for table, column in known} == referring


def test_what_refers_to_a_part_of_a_job_goes_before_it_or_forgets_it():
    gone = [table.__tablename__ for table, _ in (*purge.DELETED, *purge.COUNTED)]
    for table in Base.metadata.sorted_tables:
        for key in table.foreign_keys:
            part = key.column.table.name
            if part in gone and part != table.name and key.ondelete not in {"SET NULL", "CASCADE"}:
                assert table.name in gone, f"{table.name} keeps rows of {part}"
                assert gone.index(table.name) < gone.index(part), f"{table.name} after {part}"


def test_a_purged_job_leaves_neither_rows_nor_objects(leaver, stores, new_job):
    claim, other = leaver.running(), leaver.running()
    files = [leaver.file(claim, kind) for kind in ("checkpoint", "grid")]
    kept = leaver.file(other, "weights")
    for one in (claim, other):
        leaver.tell(one, 30)
        leaver.end(one, days_ago=0)
    child, _ = stores.jobs.submit(new_job(parent=claim.job_id))
    before = rows_of(stores, other.job_id)

    stores.jobs.trash.purge(claim.job_id, ALICE)
    found = stores.maintenance.purge.remove()

    assert (found.done, found.bytes, found.more) == (1, sum(file.bytes for file in files), False)
    assert set(rows_of(stores, claim.job_id).values()) == {0}
    assert rows_of(stores, other.job_id) == before
    assert stores.queries.jobs.job(child["id"], None)["parent"] is None
    assert leaver.objects() == {kept.object_key}
    assert purge_all(stores) == 0


def test_many_rows_go_in_small_transactions(leaver, stores, monkeypatch):
    monkeypatch.setattr(purge, "ROWS", 7)
    monkeypatch.setattr(purge, "JOBS", 2)
    claims = [leaver.running() for _ in range(3)]
    for claim in claims:
        leaver.tell(claim, 20)
        for _ in range(5):
            leaver.file(claim, "weights")
        leaver.end(claim, days_ago=0)
    stores.jobs.trash.delete_all([claim.job_id for claim in claims], ALICE)
    stores.jobs.trash.purge_all([claim.job_id for claim in claims], ALICE)
    assert purge_all(stores) == 3
    with stores.infra.engine.connect() as connection:
        for table in ("jobs", "events", "metrics", "artifacts", "attempts"):
            assert connection.scalar(text(f"SELECT count(*) FROM {table}")) == 0, table
    assert leaver.objects() == set()


def test_two_sweepers_at_once_purge_each_job_once(leaver, stores):
    claims = [leaver.running() for _ in range(12)]
    for claim in claims:
        leaver.tell(claim, 3)
        leaver.file(claim)
        leaver.end(claim, days_ago=0)
    ids = [claim.job_id for claim in claims]
    stores.jobs.trash.delete_all(ids, ALICE)
    stores.jobs.trash.purge_all(ids, ALICE)
    done, barrier = [], Barrier(2)

    def work() -> None:
        barrier.wait()
        done.append(purge_all(stores))

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done) == 12
    assert leaver.objects() == set()
    assert sum(one.count for one in stores.queries.prometheus.jobs()) == 12


def test_counters_do_not_fall_when_jobs_are_purged(leaver, stores):
    figures = stores.queries.prometheus
    for days in (0, 1):
        claim = leaver.running()
        leaver.end(claim, days)
    other, _ = stores.jobs.submit(leaver._new_job())
    stores.jobs.cancel(other["id"], ALICE)
    before = (figures.jobs(), figures.durations(), figures.waits())
    assert before[1][0].count == 2

    for times in range(2):
        stores.jobs.trash.purge((claim.job_id, other["id"])[times], ALICE)
        assert purge_all(stores) == 1
        after = (figures.jobs(), figures.durations(), figures.waits())
        assert after[0] == before[0]
        for was, now in zip((*before[1], *before[2]), (*after[1], *after[2]), strict=True):
            assert (now.of, now.within, now.count) == (was.of, was.within, was.count)
            assert now.seconds == pytest.approx(was.seconds)


def test_a_purge_goes_on_where_it_was_killed(leaver, stores, monkeypatch):
    claim = leaver.running()
    leaver.tell(claim, 5)
    file = leaver.file(claim)
    leaver.end(claim, days_ago=0)
    stores.jobs.trash.purge(claim.job_id, ALICE)
    for step in ("_delete_files", "_forget", "_delete_jobs"):
        with monkeypatch.context() as killed:
            killed.setattr(purge.Purge, step, None)
            with pytest.raises(TypeError):
                stores.maintenance.purge.remove()
    assert purge_all(stores) == 1
    assert leaver.objects() == set()
    assert file.bytes > 0


def test_the_extractor_that_a_purged_job_has_made_is_made_anew(leaver, stores):
    claim = leaver.running(recipe="darknet")
    leaver.file(claim)
    leaver.end(claim, days_ago=0)
    dataset = stores.datasets.find("mnist-10k", None)
    with stores.infra.engine.begin() as connection:
        row = "INSERT INTO extractors (dataset_id, job_id, targets) VALUES (:dataset, :job, 'classes')"
        connection.execute(text(row), {"dataset": dataset["id"], "job": claim.job_id})
    assert dataset["id"] in stores.judging.extractors.made([dataset["id"]])

    stores.jobs.trash.delete(claim.job_id, ALICE)
    assert stores.judging.extractors.made([dataset["id"]]) == {}
    stores.jobs.trash.restore(claim.job_id, ALICE)
    assert dataset["id"] in stores.judging.extractors.made([dataset["id"]])

    stores.jobs.trash.purge(claim.job_id, ALICE)
    assert purge_all(stores) == 1
    assert stores.judging.extractors.made([dataset["id"]]) == {}


def test_a_job_whose_extractor_others_will_look_for_stays(leaver, stores, new_job):
    claim = leaver.running(recipe="darknet")
    leaver.end(claim, days_ago=0)
    new: NewJob = new_job(params={"monitor": "fd_ratio"})
    with stores.infra.engine.begin() as connection:
        row = "INSERT INTO extractors (dataset_id, job_id, targets) VALUES (:dataset, :job, 'classes')"
        connection.execute(text(row), {"dataset": new.dataset_id, "job": claim.job_id})
    waiting, _ = stores.jobs.submit(new)
    tally, problems = stores.jobs.trash.delete_all([claim.job_id], ALICE)
    assert (tally.changed, problems[0][0]) == (0, claim.job_id)
    assert problems[0][1].params == {"job": waiting["id"]}
    stores.jobs.cancel(waiting["id"], ALICE)
    assert stores.jobs.trash.delete_all([claim.job_id], ALICE)[0].changed == 1
