"""What was drawn from a training job."""

from __future__ import annotations

import pytest

from models.ids import new_id
from stores.jobs.attempts import NewArtifact
from stores.queries.samples import DRAWN


@pytest.fixture
def trained(stores, worker, new_job):
    """Return a running training job of alice's, and its checkpoint at step 7 of epoch 2."""
    view, _ = stores.jobs.submit(new_job())
    claim = stores.jobs.claim("cpu", worker, "cpu")
    checkpoint = NewArtifact(new_id("art"), "checkpoint", "step-7", 7, 2, 1, "0" * 64, "application/octet-stream", "a")
    stores.jobs.add_artifact(claim, checkpoint)
    return view["id"], checkpoint.id


@pytest.fixture
def draw(stores, new_job, trained):
    """Return a function that submits a sampling job of it and returns its id."""

    def submit(**changes):
        source = {"job": trained[0], "checkpoint": "latest"}
        made = {"kind": "sample", "source": source, "source_artifact": trained[1], "params": {"seed": 1}}
        return stores.jobs.submit(new_job(**{**made, **changes}))[0]["id"]

    return submit


def test_samples_of_a_job_come_newest_first_with_their_files_and_where_they_were_drawn_from(
    stores, worker, draw, trained
):
    first, second = draw(), draw()
    claim = stores.jobs.claim("cpu", worker, "cpu")
    names = ("translated.png", "translated.zip")
    for name in names:
        made = NewArtifact(new_id("art"), "samples", name, 7, 2, 1, "0" * 64, "image/png", name)
        stores.jobs.add_artifact(claim, made)
    report = NewArtifact(new_id("art"), "report", "report.json", 7, 2, 1, "0" * 64, "application/json", "r")
    stores.jobs.add_artifact(claim, report)
    found = stores.queries.samples.of(trained[0], "alice", 10)
    assert [one["id"] for one in found] == [second, first]
    assert [[file["name"] for file in one["files"]] for one in found] == [[], list(names)]
    assert found[0]["drawn_from"] == {"step": 7, "epoch": 2}
    assert (found[0]["state"], found[1]["state"]) == ("queued", "running")
    assert [one["id"] for one in stores.queries.samples.of(trained[0], "alice", 1)] == [second]


def test_samples_are_their_owners_and_a_retry_from_a_checkpoint_is_none(stores, draw, trained, new_job):
    mine, bobs = draw(), draw(owner="bob")
    source = {"job": trained[0], "checkpoint": "latest"}
    stores.jobs.submit(new_job(source=source, source_artifact=trained[1], parent=trained[0]))
    assert [one["id"] for one in stores.queries.samples.of(trained[0], "alice", 10)] == [mine]
    assert [one["id"] for one in stores.queries.samples.of(trained[0], None, 10)] == [bobs, mine]
    assert stores.queries.samples.of(mine, None, 10) == []


def test_a_checkpoint_that_is_not_kept_is_not_named(stores, draw, trained):
    draw(source_artifact=None)
    assert stores.queries.samples.of(trained[0], "alice", 10)[0]["drawn_from"] is None


def test_samples_are_found_without_walking_past_other_jobs(stores, draw, trained):
    draw()
    # As a statement that the driver has prepared runs in the end: planned without its values.
    asked = str(DRAWN).replace(":job", "$1").replace(":owner", "$2").replace(":limit", "$3")
    with stores.infra.engine.begin() as connection:
        for setting in ("enable_seqscan = off", "plan_cache_mode = force_generic_plan"):
            connection.exec_driver_sql(f"SET LOCAL {setting}")
        connection.exec_driver_sql(f"PREPARE drawn (text, text, int) AS {asked}")
        explain = f"EXPLAIN EXECUTE drawn ('{trained[0]}', 'alice', 12)"
        plan = "\n".join(connection.exec_driver_sql(explain).scalars())
    assert "ix_jobs_drawn_from" in plan, plan
    assert "Sort" not in plan, plan
