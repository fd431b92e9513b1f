"""What a reader finds of a job whose files, events and curves were not kept."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from stores.container import Stores
from tests.api.conftest import Bench, Finished, Person
from tests.evaluations import evaluated, result

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


@pytest.mark.parametrize(("kind", "count"), [("sample", 4), ("evaluate", 200)])
def test_sampling_from_it_and_evaluating_it_are_refused_with_the_reason(
    forgotten: Finished, alice: Person, kind: str, count: int
) -> None:
    source = {"job": forgotten.id, "checkpoint": "latest"}
    answer = alice.post("/v1/jobs", json={"kind": kind, "source": source, "params": {"count": count}, "queue": "cpu"})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json["errors"]] == ["/source/checkpoint"]


def test_an_evaluation_keeps_its_result_when_its_files_are_gone(
    finished: Finished, alice: Person, bench: Bench, stores: Stores
) -> None:
    evaluation = evaluated(alice, bench, finished.id)
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET finished_at = finished_at - interval '31 days'"))
        connection.execute(text("UPDATE artifacts SET created_at = created_at - interval '31 days'"))
    stores.maintenance.retention.remove_old_events("", 30)
    stores.maintenance.retention.remove_old_artifacts(30)
    job = alice.get(f"/v1/jobs/{evaluation}").json
    assert job["result"]["summary"] == result()["summary"]
    assert job["fd_ratio"] == result()["fidelity"]["fd_ratio"]
    assert [one["id"] for one in alice.get("/v1/jobs?sort=fd_ratio&kind=evaluate").json["data"]] == [evaluation]
    assert alice.get(f"/v1/jobs/{evaluation}/artifacts").json["data"] == []
