"""What retention policies take away of a project, and what they leave alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from models.ids import new_id
from models.states import ErrorCode, Outcome
from stores.accounts.audit import Local
from stores.infra.errors import ConflictError, NotFoundError
from stores.jobs.transitions import Ending
from stores.maintenance import policies
from stores.maintenance.periodic import Round
from stores.maintenance.policy_rules import Rules
from tests.waiting import until

ALICE = Local("alice")
WAITS = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


@pytest.fixture
def apply(stores):
    """Return a function that sets the policy of digits, and applies all policies until nothing is left to do."""

    def go(project="digits", owner="alice", **rules):
        stores.maintenance.policies.put(owner, project, Rules(**rules), ALICE)
        found = [stores.maintenance.policies.apply("")]
        while found[-1].more:
            found.append(stores.maintenance.policies.apply(found[-1].cursor))
        return sum(one.done for one in found), sum(one.bytes for one in found)

    return go


@pytest.fixture
def ended(leaver, stores):
    """Return a function that makes an ended job of digits with some checkpoints and grids, and returns its claim."""

    def make(days_ago=8.0, outcome=Outcome.succeeded, project="digits", **columns):
        claim = leaver.running(project=project, **columns)
        for n in range(4):
            leaver.file(claim, best=n == 0)
            leaver.file(claim, "grid")
        leaver.file(claim, "weights")
        code = ErrorCode.internal if outcome is Outcome.failed else None
        stores.jobs.finish(claim, Ending(outcome, code=code))
        leaver.age(claim.job_id, days_ago)
        return claim

    return make


def kinds(stores, claim):
    """Return the kinds of the files that a job still has, oldest first."""
    return [one["kind"] for one in stores.queries.jobs.artifacts(claim.job_id, (), 100, None)]


def mark(stores, claim, change):
    """Change a column of a job."""
    with stores.infra.engine.begin() as connection:
        connection.execute(text(f"UPDATE jobs SET {change} WHERE id = :id"), {"id": claim.job_id})


def trashed(stores, claim):
    """Return whether a job is in the trash."""
    return stores.queries.jobs.job(claim.job_id, None)["trashed_at"] is not None


def waits(stores):
    """Return whether a transaction waits for another one."""
    with stores.infra.engine.connect() as connection:
        return connection.scalar(WAITS)


def lines(stores, action):
    """Return the lines of the audit about an action."""
    return stores.accounts.audit.page(100, None, actions=[action])


def test_the_best_and_the_newest_checkpoints_and_the_newest_grid_stay(stores, leaver, ended, apply):
    old, young = ended(), ended(days_ago=6)
    before = {row["id"]: row for row in stores.queries.jobs.artifacts(old.job_id, (), 100, None)}

    done, size = apply(keep_checkpoints=2, checkpoints_after_days=7, grids_after_days=7)

    assert kinds(stores, old) == ["checkpoint", "checkpoint", "checkpoint", "grid", "weights"]
    assert len(kinds(stores, young)) == 9
    gone = [one for key, one in before.items() if key not in leaver.rows(old.job_id)]
    assert (done, size) == (4, sum(one["bytes"] for one in gone))
    assert len(leaver.objects()) == 9 + 5  # they went through the outbox
    (line,) = lines(stores, "job.thin")
    assert (line["owner"], line["subject"]) == ("alice", old.job_id)
    assert (line["before"]["checkpoints"], line["before"]["grids"], line["before"]["bytes"]) == (1, 3, size)
    assert stores.queries.jobs.job(old.job_id, None)["trashed_at"] is None


def test_newest_is_what_was_stored_last_whatever_the_clock_of_its_worker_said(stores, leaver, apply):
    claim = leaver.running(project="digits")
    ids = sorted((new_id("art") for _ in range(6)), reverse=True)
    for n, kind in enumerate(("checkpoint", "grid") * 3):
        leaver.file(claim, kind, made=ids[n])
    leaver.end(claim, days_ago=8)
    mark(stores, claim, "latest_checkpoint = NULL")  # which would keep it by itself
    assert apply(keep_checkpoints=2, checkpoints_after_days=7, grids_after_days=7)[0] == 1 + 2
    assert leaver.rows(claim.job_id) == sorted((ids[2], ids[4], ids[5]))
    mark(stores, claim, f"latest_checkpoint = '{ids[2]}'")
    assert apply(keep_checkpoints=1, checkpoints_after_days=7) == (0, 0)  # what the job goes on from stays


def test_a_rule_for_checkpoints_stands_in_place_of_the_setting(stores, ended):
    digits, faces = ended(), ended(project="faces")
    stores.maintenance.policies.put("alice", "digits", Rules(checkpoints_after_days=30), ALICE)
    stores.maintenance.policies.put("alice", "faces", Rules(grids_after_days=30), ALICE)
    stores.maintenance.policies.put("bob", "faces", Rules(checkpoints_after_days=30), Local("bob"))
    assert stores.maintenance.retention.thin_checkpoints("", 7, every=0).done == 2
    assert [kinds(stores, one).count("checkpoint") for one in (digits, faces)] == [4, 2]


def test_failed_jobs_go_earlier_than_others(stores, ended, apply):
    failed, canceled = ended(outcome=Outcome.failed), ended(outcome=Outcome.canceled)
    succeeded, old = ended(), ended(days_ago=31)

    assert apply(failed_after_days=7, ended_after_days=30) == (3, 0)

    assert [trashed(stores, one) for one in (failed, canceled, succeeded, old)] == [True, True, False, True]
    moved = {line["subject"]: line for line in lines(stores, "job.delete")}
    assert moved.keys() == {failed.job_id, canceled.job_id, old.job_id}
    (policy,) = stores.maintenance.policies.all("alice")
    assert moved[old.job_id]["after"] == {"policy": policy["id"]}
    assert moved[old.job_id]["owner"] == "alice"


def test_stars_other_projects_other_owners_and_unfinished_jobs_are_left_alone(stores, leaver, ended, apply):
    starred, other, bobs, without = ended(), ended(project="faces"), ended(owner="bob"), ended(project=None)
    mark(stores, starred, "starred = true")
    running = leaver.running(project="digits")
    for _ in range(3):
        leaver.file(running)

    assert apply(checkpoints_after_days=0, grids_after_days=0, ended_after_days=1) == (0, 0)

    for one in (starred, other, bobs, without):
        assert len(kinds(stores, one)) == 9
        assert not trashed(stores, one)
    assert len(kinds(stores, running)) == 3


def test_what_an_unfinished_job_needs_stays_until_it_has_ended(stores, leaver, ended, apply, new_job):
    claim = ended()
    promised = leaver.rows(claim.job_id)[2]  # neither the best nor the newest
    source = {"job": claim.job_id, "checkpoint": promised}
    needing, _ = stores.jobs.submit(
        new_job(kind="sample", dataset=None, dataset_id=None, source=source, source_artifact=promised)
    )
    preview = stores.maintenance.policies.preview("alice", "digits", Rules(1, 0, None, None, 1))
    assert (preview["trash"]["jobs"], preview["checkpoints"]["objects"]) == (0, 1)

    assert apply(checkpoints_after_days=0, ended_after_days=1)[0] == 1
    assert promised in leaver.rows(claim.job_id)
    assert not trashed(stores, claim)

    stores.jobs.cancel(needing["id"], ALICE)
    assert apply(checkpoints_after_days=0, ended_after_days=1)[0] == 1
    assert trashed(stores, claim)


@pytest.mark.parametrize("outcome", [Outcome.succeeded, Outcome.failed])
def test_a_restored_job_has_its_time_once_more(stores, ended, apply, outcome):
    claim = ended(outcome=outcome)
    rules = {"ended_after_days": 7, "failed_after_days": 7}
    assert apply(**rules) == (1, 0)
    stores.jobs.trash.restore(claim.job_id, ALICE)
    # Its files, too: they would be gone for good.
    assert apply(checkpoints_after_days=7, grids_after_days=7, **rules) == (0, 0)
    assert not trashed(stores, claim)
    assert len(kinds(stores, claim)) == 9
    mark(stores, claim, "restored_at = now() - interval '8 days'")
    assert apply(checkpoints_after_days=7, grids_after_days=7)[0] == 2 + 3
    assert apply(**rules) == (1, 0)


@pytest.mark.parametrize("rules", [Rules(ended_after_days=1), Rules(checkpoints_after_days=1, grids_after_days=1)])
def test_a_policy_that_is_deleted_meanwhile_takes_nothing(stores, ended, rules):
    claim = ended()
    policy = stores.maintenance.policies.put("alice", "digits", rules, ALICE)
    with ThreadPoolExecutor(1) as sweeper, stores.infra.engine.begin() as connection:
        connection.execute(text("DELETE FROM retention_policies"))
        round_ = sweeper.submit(stores.maintenance.policies.apply, "")
        until(lambda: waits(stores), 10)
        connection.commit()
        assert round_.result(10) == Round(cursor=policy["id"], more=True)
    assert len(kinds(stores, claim)) == 9
    assert not trashed(stores, claim)


def test_a_preview_tells_what_goes_and_changes_nothing(stores, leaver, ended, apply):
    thinned, old = ended(name="thinned"), ended(days_ago=40, name="old")
    rules = Rules(checkpoints_after_days=7, grids_after_days=7, ended_after_days=30)

    preview = stores.maintenance.policies.preview("alice", "digits", rules)

    size = sum(row["bytes"] for row in stores.queries.jobs.artifacts(old.job_id, (), 100, None))
    assert preview["trash"] == {
        "jobs": 1,
        "objects": 9,
        "bytes": size,
        "examples": [{"job": old.job_id, "name": "old", "recipe": "mlp_gan", "objects": 9, "bytes": size}],
    }
    assert [preview[kind]["objects"] for kind in ("checkpoints", "grids")] == [2, 3]
    assert preview["grids"]["examples"][0]["job"] == thinned.job_id
    assert len(kinds(stores, thinned)) == 9
    assert not trashed(stores, old)
    told = preview["checkpoints"]["bytes"] + preview["grids"]["bytes"]
    assert apply(**vars(rules)) == (6, told)
    again = stores.maintenance.policies.preview("alice", "digits", rules)
    assert [again[kind]["jobs"] for kind in ("trash", "checkpoints", "grids")] == [0, 0, 0]


def test_rounds_pass_all_jobs_of_all_policies(stores, ended, apply, monkeypatch):
    monkeypatch.setattr(policies, "JOBS", 2)
    claims = [ended() for _ in range(5)]
    faces = ended(project="faces")
    stores.maintenance.policies.put("alice", "faces", Rules(grids_after_days=7), ALICE)
    assert apply(grids_after_days=7)[0] == 3 * 6
    assert [kinds(stores, one).count("grid") for one in (*claims, faces)] == [1] * 6


def test_a_policy_that_is_deleted_in_the_middle_of_its_jobs_leaves_all_jobs_to_the_next(stores, ended, monkeypatch):
    monkeypatch.setattr(policies, "JOBS", 2)
    faces = ended(project="faces")
    for _ in range(3):
        ended()
    first = stores.maintenance.policies.put("alice", "digits", Rules(grids_after_days=7), ALICE)
    stores.maintenance.policies.put("alice", "faces", Rules(grids_after_days=7), ALICE)
    begun = stores.maintenance.policies.apply("")
    assert begun.cursor.startswith(f"{first['id']} ")
    stores.maintenance.policies.delete(first["id"], ALICE)
    assert stores.maintenance.policies.apply(begun.cursor).done == 3
    assert kinds(stores, faces).count("grid") == 1


def test_a_policy_takes_the_place_of_the_one_before_and_is_due_at_once(stores):
    stores.maintenance.periodic.take(policies.CHORE, 3600)
    assert stores.maintenance.periodic.take(policies.CHORE, 3600) == ""
    assert stores.maintenance.periodic.take(policies.CHORE, 3600) is None
    first = stores.maintenance.policies.put("alice", "digits", Rules(grids_after_days=7), ALICE)
    assert stores.maintenance.periodic.take(policies.CHORE, 3600) == ""
    second = stores.maintenance.policies.put("alice", "digits", Rules(grids_after_days=9), ALICE)
    assert [one["id"] for one in stores.maintenance.policies.all(None)] == [second["id"]]
    newer, older = lines(stores, "retention.set")
    assert (older["before"], newer["before"]["grids_after_days"], newer["after"]["grids_after_days"]) == (None, 7, 9)
    with pytest.raises(NotFoundError):
        stores.maintenance.policies.delete(first["id"], ALICE)
    with pytest.raises(NotFoundError):
        stores.maintenance.policies.delete(second["id"], Local("bob"))
    stores.maintenance.policies.delete(second["id"], ALICE)
    assert stores.maintenance.policies.all(None) == []
    assert len(lines(stores, "retention.delete")) == 1


def test_an_owner_has_so_many_policies(stores, monkeypatch):
    monkeypatch.setattr(policies, "MAX_POLICIES", 2)
    for project in ("a", "b", "b"):
        stores.maintenance.policies.put("alice", project, Rules(grids_after_days=7), ALICE)
    stores.maintenance.policies.put("bob", "c", Rules(grids_after_days=7), Local("bob"))
    with pytest.raises(ConflictError):
        stores.maintenance.policies.put("alice", "c", Rules(grids_after_days=7), ALICE)
