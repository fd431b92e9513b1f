"""What the overview asks: who came and went, what failed, what was warned of. Asked often, so it must stay cheap."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text
from sqlalchemy.dialects import postgresql

from models.states import ErrorCode, EventType, Outcome
from stores.jobs.transitions import Ending
from stores.queries.activity import alert_query, failure_query, flow_query

FILL = text("""
INSERT INTO jobs (id, owner, kind, recipe, params, seed, queue, max_attempts, state, created_at, finished_at,
                  error_code)
SELECT 'job_' || n, 'owner-' || n % 7, 'sample', 'mlp_gan', '{}', 0, 'cpu', 3,
       CASE n % 10 WHEN 0 THEN 'failed' ELSE 'succeeded' END, now() - n * interval '1 minute',
       now() - n * interval '1 minute', CASE n % 10 WHEN 0 THEN 'internal' END
  FROM generate_series(1, :rows) AS n
""")
EVENTS = text("""
INSERT INTO events (job_id, seq, at, attempt, type, data)
SELECT 'job_1', n, now() - n * interval '1 minute', 1, CASE n % 1000 WHEN 0 THEN 'alert' ELSE 'metric' END, '{}'
  FROM generate_series(1, :rows) AS n
""")


def shift(stores, job_id, minutes):
    """Let a job have come, and ended, so many minutes ago."""
    moved = text("""
        UPDATE jobs SET created_at = now() - make_interval(secs => 60 * :minutes),
               finished_at = CASE WHEN finished_at IS NOT NULL THEN now() - make_interval(secs => 60 * :minutes) END
         WHERE id = :id""")
    with stores.infra.engine.begin() as connection:
        connection.execute(moved, {"id": job_id, "minutes": minutes})


def fail(stores, worker, code=ErrorCode.diverged):
    claim = stores.jobs.claim("cpu", worker, "cpu")
    stores.jobs.finish(claim, Ending(Outcome.failed, code=code, detail="it did"))
    return claim.job_id


def test_what_came_and_went_is_counted_by_queue_and_minute(stores, worker, new_job):
    jobs = [stores.jobs.submit(new_job())[0]["id"] for _ in range(4)]
    stores.jobs.submit(new_job(queue="gpu"))
    fail(stores, worker)
    for job_id, minutes in zip(jobs, (0.5, 2.5, 2.9, 61), strict=True):
        shift(stores, job_id, minutes)
    flows = stores.queries.activity.flows()
    assert set(flows) == {"cpu", "gpu"}
    assert (len(flows["cpu"].arrivals), flows["cpu"].arrivals[-4:]) == (60, [0, 2, 0, 1])
    assert (sum(flows["cpu"].arrivals), sum(flows["cpu"].finishes)) == (3, 1)
    assert (sum(flows["gpu"].arrivals), sum(flows["gpu"].finishes)) == (1, 0)


def test_what_failed_within_a_day_is_counted_by_code_for_its_owner(stores, worker, new_job):
    stores.jobs.submit(new_job(owner="bob"))
    fail(stores, worker, ErrorCode.out_of_memory)
    failed = []
    for _ in range(3):
        stores.jobs.submit(new_job())
        failed.append(fail(stores, worker))
    shift(stores, failed[0], 60 * 25)
    found = [(one.code, one.count, one.newest) for one in stores.queries.activity.failures(None)]
    assert [(code, count) for code, count, _ in found] == [("diverged", 2), ("out_of_memory", 1)]
    assert found[0][2] == failed[2]
    assert [one.code for one in stores.queries.activity.failures("bob")] == ["out_of_memory"]
    assert [job["id"] for job in stores.queries.activity.ended("alice", 9)] == [failed[2], failed[1]]
    assert len(stores.queries.activity.ended(None, 2)) == 2


def test_alerts_come_with_the_name_of_their_job_and_to_its_owner_only(stores, worker, new_job):
    stores.jobs.submit(new_job(name="digits"))
    claim = stores.jobs.claim("cpu", worker, "cpu")
    for code in ("collapse", "gradient_norm"):
        stores.jobs.progress(claim, [(EventType.alert, {"code": code, "detail": "look"})])
    first, second = stores.queries.activity.alerts("alice", 9)
    assert (first["data"]["code"], first["name"], first["job"]) == ("gradient_norm", "digits", claim.job_id)
    assert second["data"]["code"] == "collapse"
    assert stores.queries.activity.alerts("bob", 9) == []
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE events SET at = now() - interval '25 hours' WHERE type = 'alert'"))
    assert stores.queries.activity.alerts(None, 9) == []


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (flow_query(), "ix_jobs_created"),
        (flow_query(), "ix_jobs_finished"),
        (failure_query(None), "ix_jobs_failed"),
        # Or what failed of the owner, where that is little.
        (failure_query("owner-1"), "ix_jobs_failed|ix_jobs_owner_state"),
        (alert_query(None).limit(20), "ix_events_alerts"),
    ],
)
def test_nothing_reads_more_than_the_stretch_it_asks_for(stores, query, index):
    with stores.infra.engine.begin() as connection:
        connection.execute(FILL, {"rows": 20_000})
        connection.execute(EVENTS, {"rows": 20_000})
    with stores.infra.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE jobs, events"))
    asked = str(query.compile(dialect=postgresql.psycopg.dialect(), compile_kwargs={"literal_binds": True}))
    with stores.infra.engine.begin() as connection:
        plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {asked}").scalars())
    assert re.search(index, plan), plan
    assert "Seq Scan" not in plan, plan
