"""What is kept of jobs, and for how long."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text

from models.ids import new_id
from stores.accounts.audit import Local


def test_a_running_job_keeps_its_newest_checkpoints_the_best_and_each_nth(leaver, stores):
    claim = leaver.running()
    files = [leaver.file(claim, best=n == 2) for n in range(1, 11)]

    gone = stores.jobs.prune_checkpoints(claim, keep=2, every=4)

    kept = [files[n - 1].id for n in (2, 4, 8, 9, 10)]  # best, 4th, 8th, the two newest
    assert leaver.rows(claim.job_id) == kept
    assert sorted(gone) == sorted(file.object_key for file in files if file.id not in kept)


def test_a_job_goes_on_from_what_it_stored_last_although_the_clock_of_the_next_worker_is_behind(leaver, stores):
    claim = leaver.running()
    ids = sorted((new_id("art") for _ in range(6)), reverse=True)
    for one in ids:
        leaver.file(claim, made=one, best=one == ids[0])
        stores.jobs.prune_checkpoints(claim, keep=2)

    assert [one["id"] for one in stores.queries.jobs.checkpoints(claim.job_id)] == [ids[5], ids[4], ids[0]]
    assert stores.queries.jobs.checkpoint(claim.job_id, "latest", None)["id"] == ids[5]


def test_the_number_of_a_checkpoint_outlives_those_before_it(leaver, stores):
    claim = leaver.running()
    for _ in range(3):
        leaver.file(claim)
        stores.jobs.prune_checkpoints(claim, keep=1)
    fourth = leaver.file(claim)
    leaver.file(claim)

    stores.jobs.prune_checkpoints(claim, keep=1, every=4)

    assert leaver.rows(claim.job_id)[0] == fourth.id
    assert len(leaver.rows(claim.job_id)) == 2


def test_an_ended_job_keeps_the_latest_checkpoint_the_best_and_each_nth(leaver, stores):
    claim = leaver.running()
    files = [leaver.file(claim, best=n == 1) for n in range(1, 7)]
    grid = leaver.file(claim, "grid")
    leaver.end(claim, days_ago=8)
    fresh = leaver.running()
    others = [leaver.file(fresh) for _ in range(3)]
    leaver.end(fresh, days_ago=6)

    found = stores.maintenance.retention.thin_checkpoints("", 7, every=3)

    kept = [files[n - 1] for n in (1, 3, 6)] + [grid]  # best, 3rd, 6th and latest
    assert leaver.rows(claim.job_id) == [file.id for file in kept]
    assert leaver.rows(fresh.job_id) == [file.id for file in others]
    assert leaver.objects() == {file.object_key for file in kept + others}
    assert found.done == 3
    assert found.bytes == sum(file.bytes for file in (files[1], files[3], files[4]))
    assert stores.maintenance.retention.thin_checkpoints(found.cursor, 7, every=3).done == 0


def test_files_of_old_jobs_go_and_those_of_young_and_unfinished_ones_stay(leaver, stores):
    old, young, running = leaver.running(), leaver.running(), leaver.running()
    condemned = [leaver.file(old, kind) for kind in ("checkpoint", "grid", "weights")]
    kept = [leaver.file(young, "weights"), leaver.file(running)]
    leaver.end(old, days_ago=31)
    leaver.end(young, days_ago=29)
    leaver.age(running.job_id, 100)

    found = stores.maintenance.retention.remove_old_artifacts(30)

    assert (found.done, found.bytes) == (3, sum(file.bytes for file in condemned))
    assert leaver.rows(old.job_id) == []
    assert leaver.objects() == {file.object_key for file in kept}
    assert stores.queries.jobs.job(old.job_id, None)["state"] == "succeeded"
    assert stores.queries.jobs.checkpoint(old.job_id, "latest", None) is None


def test_a_checkpoint_that_an_unfinished_job_was_promised_stays(leaver, stores, new_job):
    claim = leaver.running()
    first, promised, last = (leaver.file(claim) for _ in range(3))
    leaver.end(claim, days_ago=400)
    source = {"job": claim.job_id, "checkpoint": promised.id}
    view, _ = stores.jobs.submit(
        new_job(kind="sample", dataset=None, dataset_id=None, source=source, source_artifact=promised.id)
    )

    stores.maintenance.retention.thin_checkpoints("", 7, every=0)
    assert leaver.rows(claim.job_id) == [promised.id, last.id]
    stores.maintenance.retention.remove_old_artifacts(30)
    assert leaver.rows(claim.job_id) == [promised.id]
    assert leaver.objects() == {promised.object_key}

    stores.jobs.cancel(view["id"], Local("alice"))
    stores.maintenance.retention.remove_old_artifacts(30)
    assert leaver.rows(claim.job_id) == []
    assert leaver.objects() == set()
    assert first.id != last.id


def test_old_events_and_curves_go_but_for_the_changes_of_state(leaver, stores):
    old, young = leaver.running(), leaver.running()
    for claim in (old, young):
        leaver.tell(claim, 30)
    leaver.end(old, days_ago=31)
    leaver.end(young, days_ago=29)

    found = stores.maintenance.retention.remove_old_events("", 30)

    assert found.done == 30
    left = stores.events.page(old.job_id, 0, 100)
    assert [event["data"]["to"] for event in left] == ["queued", "running", "succeeded"]
    assert left[-1]["seq"] == stores.queries.jobs.job(old.job_id, None)["last_seq"]
    assert stores.events.metrics.series(old.job_id, None, None) == {}
    assert len(stores.events.page(young.job_id, 0, 100)) == 33
    assert len(stores.events.metrics.series(young.job_id, None, None)["d_loss"][0]) == 30
    assert stores.maintenance.retention.remove_old_events(found.cursor, 30).done == 0
    leaver.age(young.job_id, 2)
    assert stores.maintenance.retention.remove_old_events(found.cursor, 30).done == 30


def test_two_sweepers_at_once_remove_each_file_once(leaver, stores):
    claims = [leaver.running() for _ in range(4)]
    for claim in claims:
        for _ in range(10):
            leaver.file(claim)
        leaver.end(claim, days_ago=31)
    found, barrier = [], threading.Barrier(2)

    def work() -> None:
        barrier.wait()
        while (round_ := stores.maintenance.retention.remove_old_artifacts(30)).done:
            found.append(round_)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stores.maintenance.retention.remove_old_artifacts(30)

    assert sum(round_.done for round_ in found) == 40
    assert leaver.objects() == set()
    with stores.infra.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM artifacts")) == 0


def test_a_round_goes_to_one_of_two_sweepers_and_is_due_again_if_it_is_not_finished(stores):
    assert stores.maintenance.periodic.take("walk", 60) is None  # the first time it is only made
    took = [stores.maintenance.periodic.take("walk", 60) for _ in range(2)]
    assert took == ["", None]
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE chores SET next_at = next_at - interval '59 s'"))
    assert stores.maintenance.periodic.take("walk", 60) is None
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE chores SET next_at = next_at - interval '1 s'"))
    assert stores.maintenance.periodic.take("walk", 60) == ""


@pytest.mark.parametrize("unset", [0, 1])
def test_no_checkpoint_is_kept_for_its_number_unless_asked(leaver, stores, unset):
    claim = leaver.running()
    files = [leaver.file(claim) for _ in range(4)]
    stores.jobs.prune_checkpoints(claim, keep=2, every=unset)
    assert leaver.rows(claim.job_id) == [file.id for file in (files[2:] if unset == 0 else files)]
