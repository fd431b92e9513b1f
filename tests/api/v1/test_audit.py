"""GET /v1/audit: every change by a person is a line, and lines stay"""

from __future__ import annotations

import pytest
from sqlalchemy.exc import ProgrammingError

from stores.container import Stores
from tests.api.conftest import Finished, Person, Upload
from tests.api.uploads.archives import pictures, zipped


def _lines(admin: Person, query: str = "") -> list[tuple[str, str, str]]:
    rows = admin.get(f"/v1/audit?limit=100{query}").json["data"]
    return [(row["owner"], row["action"], row["subject"]) for row in rows]


def test_every_verb_leaves_one_line_however_often_it_is_asked(
    alice: Person, admin: Person, worker: str, finished: Finished
) -> None:
    job = alice.submit()["id"]
    path = f"/v1/jobs/{job}"
    for _ in range(2):
        assert alice.ask("PATCH", path, json={"priority": 5, "name": "new"}).status_code == 200
    for verb in ("pause", "resume", "cancel"):
        for _ in range(2):
            alice.post(f"{path}/{verb}")
    again = alice.post(f"{path}/retry", json={"params": {"epochs": 9}}).json["id"]
    assert _lines(admin, f"&subject={job}&subject={again}") == [
        ("alice", "job.retry", again),
        ("alice", "job.cancel", job),
        ("alice", "job.resume", job),
        ("alice", "job.pause", job),
        ("alice", "job.change", job),
        ("alice", "job.create", job),
    ]
    for path in ("/v1/queues/cpu/pause", "/v1/queues/cpu/resume", f"/v1/workers/{worker}/drain"):
        for _ in range(2):
            admin.post(path)
    admin.post(f"/v1/workers/{worker}/undrain")
    order = {"action": "cancel", "filter": {"state": "queued"}, "expected": 1}
    assert alice.post("/v1/jobs/bulk", json=order).status_code == 202
    assert _lines(admin)[:6] == [
        ("alice", "job.bulk", "jobs"),
        ("alice", "job.cancel", again),
        ("root", "worker.undrain", worker),
        ("root", "worker.drain", worker),
        ("root", "queue.resume", "cpu"),
        ("root", "queue.pause", "cpu"),
    ]


def test_a_line_tells_who_with_which_key_and_what_was_before_and_after(alice: Person, admin: Person) -> None:
    job = alice.submit(priority=1, labels={"a": "1"})["id"]
    admin.ask("PATCH", f"/v1/jobs/{job}", json={"priority": 5, "labels": {"a": "1"}})
    changed, made = admin.get(f"/v1/audit?subject={job}").json["data"]
    assert (changed["owner"], changed["key"], changed["action"]) == ("root", admin.key_id, "job.change")
    assert (changed["before"], changed["after"]) == ({"priority": 1}, {"priority": 5})
    assert (made["key"], made["before"], made["after"]["labels"]) == (alice.key_id, None, {"a": "1"})
    assert made["at"] < changed["at"]


def test_what_was_refused_leaves_no_line(finished: Finished, alice: Person, bob: Person, admin: Person) -> None:
    before = _lines(admin)
    alice.post(f"/v1/jobs/{finished.id}/cancel")
    bob.post(f"/v1/jobs/{finished.id}/retry")
    alice.post("/v1/jobs/bulk", json={"action": "retry", "filter": {}, "expected": 5})
    alice.post("/v1/jobs", json={})
    alice.post("/v1/jobs?dry_run=true", json={"kind": "train", "recipe": "mlp_gan", "dataset": "mnist-10k"})
    assert _lines(admin) == before


def test_keys_and_data_sets_are_in_it_without_a_secret(
    alice: Person, admin: Person, upload: Upload, stores: Stores
) -> None:
    made = admin.post("/v1/keys", json={"name": "dora", "quotas": {"queued": 3}}).json
    admin.ask("DELETE", f"/v1/keys/{made['id']}")
    dataset = upload(alice, zipped(pictures(16))).json["id"]
    alice.ask("DELETE", f"/v1/datasets/{dataset}")
    rows = admin.get("/v1/audit?limit=4").json["data"]
    assert [(row["action"], row["subject"]) for row in rows] == [
        ("dataset.delete", dataset),
        ("dataset.upload", dataset),
        ("key.revoke", made["id"]),
        ("key.create", made["id"]),
    ]
    assert rows[3]["after"] == {
        "name": "dora",
        "owner": "dora",
        "role": "user",
        "quotas": {"queued": 3, "running": None, "stored_bytes": None},
    }
    with stores.infra.engine.connect() as connection:
        text = " ".join(connection.exec_driver_sql("SELECT audit::text FROM audit").scalars())
    for secret in (made["key"], alice.key, admin.key):
        assert secret not in text


def test_lines_come_in_pages_and_by_filter(alice: Person, bob: Person, admin: Person) -> None:
    jobs = [person.submit()["id"] for person in (alice, bob, alice)]
    page = admin.get("/v1/audit?action=job.create&limit=2").json
    rest = admin.get(f"/v1/audit?action=job.create&limit=2&cursor={page['next_cursor']}").json
    assert [row["subject"] for row in page["data"] + rest["data"]] == jobs[::-1]
    assert rest["next_cursor"] is None
    assert [subject for _, _, subject in _lines(admin, "&owner=bob&action=job.create")] == [jobs[1]]
    assert _lines(admin, "&action=job.dream") == []


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit SET owner = 'nobody'", "DELETE FROM audit", "TRUNCATE audit", "DELETE FROM audit WHERE id < 0"],
)
def test_nobody_changes_or_removes_a_line(alice: Person, stores: Stores, statement: str) -> None:
    alice.submit()
    with pytest.raises(ProgrammingError, match="the audit is append-only"), stores.infra.engine.begin() as connection:
        connection.exec_driver_sql(statement)
