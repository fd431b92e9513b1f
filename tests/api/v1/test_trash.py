"""DELETE /v1/jobs/{id}, restoring, purging, and DELETE /v1/artifacts/{id}"""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from models.ids import new_id
from stores.container import Stores
from tests.api.conftest import Bench, Finished, Person, Pointers


def _ids(person: Person, query: str = "") -> list[str]:
    return [job["id"] for job in person.get(f"/v1/jobs{query}").json["data"]]


def _bulk(person: Person, action: str, expected: int, **filter_: Any) -> Any:
    return person.post("/v1/jobs/bulk", json={"action": action, "filter": filter_, "expected": expected})


def _sample(job_id: str, checkpoint: str = "latest") -> dict[str, Any]:
    source = {"job": job_id, "checkpoint": checkpoint}
    return {"kind": "sample", "source": source, "params": {"count": 4, "output": "grid"}}


def _put_back(stores: Stores, job_id: str, days: float) -> None:
    with stores.infra.engine.begin() as connection:
        past = text("UPDATE jobs SET trashed_at = trashed_at - make_interval(secs => :s) WHERE id = :job")
        connection.execute(past, {"s": 86_400 * days, "job": job_id})


def test_a_deleted_job_is_in_the_trash_and_can_be_restored(alice: Person, finished: Finished) -> None:
    address = f"/v1/jobs/{finished.id}"
    before = alice.get(address).json
    assert before["trashed_at"] is None

    answer = alice.ask("DELETE", address)

    assert (answer.status_code, answer.data) == (204, b"")
    assert alice.ask("DELETE", address).status_code == 204
    assert (_ids(alice), _ids(alice, "?trashed=true"), _ids(alice, "?trashed=false")) == ([], [finished.id], [])
    shown = alice.get(address).json
    assert shown["trashed_at"] > before["finished_at"]
    assert {**shown, "trashed_at": None} == before
    assert alice.get(f"/v1/artifacts/{finished.grid}").status_code == 200

    restored = alice.post(f"{address}/restore")
    assert (restored.status_code, restored.json) == (200, before)
    assert alice.post(f"{address}/restore").json == before
    assert (_ids(alice), _ids(alice, "?trashed=true")) == ([finished.id], [])


def test_each_change_of_the_trash_is_in_the_audit_once(alice: Person, admin: Person, finished: Finished) -> None:
    address = f"/v1/jobs/{finished.id}"
    for _ in range(2):
        alice.ask("DELETE", address)
    for _ in range(2):
        alice.post(f"{address}/restore")
    alice.ask("DELETE", f"{address}?purge=true")
    lines = admin.get(f"/v1/audit?subject={finished.id}").json["data"]
    assert [line["action"] for line in lines][:3] == ["job.purge", "job.restore", "job.delete"]
    assert lines[2]["before"] == {"owner": "alice", "name": "digits", "kind": "train", "state": "succeeded"}
    assert {line["owner"] for line in lines} == {"alice"}


def test_strangers_and_viewers_delete_nothing(alice: Person, bob: Person, carol: Person, finished: Finished) -> None:
    job, artifact = f"/v1/jobs/{finished.id}", f"/v1/artifacts/{finished.grid}"
    calls = [("DELETE", job), ("DELETE", f"{job}?purge=true"), ("POST", f"{job}/restore"), ("DELETE", artifact)]
    for method, address in calls:
        assert bob.ask(method, address).status_code == 404, address
        assert carol.ask(method, address).status_code == 403, address
    alice.ask("DELETE", job)
    assert bob.post(f"{job}/restore").status_code == 404
    assert _ids(bob, "?trashed=true") == []
    assert _bulk(bob, "purge", 0).json["changed"] == 0
    assert _ids(carol, "?trashed=true") == [finished.id]
    assert alice.post(f"{job}/restore").status_code == 200


def test_an_unfinished_job_must_be_canceled_first(alice: Person) -> None:
    job = alice.submit()["id"]
    for query in ("", "?purge=true"):
        refused = alice.ask("DELETE", f"/v1/jobs/{job}{query}")
        assert (refused.status_code, refused.json["code"], refused.json["state"]) == (409, "conflict", "queued")
        assert "cancel it first" in refused.json["detail"]
        assert "cancel" in refused.json["allowed"]
    alice.post(f"/v1/jobs/{job}/cancel")
    assert alice.ask("DELETE", f"/v1/jobs/{job}").status_code == 204


def test_what_an_unfinished_job_needs_is_refused_with_its_name(alice: Person, finished: Finished) -> None:
    sample = alice.post("/v1/jobs", json=_sample(finished.id)).json["id"]
    for address in (f"jobs/{finished.id}", f"jobs/{finished.id}?purge=true", f"artifacts/{finished.checkpoint}"):
        refused = alice.ask("DELETE", f"/v1/{address}")
        assert refused.status_code == 409, address
        assert sample in refused.json["detail"]
    bulk = _bulk(alice, "delete", 1, state="succeeded").json
    assert (bulk["changed"], bulk["unchanged"]) == (0, 1)
    assert bulk["problems"][0]["job"] == finished.id
    assert sample in bulk["problems"][0]["detail"]

    alice.post(f"/v1/jobs/{sample}/cancel")
    assert alice.ask("DELETE", f"/v1/artifacts/{finished.checkpoint}").status_code == 204
    assert alice.ask("DELETE", f"/v1/jobs/{finished.id}").status_code == 204


def test_nothing_is_made_from_a_job_in_the_trash(alice: Person, finished: Finished, pointers: Pointers) -> None:
    alice.ask("DELETE", f"/v1/jobs/{finished.id}")
    evaluate = {"kind": "evaluate", "source": {"job": finished.id}, "params": {}}
    for body in (_sample(finished.id), _sample(finished.id, finished.checkpoint), evaluate):
        assert "restore it first" in pointers(alice.post("/v1/jobs", json=body))["/source/job"]
    refused = alice.post(f"/v1/jobs/{finished.id}/retry")
    assert (refused.status_code, refused.json["allowed"]) == (409, ["restore"])
    assert "restore it first" in refused.json["detail"]
    alice.post(f"/v1/jobs/{finished.id}/restore")
    assert alice.post("/v1/jobs", json=_sample(finished.id)).status_code == 201


def test_a_purged_job_is_gone_at_once_and_its_files_soon(
    alice: Person, finished: Finished, stores: Stores, bench: Bench
) -> None:
    child = alice.post(f"/v1/jobs/{finished.id}/retry").json["id"]
    address = f"/v1/jobs/{finished.id}"

    assert alice.ask("DELETE", f"{address}?purge=true").status_code == 204

    parts = ("", "/events", "/metrics", "/attempts", "/artifacts")
    for path in (*(address + part for part in parts), f"/v1/artifacts/{finished.grid}"):
        assert alice.get(path).status_code == 404, path
    for method, path in (("POST", f"{address}/restore"), ("DELETE", address), ("PATCH", address)):
        assert alice.ask(method, path, json={}).status_code == 404, path
    assert alice.post(f"{address}/retry").status_code == 404
    assert (_ids(alice), _ids(alice, "?trashed=true")) == ([child], [])
    while stores.maintenance.purge.remove().done:
        pass
    stores.maintenance.doomed_objects.remove("")
    assert stores.infra.blobs.page("jobs/", "", 10) == []
    assert alice.get(f"/v1/jobs/{child}").json["parent"] is None


def test_a_job_is_gone_when_its_time_in_the_trash_is_over(alice: Person, finished: Finished, stores: Stores) -> None:
    alice.ask("DELETE", f"/v1/jobs/{finished.id}")
    _put_back(stores, finished.id, 6.9)
    assert stores.jobs.trash.purge_expired() == 0
    assert alice.post(f"/v1/jobs/{finished.id}/restore").status_code == 200
    alice.ask("DELETE", f"/v1/jobs/{finished.id}")
    _put_back(stores, finished.id, 7.1)
    assert alice.post(f"/v1/jobs/{finished.id}/restore").status_code == 404
    assert stores.jobs.trash.purge_expired() == 1
    assert alice.get(f"/v1/jobs/{finished.id}").status_code == 404


def test_many_jobs_are_deleted_restored_and_purged(alice: Person, bob: Person) -> None:
    teams = ("a", "a", "a", "b")
    jobs = [alice.submit(labels={"team": team})["id"] for team in teams]
    bob.submit(labels={"team": "a"})
    for job in jobs[1:]:
        alice.post(f"/v1/jobs/{job}/cancel")

    assert _bulk(alice, "delete", 2, label="team=a").json["matched"] == 3  # it was told, and nothing done
    done = _bulk(alice, "delete", 3, label="team=a").json
    assert done == {"matched": 3, "changed": 2, "unchanged": 1, "problems": []}
    assert sorted(_ids(alice, "?trashed=true")) == sorted(jobs[1:3])
    assert _bulk(alice, "restore", 2, trashed=True).json["changed"] == 2
    assert len(_ids(alice)) == 4
    _bulk(alice, "delete", 3, state="canceled")
    assert _bulk(alice, "purge", 2, label="team=a").json["changed"] == 2
    assert (_ids(alice), _ids(alice, "?trashed=true")) == ([jobs[0]], [jobs[3]])
    assert len(_ids(bob)) == 1


@pytest.mark.parametrize(
    ("action", "trashed"), [("purge", False), ("restore", False), ("delete", True), ("retry", True)]
)
def test_an_action_is_about_the_trash_or_about_the_others(
    alice: Person, pointers: Pointers, action: str, trashed: bool
) -> None:
    assert list(pointers(_bulk(alice, action, 0, trashed=trashed))) == ["/filter/trashed"]


def test_the_quota_falls_at_once_and_restoring_needs_room(
    alice: Person, admin: Person, finished: Finished, stores: Stores
) -> None:
    stored = alice.get("/v1/storage").json["bytes"]
    assert stored == len(b"weights") + len(b"picture")
    alice.ask("DELETE", f"/v1/jobs/{finished.id}")
    assert alice.get("/v1/storage").json["bytes"] == 0
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE keys SET quota_stored_bytes = 13 WHERE owner = 'alice'"))
    refused = alice.post(f"/v1/jobs/{finished.id}/restore")
    assert (refused.status_code, refused.json["code"]) == (409, "conflict")
    assert "quota `stored_bytes`" in refused.json["detail"]
    bulk = _bulk(alice, "restore", 1).json
    assert (bulk["changed"], bulk["unchanged"], bulk["problems"][0]["job"]) == (0, 1, finished.id)
    assert _bulk(admin, "restore", 1).json["changed"] == 1
    assert alice.get("/v1/storage").json["bytes"] == stored


def test_one_file_is_deleted_for_good(alice: Person, admin: Person, finished: Finished, stores: Stores) -> None:
    address = f"/v1/artifacts/{finished.grid}"
    answer = alice.ask("DELETE", address)
    assert (answer.status_code, answer.data) == (204, b"")
    assert alice.get(address).status_code == 404
    assert alice.ask("DELETE", address).status_code == 404
    kinds = [row["kind"] for row in alice.get(f"/v1/jobs/{finished.id}/artifacts").json["data"]]
    assert kinds == ["checkpoint"]
    (line,) = admin.get("/v1/audit?action=artifact.delete").json["data"]
    assert (line["subject"], line["before"]["name"], line["before"]["bytes"]) == (finished.grid, "epoch-1.png", 7)
    stores.maintenance.doomed_objects.remove("")
    assert len(stores.infra.blobs.page("jobs/", "", 10)) == 1


def test_what_a_job_resumes_from_stays_while_it_has_not_ended(alice: Person, bench: Bench) -> None:
    job = alice.submit()["id"]
    claim = bench.claim()
    first, latest = (
        bench.artifact(claim, "checkpoint", f"{n}.safetensors", b"weights", "application/octet-stream") for n in (1, 2)
    )
    refused = alice.ask("DELETE", f"/v1/artifacts/{latest}")
    assert refused.status_code == 409
    assert "would resume from this file" in refused.json["detail"]
    assert alice.ask("DELETE", f"/v1/artifacts/{first}").status_code == 204
    bench.finish(claim)
    assert alice.ask("DELETE", f"/v1/artifacts/{latest}").status_code == 204
    assert alice.get(f"/v1/jobs/{job}").json["checkpoints"] == {"best": None, "latest": None}


@pytest.mark.parametrize("path", ["jobs/no", "jobs/{job}", "artifacts/no", "artifacts/{art}"])
def test_what_is_not_there_is_a_404(alice: Person, path: str) -> None:
    filled = path.format(job=new_id("job"), art=new_id("art"))
    assert alice.ask("DELETE", f"/v1/{filled}").status_code == 404
    assert alice.post(f"/v1/{filled}/restore").status_code in {404, 405}


def test_purge_is_a_switch(alice: Person, finished: Finished, pointers: Pointers) -> None:
    assert list(pointers(alice.ask("DELETE", f"/v1/jobs/{finished.id}?purge=yes"))) == ["/query/purge"]
    assert list(pointers(alice.get("/v1/jobs?trashed=1"))) == ["/query/trashed"]
