"""What a reader finds of a job whose files, events and curves were not kept."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from stores.container import Stores
from tests.api.conftest import Finished, Person

STREAM = {"Accept": "text/event-stream"}


@pytest.fixture
def forgotten(finished: Finished, stores: Stores) -> Finished:
    """Return a job that ended a month ago, after retention has been there."""
    with stores.infra.engine.begin() as connection:
        for table, column in (("jobs", "finished_at"), ("artifacts", "created_at")):
            connection.execute(text(f"UPDATE {table} SET {column} = {column} - interval '31 days'"))
    assert stores.maintenance.retention.remove_old_events("", 30).done == 4
    assert stores.maintenance.retention.remove_old_artifacts(30).done == 2
    return finished


def test_the_job_is_still_told_of(forgotten: Finished, alice: Person) -> None:
    job = alice.get(f"/v1/jobs/{forgotten.id}").json
    assert job["state"] == "succeeded"
    assert alice.get(f"/v1/jobs/{forgotten.id}/attempts").json["data"][0]["outcome"] == "succeeded"
    assert alice.get(f"/v1/jobs/{forgotten.id}/artifacts").json["data"] == []
    assert alice.get(f"/v1/jobs/{forgotten.id}/metrics").json == {"series": {}}
    assert alice.get(f"/v1/artifacts/{forgotten.checkpoint}").status_code == 404


@pytest.mark.parametrize("seen", [None, "3"])
def test_a_stream_tells_what_is_left_and_ends(forgotten: Finished, alice: Person, seen: str | None) -> None:
    headers = STREAM if seen is None else {**STREAM, "Last-Event-ID": seen}
    told = alice.get(f"/v1/jobs/{forgotten.id}/events", headers=headers).text
    assert told.endswith("event: end\ndata: {}\n\n")
    assert told.count("event: state") == (3 if seen is None else 1)
    assert told.count("event: metric") == 0


def test_the_last_id_is_still_the_last(forgotten: Finished, alice: Person) -> None:
    last = alice.get(f"/v1/jobs/{forgotten.id}").json["last_seq"]
    again = alice.get(f"/v1/jobs/{forgotten.id}/events", headers={**STREAM, "Last-Event-ID": str(last)})
    assert again.status_code == 204


def test_sampling_from_it_is_refused_with_the_reason(forgotten: Finished, alice: Person) -> None:
    source = {"job": forgotten.id, "checkpoint": "latest"}
    answer = alice.post("/v1/jobs", json={"kind": "sample", "source": source, "params": {"count": 4}, "queue": "cpu"})
    assert answer.status_code == 422
    assert "checkpoint" in answer.text
