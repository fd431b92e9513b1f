"""Queues and workers: pause, resume, drain, undrain"""

from __future__ import annotations

from stores.container import Stores
from tests.api.conftest import Bench, Person


def test_a_paused_queue_starts_nothing_and_what_runs_goes_on(
    alice: Person, admin: Person, bench: Bench, stores: Stores
) -> None:
    running = alice.submit()["id"]
    claim = bench.claim()
    alice.submit()
    for _ in range(2):
        answer = admin.post("/v1/queues/cpu/pause")
        assert (answer.status_code, answer.json["paused"], answer.json["depth"]) == (200, True, 1)
    assert stores.jobs.claim("cpu", bench.worker, "cpu") is None
    bench.metric(claim, 1, d_loss=1.0)
    bench.finish(claim)
    assert alice.get(f"/v1/jobs/{running}").json["state"] == "succeeded"
    for _ in range(2):
        assert admin.post("/v1/queues/cpu/resume").json["paused"] is False
    assert stores.jobs.claim("cpu", bench.worker, "cpu") is not None


def test_a_draining_worker_finishes_its_job_and_takes_no_more(
    alice: Person, admin: Person, bench: Bench, stores: Stores
) -> None:
    alice.submit()
    claim = bench.claim()
    alice.submit()
    path = f"/v1/workers/{bench.worker}"
    answers = [admin.post(f"{path}/drain") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 200]
    assert (answers[0].json["state"], answers[0].json["job"]) == ("draining", claim.job_id)
    bench.finish(claim)
    assert stores.jobs.claim("cpu", bench.worker, "cpu") is None
    answers = [admin.post(f"{path}/undrain") for _ in range(2)]
    assert [(answer.status_code, answer.json["state"]) for answer in answers] == [(202, "live"), (200, "live")]
    assert stores.jobs.claim("cpu", bench.worker, "cpu") is not None


def test_a_worker_that_has_stopped_cannot_be_drained(admin: Person, stores: Stores, worker: str) -> None:
    stores.fleet.workers.stop(worker)
    answer = admin.post(f"/v1/workers/{worker}/drain")
    assert (answer.status_code, answer.json["state"]) == (409, "stopped")


def test_what_is_not_there_is_not_found(admin: Person) -> None:
    for path in ("queues/tpu/pause", "queues/%00/resume", "workers/wrk_x/drain", "workers/%00/undrain"):
        assert admin.post(f"/v1/{path}").status_code == 404, path


def test_only_admins_change_queues_and_workers(alice: Person, carol: Person, worker: str, stores: Stores) -> None:
    paths = ("queues/cpu/pause", "queues/cpu/resume", f"workers/{worker}/drain", f"workers/{worker}/undrain")
    for person in (alice, carol):
        for path in paths:
            assert person.post(f"/v1/{path}").status_code == 403, path
    assert [queue["paused"] for queue in stores.queries.jobs.queues(15)] == [False] * 3
