"""Which extractor a data set has, the job that makes one, and the jobs that wait for it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import insert, text

from models.extractors import PACKAGED
from models.rows import Dataset
from models.states import ErrorCode, Outcome, Role
from stores.accounts.audit import Local
from stores.accounts.keys import Principal
from stores.accounts.quotas import Quotas
from stores.jobs.attempts import NewArtifact
from stores.jobs.filter import JobFilter
from stores.jobs.transitions import Ending
from stores.judging.extractors import MadeExtractor

FAILED = Ending(Outcome.failed, None, ErrorCode.diverged, "not a number")
DONE = Ending(Outcome.succeeded)


@pytest.fixture
def pets(stores):
    """A data set that everybody shares, as its view."""
    row = {"id": "ds_pets", "name": "pets", "source": "found", "layout": "folders", "images": 900, "bytes": 1}
    shape = {"shape": [3, 64, 64], "classes": [], "state": "ready", "parts": {"train": 900}}
    with stores.infra.engine.begin() as connection:
        connection.execute(insert(Dataset).values(**row, **shape))
    return stores.datasets.find("pets", "alice")


@pytest.fixture
def make(stores, new_job, pets):
    """Return a function that asks for the extractor of the data set."""

    keys = {owner: stores.accounts.keys.create(owner, owner, Role.user)[0]["id"] for owner in ("alice", "bob")}

    def ask(owner="alice"):
        job = new_job(owner=owner, recipe="darknet", dataset="pets", dataset_id=pets["id"])
        who = Principal(keys[owner], owner, Role.user, Quotas())
        return stores.judging.extractors.make(pets["id"], job, "rotations", who)

    return ask


@pytest.fixture
def finish(stores, worker):
    """Return a function that runs the next job of the queue to an end, perhaps with a checkpoint."""

    def run(ending=DONE, checkpoint=None):
        claim = stores.jobs.claim("cpu", worker, "cpu")
        if checkpoint is not None:
            file = {"kind": "checkpoint", "name": "c", "step": 1, "epoch": 1, "bytes": 1, "sha256": "0" * 64}
            stores.jobs.add_artifact(
                claim, NewArtifact(id=checkpoint, **file, content_type="x", object_key=checkpoint, best=True)
            )
        stores.jobs.finish(claim, ending)
        return claim.job_id

    return run


def test_the_built_in_digits_have_the_extractor_of_the_package(stores):
    digits = stores.datasets.find("mnist-10k", "alice")
    known = PACKAGED["mnist-10k"]
    assert stores.judging.extractors.find(digits) == stores.judging.extractors.at_hand(digits) == known
    assert digits["extractor"] == {"name": "mnist-10k", "sha256": known.sha256, "accuracy": known.accuracy}
    # A data set of the same name from somewhere else is another one.
    assert stores.judging.extractors.find({**digits, "source": "found"}) is None


def test_an_extractor_is_made_once_for_all_who_use_the_data_set(stores, pets, make, finish):
    assert stores.judging.extractors.find(pets) is None
    assert pets["extractor"] is None
    made = make()
    assert make("bob") == made == stores.judging.extractors.find(pets) == MadeExtractor(made.job, None, None, None)
    assert stores.judging.extractors.at_hand(pets) is None, "its job has not ended"
    assert finish(checkpoint="art_best") == made.job
    assert make("bob") == stores.judging.extractors.at_hand(pets) == MadeExtractor(made.job, "art_best", None, None)
    stores.judging.extractors.note(made.job, "f" * 64, 0.9)
    stores.judging.extractors.note(made.job, "e" * 64, 0.1)
    assert stores.datasets.find("pets", "bob")["extractor"] == {"name": made.job, "sha256": "f" * 64, "accuracy": 0.9}
    assert [one["extractor"] is None for one in stores.datasets.page("bob", 5, None)] == [False, False]


def test_two_requests_at_once_make_one_extractor(stores, make):
    barrier = Barrier(6)

    def ask(_):
        barrier.wait(60)
        return make().job

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(ask, range(6)))) == 1
    with stores.infra.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM jobs")) == 1


@pytest.mark.parametrize(("ending", "checkpoint"), [(FAILED, "art_a"), (Ending(Outcome.canceled), None), (DONE, None)])
def test_an_extractor_that_failed_is_made_anew(stores, pets, make, finish, ending, checkpoint):
    first = make()
    finish(ending, checkpoint)
    assert stores.judging.extractors.find(pets) is None
    second = make()
    assert second.job != first.job
    assert stores.judging.extractors.find(pets) == second
    finish(DONE, "art_b")
    assert stores.judging.extractors.at_hand(pets).checkpoint == "art_b"


@pytest.mark.parametrize("lost", ["UPDATE artifacts SET missing_since = now()", "DELETE FROM artifacts"])
def test_an_extractor_whose_file_is_gone_is_made_anew(stores, pets, make, finish, lost):
    first = make()
    finish(checkpoint="art_a")
    with stores.infra.engine.begin() as connection:
        connection.execute(text(lost))
    assert stores.judging.extractors.find(pets) is None
    second = make()
    assert second.job != first.job
    finish(checkpoint="art_b")
    assert stores.judging.extractors.at_hand(pets) == MadeExtractor(second.job, "art_b", None, None)


def test_an_extractor_that_was_used_is_not_replaced_by_the_latest_checkpoint(stores, pets, make, finish):
    made = make()
    finish(checkpoint="art_best")
    stores.judging.extractors.note(made.job, "f" * 64, 0.9)
    with stores.infra.engine.begin() as connection:
        # Somebody has deleted the best one, and a later one is still there.
        connection.execute(text("UPDATE jobs SET best_checkpoint = NULL"))
    assert stores.queries.jobs.checkpoint(made.job, "latest", None)["id"] == "art_best"
    assert stores.judging.extractors.find(pets) is None
    assert make().job != made.job


def test_a_forgotten_extractor_is_made_anew_and_a_later_one_is_not_forgotten_with_it(stores, pets, make, finish):
    first = make()
    finish(checkpoint="art_a")
    stores.judging.extractors.forget(first.job)
    assert stores.datasets.find("pets", "alice")["extractor"] is None
    second = make()
    assert second.job != first.job
    # Another worker that had the first one finds it unreadable, too.
    stores.judging.extractors.forget(first.job)
    assert stores.judging.extractors.find(pets) == second


def test_a_job_that_waits_says_so_until_its_extractor_is_there(stores, new_job, make, finish):
    made = make()
    asked = {"waits_for": made.job, "dataset": "pets"}
    answered, _ = stores.jobs.submit(new_job(**asked))
    idle, _ = stores.jobs.submit(new_job(**asked, reason="no_live_worker"))
    other, _ = stores.jobs.submit(new_job())
    told = f"waiting for the extractor of data set pets, which job {made.job} is making"
    assert (answered["reason"], answered["reason_text"]["code"]) == (told, "awaits_extractor")
    (event,) = stores.events.page(answered["id"], 0, 10)
    assert (event["data"]["reason"], event["data"]["text"]["code"]) == (told, "awaits_extractor")

    def reasons():
        found = [stores.queries.jobs.job(one["id"], None)["reason"] for one in (answered, idle, other)]
        assert found == [one["reason"] for one in stores.queries.jobs.jobs(JobFilter(), 3, None)][::-1]
        return found

    assert reasons() == [told, "no_live_worker", None]
    finish(checkpoint="art_a")
    assert reasons() == [None, "no_live_worker", None]


@pytest.mark.parametrize("ending", [DONE, FAILED, Ending(Outcome.canceled)])
def test_a_job_that_waits_is_passed_over_until_the_other_has_ended(stores, new_job, worker, make, ending):
    made = make()
    waiting, _ = stores.jobs.submit(new_job(waits_for=made.job, priority=1))
    other, _ = stores.jobs.submit(new_job())
    assert stores.queries.jobs.job(waiting["id"], "alice")["waits_for"] == made.job
    head = stores.schedule.upcoming_jobs.next("cpu", None, 5)
    assert [(job["id"], job["lacks"]) for job in head] == [
        (waiting["id"], "extractor"),
        (made.job, None),
        (other["id"], None),
    ]
    # Its place is that of its turn, as for all that a claim may pass over.
    assert [job["position"] for job in head] == [1, 2, 3]
    claim = stores.jobs.claim("cpu", worker, "cpu")
    assert claim.job_id == made.job
    assert stores.jobs.claim("cpu", worker, "cpu").job_id == other["id"]
    assert stores.jobs.claim("cpu", worker, "cpu") is None
    stores.jobs.finish(claim, ending)
    assert [job["lacks"] for job in stores.schedule.upcoming_jobs.next("cpu", None, 5)] == [None]
    assert stores.jobs.claim("cpu", worker, "cpu").job_id == waiting["id"]


@pytest.mark.parametrize("ending", [FAILED, Ending(Outcome.canceled)])
def test_jobs_that_wait_in_vain_end_without_a_worker(stores, new_job, make, finish, ending):
    """Nobody has to take them to tell that their extractor will not come."""
    made = make()
    asked = {"waits_for": made.job, "dataset": "pets", "dataset_id": "ds_pets"}
    first, second, paused = (stores.jobs.submit(new_job(**asked))[0]["id"] for _ in range(3))
    stores.jobs.pause(paused, Local("alice"))
    assert stores.jobs.end_waits_in_vain() == [], "the extractor's job has not ended"
    finish(ending)
    assert set(stores.jobs.end_waits_in_vain()) == {first, second}
    job = stores.queries.jobs.job(first, None)
    assert (job["state"], job["error"]["code"], job["attempt"]) == ("failed", "extractor_failed", 0)
    assert f"({made.job}): see its error, then submit again" in job["error"]["detail"]
    assert job["finished_at"] is not None
    # Resumed, it waits in vain like the others.
    stores.jobs.resume(paused, Local("alice"))
    assert stores.jobs.end_waits_in_vain() == [paused]
    assert stores.jobs.end_waits_in_vain() == []


def test_no_worker_is_rung_for_a_job_that_waits(stores, new_job, worker, make):
    made = make()
    stores.jobs.submit(new_job(waits_for=made.job))
    stores.jobs.pause(made.job, Local("alice"))
    assert stores.jobs.ring_again(stores.fleet.alive_s, 0.0) == []
    stores.jobs.cancel(made.job, Local("alice"))
    assert stores.jobs.ring_again(stores.fleet.alive_s, 0.0) == ["cpu"]


def test_a_job_whose_extractor_another_one_has_made_meanwhile_is_not_ended(stores, new_job, worker, make, finish):
    first = make()
    waiting, _ = stores.jobs.submit(new_job(waits_for=first.job, dataset_id="ds_pets", priority=-1))
    finish(FAILED)
    make()
    finish(DONE, "art_b")
    assert stores.jobs.end_waits_in_vain() == []
    assert stores.jobs.claim("cpu", worker, "cpu").job_id == waiting["id"]


def test_an_interrupted_extractor_is_still_waited_for(stores, new_job, worker, make):
    made = make()
    waiting, _ = stores.jobs.submit(new_job(waits_for=made.job, priority=1))
    claim = stores.jobs.claim("cpu", worker, "cpu")
    stores.jobs.finish(claim, Ending(Outcome.interrupted))
    assert stores.jobs.claim("cpu", worker, "cpu").job_id == made.job
    assert stores.jobs.claim("cpu", worker, "cpu") is None
    assert stores.queries.jobs.job(waiting["id"], None)["state"] == "queued"


@pytest.mark.parametrize("gone", [False, True])
def test_the_checkpoint_of_an_extractor_is_kept_while_its_data_set_is_there(stores, make, finish, gone):
    made = make()
    finish(checkpoint="art_best")
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET finished_at = now() - interval '9 days'"))
        connection.execute(text("UPDATE artifacts SET created_at = now() - interval '9 days'"))
        if gone:
            connection.execute(text("UPDATE datasets SET deleted_at = now() WHERE id = 'ds_pets'"))
    assert stores.maintenance.retention.remove_old_artifacts(8).done == gone
    assert (stores.queries.jobs.checkpoint(made.job, "best", None) is None) == gone
