"""Quotas of keys: jobs that wait, bytes that are stored"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from tests.api.conftest import TRAIN, Bench, Person, Pointers, Upload
from tests.api.uploads.archives import pictures, zipped


@pytest.fixture
def limited(app: Flask, admin: Person) -> Any:
    """Return a function that makes somebody with a key of such quotas."""

    def make(owner: str = "dora", role: str = "user", **quotas: int | None) -> Person:
        made = admin.post("/v1/keys", json={"name": owner, "role": role, "quotas": quotas}).json
        return Person(app.test_client(), made["key"], made["id"])

    return make


def test_no_more_jobs_may_wait_than_the_key_allows(limited: Any, bench: Bench) -> None:
    dora = limited(queued=2)
    jobs = [dora.submit()["id"] for _ in range(2)]
    refused = dora.post("/v1/jobs", json=TRAIN)
    assert (refused.status_code, refused.json["code"]) == (429, "rate_limited")
    assert int(refused.headers["Retry-After"]) > 0
    assert "2 jobs of dora are queued, and this key allows 2 (quota `queued`); wait for" in refused.json["detail"]
    bench.claim()
    dora.submit()
    assert dora.post("/v1/jobs", json=TRAIN).status_code == 429
    dora.post(f"/v1/jobs/{jobs[1]}/cancel")
    assert dora.post(f"/v1/jobs/{jobs[1]}/retry").status_code == 201
    assert dora.post(f"/v1/jobs/{jobs[1]}/retry").status_code == 429


def test_a_small_quota_holds_beside_a_large_one_of_the_same_owner(limited: Any) -> None:
    large, small = limited(), limited(queued=60)
    for _ in range(58):
        large.submit()
    small.submit()
    large.submit()
    refused = small.post("/v1/jobs", json=TRAIN)
    assert (refused.status_code, "60 jobs of dora are queued" in refused.json["detail"]) == (429, True)
    assert large.post("/v1/jobs", json=TRAIN).status_code == 201


def test_a_dry_run_and_other_owners_are_not_counted(limited: Any, alice: Person) -> None:
    dora = limited(queued=0)
    alice.submit()
    assert dora.post("/v1/jobs?dry_run=true", json=TRAIN).status_code == 200
    assert dora.post("/v1/jobs", json=TRAIN).status_code == 429
    assert limited("erik", queued=1).post("/v1/jobs", json=TRAIN).status_code == 201


def test_many_at_once_do_not_slip_through(app: Flask, limited: Any) -> None:
    dora = limited(queued=3)

    def submit(_: int) -> int:
        return int(Person(app.test_client(), dora.key, "").post("/v1/jobs", json=TRAIN).status_code)

    with ThreadPoolExecutor(5) as pool:
        codes = list(pool.map(submit, range(8)))
    assert sorted(codes) == [201] * 3 + [429] * 5


def test_a_bulk_retry_says_what_did_not_fit(limited: Any) -> None:
    dora = limited(queued=2)
    for _ in range(2):
        dora.submit()
    dora.post("/v1/jobs/bulk", json={"action": "cancel", "filter": {}, "expected": 2})
    dora.submit()
    order = {"action": "retry", "filter": {"state": "canceled"}, "expected": 2}
    answer = dora.post("/v1/jobs/bulk", json=order).json
    assert (answer["matched"], answer["changed"], answer["unchanged"]) == (2, 1, 1)
    assert "this key allows 2" in answer["problems"][0]["detail"]


def test_a_paused_job_is_not_resumed_beyond_the_quota(limited: Any, bench: Bench) -> None:
    dora = limited(queued=1)
    first = dora.submit()["id"]
    dora.post(f"/v1/jobs/{first}/pause")
    second = dora.submit()["id"]
    refused = dora.post(f"/v1/jobs/{first}/resume")
    assert (refused.status_code, refused.json["code"]) == (429, "rate_limited")
    assert int(refused.headers["Retry-After"]) > 0
    assert "1 jobs of dora are queued, and this key allows 1 (quota `queued`); wait for" in refused.json["detail"]
    assert dora.get(f"/v1/jobs/{first}").json["state"] == "paused"
    assert dora.post(f"/v1/jobs/{second}/resume").status_code == 200  # it waits already
    bench.claim()
    assert dora.post(f"/v1/jobs/{first}/resume").status_code == 202
    assert dora.post("/v1/jobs", json=TRAIN).status_code == 429


def test_an_order_to_resume_many_resumes_the_oldest_that_fit(limited: Any) -> None:
    dora = limited(queued=2)
    jobs = []
    for _ in range(5):
        jobs.append(dora.submit()["id"])
        dora.post(f"/v1/jobs/{jobs[-1]}/pause")
    order = {"action": "resume", "filter": {}, "expected": 5}
    answer = dora.post("/v1/jobs/bulk", json=order).json
    assert (answer["matched"], answer["changed"], answer["unchanged"]) == (5, 2, 3)
    assert [problem["job"] for problem in answer["problems"]] == jobs[2:]
    assert "2 jobs of dora are queued, and this key allows 2 (quota `queued`)" in answer["problems"][0]["detail"]
    assert [dora.get(f"/v1/jobs/{job}").json["state"] for job in jobs] == ["queued"] * 2 + ["paused"] * 3
    # Asked again, it finds no room; and pausing is never refused.
    assert dora.post("/v1/jobs/bulk", json=order).json["changed"] == 0
    answer = dora.post("/v1/jobs/bulk", json={**order, "action": "pause"}).json
    assert (answer["changed"], answer["problems"]) == (2, [])


def test_many_resumes_at_once_do_not_slip_through(app: Flask, limited: Any) -> None:
    dora = limited(queued=2)
    jobs = []
    for _ in range(6):
        jobs.append(dora.submit()["id"])
        dora.post(f"/v1/jobs/{jobs[-1]}/pause")

    def resume(job: str) -> int:
        return int(Person(app.test_client(), dora.key, "").post(f"/v1/jobs/{job}/resume").status_code)

    with ThreadPoolExecutor(5) as pool:
        assert sorted(pool.map(resume, jobs)) == [202] * 2 + [429] * 4


def test_an_admin_who_resumes_the_jobs_of_many_owners_counts_each_owner_alone(limited: Any) -> None:
    people = [limited(owner, queued=1) for owner in ("dora", "erik")]
    for person in people:
        for _ in range(2):
            person.post(f"/v1/jobs/{person.submit()['id']}/pause")
    root = limited("root", queued=1, role="admin")
    answer = root.post("/v1/jobs/bulk", json={"action": "resume", "filter": {}, "expected": 4}).json
    assert (answer["changed"], answer["unchanged"], len(answer["problems"])) == (2, 2, 2)
    assert [len(person.get("/v1/jobs?state=queued").json["data"]) for person in people] == [1, 1]


def test_no_data_set_is_taken_beyond_the_bytes_that_the_key_allows(limited: Any, upload: Upload, app: Flask) -> None:
    archive = zipped(pictures(16))
    size = upload(limited("alice"), archive).json["bytes"]
    dora = limited(stored_bytes=2 * size - 1)
    assert upload(dora, archive, "first").status_code == 201
    refused = upload(dora, archive, "second")
    assert (refused.status_code, refused.json["code"]) == (409, "conflict")
    words = f"dora stores {size} bytes, this would add {size}, and this key allows {2 * size - 1}"
    assert words in refused.json["detail"]
    (kept,) = [one for one in dora.get("/v1/datasets").json["data"] if one["owner"] == "dora"]
    assert dora.ask("DELETE", f"/v1/datasets/{kept['id']}").status_code == 204
    assert upload(dora, archive, "second").status_code == 201


def test_what_jobs_have_made_counts_as_stored(limited: Any, bench: Bench, upload: Upload) -> None:
    dora = limited(stored_bytes=100)
    dora.submit()
    claim = bench.claim()
    bench.artifact(claim, "grid", "grid.png", b"x" * 100, "image/png")
    refused = upload(dora, zipped(pictures(16)))
    assert (refused.status_code, refused.json["code"]) == (409, "conflict")
    assert "dora stores 100 bytes" in refused.json["detail"]


def test_a_key_shows_its_quotas_and_null_means_the_settings(limited: Any, admin: Person) -> None:
    limited(queued=5, running=None)
    limited("erik")
    erik, dora = admin.get("/v1/keys").json["data"][:2]
    assert dora["quotas"] == {"queued": 5, "running": None, "stored_bytes": None}
    assert erik["quotas"] == dict.fromkeys(("queued", "running", "stored_bytes"))


@pytest.mark.parametrize("quotas", [{"queued": -1}, {"queued": 2**31}, {"stored_bytes": 2**63}, {"running": "many"}])
def test_a_quota_is_a_number_that_can_be_counted(admin: Person, pointers: Pointers, quotas: dict[str, Any]) -> None:
    answer = admin.post("/v1/keys", json={"name": "dora", "quotas": quotas})
    assert list(pointers(answer)) == [f"/quotas/{next(iter(quotas))}"]
