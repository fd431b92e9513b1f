"""A real sweeper tidies up while it sweeps."""

from __future__ import annotations

import os
import signal

from sqlalchemy import text

from models.ids import new_id
from stores.jobs.attempts import NewArtifact
from stores.jobs.transitions import Ending, Outcome
from tests.waiting import until

SETTINGS = {
    "GANFORGE_CHORE_S": "0.2",
    "GANFORGE_WALK_S": "0.2",
    "GANFORGE_ORPHAN_AGE_S": "60",
    "GANFORGE_KEEP_ARTIFACTS_DAYS": "30",
    "GANFORGE_KEEP_EVENTS_DAYS": "30",
}


def chores(stores) -> dict[str, dict]:
    """Return what the chores came to, by name."""
    return {chore["name"]: chore for chore in stores.maintenance.periodic.all()}


def test_two_sweepers_remove_what_is_old_and_say_what_they_did(fleet, stores, submit, tmp_path):
    job_id = submit()
    worker = stores.fleet.workers.register("by hand", "cpu", {"kind": "cpu"})
    claim = stores.jobs.claim("cpu", worker, "cpu")
    path = tmp_path / "weights"
    path.write_bytes(b"weights")
    for number in range(3):
        key = f"jobs/{job_id}/{claim.fence}/{number}"
        stores.infra.blobs.put(key, path, "application/octet-stream")
        stores.jobs.add_artifact(
            claim, NewArtifact(new_id("art"), "weights", "w", 1, 1, 7, "0" * 64, "application/octet-stream", key)
        )
    stores.infra.blobs.remove(key)
    stores.jobs.finish(claim, Ending(Outcome.succeeded))

    first, _ = (fleet.sweeper(**SETTINGS) for _ in range(2))
    until(lambda: stores.queries.prometheus.missing() == 1, 60, "the sweep that misses an object")
    with stores.infra.engine.begin() as connection:
        for table, column in (("jobs", "finished_at"), ("artifacts", "created_at")):
            connection.execute(text(f"UPDATE {table} SET {column} = {column} - interval '31 days'"))
    os.killpg(first.pid, signal.SIGKILL)

    until(lambda: chores(stores).get("old_artifacts", {}).get("done") == 3, 60, "the end of the old files")
    assert stores.queries.jobs.artifacts(job_id, (), 10, None) == []
    until(lambda: stores.infra.blobs.page("jobs/", "", 10) == [], 60, "the end of their objects")
    # The queued event has no cause to stay but that it tells the job's life; the three of the files are gone.
    until(lambda: chores(stores).get("old_events", {}).get("done") == 3, 60, "the end of the old events")
    assert [event["type"] for event in stores.events.page(job_id, 0, 10)] == ["state", "state", "state"]
    assert chores(stores)["old_artifacts"]["bytes"] == 21
    # Killed between taking and noting a sweep, the first leaves the next note to the second one, 5 s later.
    until(lambda: chores(stores)["sweep"]["age_s"] is not None, 60, "the note of a sweep")
    assert chores(stores)["sweep"]["age_s"] < 30
    assert stores.queries.prometheus.missing() == 0
