"""GET /metrics"""

from __future__ import annotations

import time

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from api.v1 import prometheus
from api.v1.prometheus import FIGURES
from models.states import ErrorCode, EventType, Outcome
from stores.container import Stores
from stores.jobs.transitions import Ending
from stores.maintenance.periodic import Round
from tests.api.conftest import Bench, Finished, Person


@pytest.fixture(autouse=True)
def _count_at_each_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count the rows at each look; that this is usually shared is tested in tests/api/http/test_shared_answer.py."""
    monkeypatch.setattr(prometheus, "FRESH_S", 0)


def figures(person: Person) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return all samples by name and labels."""
    page = person.client.get("/metrics")
    assert page.status_code == 200
    assert page.content_type.startswith("text/plain")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page.text)
        for sample in family.samples
    }


def of(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """Name a sample."""
    return name, frozenset(labels.items())


def test_queues_and_ends_are_counted_in_the_rows(finished: Finished, alice: Person, bench: Bench) -> None:
    alice.submit()
    alice.submit()
    bench.claim()
    found = figures(alice)
    assert found[of("ganforge_queue_depth", queue="cpu")] == 1
    assert found[of("ganforge_jobs_running", queue="cpu")] == 1
    assert found[of("ganforge_workers_live", queue="cpu")] == 1
    assert found[of("ganforge_queue_depth", queue="gpu")] == 0
    assert 0 < found[of("ganforge_queue_oldest_wait_seconds", queue="cpu")] < 60
    assert found[of("ganforge_jobs_finished_total", queue="cpu", state="succeeded")] == 1


def test_the_page_has_the_figures_and_labels_that_the_manual_lists(finished: Finished, alice: Person) -> None:
    listed = {figure.name: (figure.kind, set(figure.labels)) for figure in FIGURES}
    page = text_string_to_metric_families(alice.client.get("/metrics").text)
    found = [family for family in page if family.name.startswith("ganforge_") and not family.name.endswith("_created")]
    assert {family.name for family in found} == set(listed)
    for family in found:
        kind, labels = listed[family.name]
        assert family.type == kind
        assert all(set(sample.labels) - {"le"} == labels for sample in family.samples), family.name


def test_attempts_are_measured(alice: Person, bench: Bench, stores: Stores) -> None:
    for seconds in (0.5, 30, 100_000):
        alice.submit()
        claim = bench.claim()
        bench.finish(claim)
        with stores.infra.engine.begin() as connection:
            change = "UPDATE attempts SET started_at = ended_at - make_interval(secs => :s) WHERE job_id = :job"
            connection.execute(text(change), {"s": seconds, "job": claim.job_id})
    alice.submit()
    bench.finish(bench.claim(), Outcome.lost)
    found = figures(alice)
    bucket = "ganforge_attempt_seconds_bucket"
    assert found[of(bucket, outcome="succeeded", le="1.0")] == 1
    assert found[of(bucket, outcome="succeeded", le="15.0")] == 1
    assert found[of(bucket, outcome="succeeded", le="60.0")] == 2
    assert found[of(bucket, outcome="succeeded", le="86400.0")] == 2
    assert found[of(bucket, outcome="succeeded", le="+Inf")] == 3
    assert found[of("ganforge_attempt_seconds_count", outcome="succeeded")] == 3
    assert abs(found[of("ganforge_attempt_seconds_sum", outcome="succeeded")] - 100_030.5) < 0.1
    assert found[of("ganforge_attempt_seconds_count", outcome="lost")] == 1


def test_stalls_are_counted_for_each_queue(alice: Person, bench: Bench, stores: Stores) -> None:
    alice.submit()
    stores.jobs.finish(bench.claim(), Ending(Outcome.stalled, None, ErrorCode.stalled, "as asked"))
    found = figures(alice)
    assert found[of("ganforge_stalls_total", queue="cpu")] == 1
    assert found[of("ganforge_stalls_total", queue="gpu")] == 0


def test_speed_is_that_of_the_last_epoch(alice: Person, bench: Bench, stores: Stores) -> None:
    for speeds in ((100.0, 250.0), (40.0,)):
        alice.submit()
        claim = bench.claim()
        for speed in speeds:
            stores.jobs.progress(claim, [(EventType.epoch, {"epoch": 1, "images_per_second": speed})])
    alice.submit()
    bench.claim()
    assert figures(alice)[of("ganforge_images_per_second", queue="cpu")] == 290.0


def test_jobs_are_counted_from_their_submission_to_their_end(alice: Person, bench: Bench, stores: Stores) -> None:
    for code in (ErrorCode.diverged, ErrorCode.diverged, ErrorCode.out_of_memory, None):
        alice.submit()
        claim = bench.claim()
        if code is None:
            with stores.infra.engine.begin() as connection:
                wish = "UPDATE jobs SET pending_action = 'pause' WHERE id = :id"
                connection.execute(text(wish), {"id": claim.job_id})
        stores.jobs.finish(claim, Ending(Outcome.failed if code else Outcome.paused, None, code, "as asked"))
    alice.submit()
    found = figures(alice)
    assert found[of("ganforge_jobs_submitted_total", queue="cpu")] == 5
    assert found[of("ganforge_jobs_finished_total", queue="cpu", state="failed")] == 3
    assert found[of("ganforge_jobs_failed_total", queue="cpu", code="diverged")] == 2
    assert found[of("ganforge_jobs_failed_total", queue="cpu", code="out_of_memory")] == 1
    assert found[of("ganforge_jobs_paused", queue="cpu")] == 1


def test_waits_are_measured_until_the_first_attempt(alice: Person, bench: Bench, stores: Stores) -> None:
    for seconds in (0.1, 100):
        alice.submit()
        claim = bench.claim()
        with stores.infra.engine.begin() as connection:
            change = "UPDATE jobs SET created_at = started_at - make_interval(secs => :s) WHERE id = :job"
            connection.execute(text(change), {"s": seconds, "job": claim.job_id})
    alice.submit()
    found = figures(alice)
    bucket = "ganforge_job_wait_seconds_bucket"
    assert found[of(bucket, queue="cpu", le="0.05")] == 0
    assert found[of(bucket, queue="cpu", le="0.25")] == 1
    assert found[of(bucket, queue="cpu", le="60.0")] == 1
    assert found[of(bucket, queue="cpu", le="300.0")] == 2
    assert abs(found[of("ganforge_job_wait_seconds_sum", queue="cpu")] - 100.1) < 0.01


def test_workers_are_counted_by_what_they_do(alice: Person, stores: Stores) -> None:
    changes = {"live": "", "draining": "draining = true", "lost": "last_seen = now() - interval '1 hour'"}
    for state, change in {**changes, "stopped": "stopped_at = now()"}.items():
        made = stores.fleet.workers.register(state, "cpu", {"kind": "cpu"})
        if change:
            with stores.infra.engine.begin() as connection:
                connection.execute(text(f"UPDATE workers SET {change} WHERE id = :id"), {"id": made})
    stores.fleet.workers.register("another", "gpu", {"kind": "cuda"})
    found = figures(alice)
    for state in ("live", "draining", "lost", "stopped"):
        assert found[of("ganforge_workers", queue="cpu", state=state)] == 1
    assert found[of("ganforge_workers", queue="gpu", state="live")] == 1


def test_what_is_stored_and_what_is_lost_is_counted(finished: Finished, alice: Person, stores: Stores) -> None:
    found = figures(alice)
    assert found[of("ganforge_stored_bytes", kind="checkpoint")] == len(b"weights")
    assert found[of("ganforge_stored_objects", kind="grid")] == 1
    assert found[of("ganforge_stored_bytes", kind="dataset")] == 0
    assert found[of("ganforge_artifacts_missing")] == 0
    stores.infra.blobs.remove(stores.queries.jobs.artifact(finished.grid, None)[1])
    stores.maintenance.orphans.mark_missing("")
    assert figures(alice)[of("ganforge_artifacts_missing")] == 1


def test_chores_are_counted_and_dated(alice: Person, stores: Stores) -> None:
    assert stores.maintenance.periodic.take("old_artifacts", 60) is None
    for done in (3, 4):
        assert stores.maintenance.periodic.take("old_artifacts", 60) == ""
        stores.maintenance.periodic.finish("old_artifacts", Round(done, 10 * done, more=True), 0.5, 60)
    found = figures(alice)
    assert found[of("ganforge_chore_done_total", chore="old_artifacts")] == 7
    assert found[of("ganforge_chore_freed_bytes_total", chore="old_artifacts")] == 70
    assert found[of("ganforge_chore_seconds", chore="old_artifacts")] == 0.5
    assert abs(found[of("ganforge_chore_last_timestamp_seconds", chore="old_artifacts")] - time.time()) < 10


def test_refusals_are_counted_by_code(alice: Person) -> None:
    before = figures(alice).get(of("ganforge_problems_total", code="validation"), 0)
    assert alice.post("/v1/jobs", json={}).status_code == 422
    assert alice.get("/v1/jobs").status_code == 200
    assert figures(alice)[of("ganforge_problems_total", code="validation")] == before + 1


def test_requests_are_counted_by_operation(alice: Person) -> None:
    before = figures(alice).get(of("ganforge_requests_total", operation="list_jobs", status="200"), 0)
    alice.get("/v1/jobs")
    alice.get("/v1/jobs")
    assert figures(alice)[of("ganforge_requests_total", operation="list_jobs", status="200")] == before + 2
