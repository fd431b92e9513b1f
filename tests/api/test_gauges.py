"""GET /metrics"""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from models.states import EventType, Outcome
from stores.container import Stores
from tests.api.conftest import Bench, Finished, Person


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


def test_attempts_are_measured(alice: Person, bench: Bench, stores: Stores) -> None:
    for seconds in (0.5, 30, 100_000):
        alice.submit()
        claim = bench.claim()
        bench.finish(claim)
        with stores.engine.begin() as connection:
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


def test_speed_is_that_of_the_last_epoch(alice: Person, bench: Bench, stores: Stores) -> None:
    for speeds in ((100.0, 250.0), (40.0,)):
        alice.submit()
        claim = bench.claim()
        for speed in speeds:
            stores.jobs.progress(claim, [(EventType.epoch, {"epoch": 1, "images_per_second": speed})])
    alice.submit()
    bench.claim()
    assert figures(alice)[of("ganforge_images_per_second", queue="cpu")] == 290.0


def test_requests_are_counted_by_operation(alice: Person) -> None:
    before = figures(alice).get(of("ganforge_requests_total", operation="list_jobs", status="200"), 0)
    alice.get("/v1/jobs")
    alice.get("/v1/jobs")
    assert figures(alice)[of("ganforge_requests_total", operation="list_jobs", status="200")] == before + 2
