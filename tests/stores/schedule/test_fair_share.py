"""Who is served next: priority, then owners by turns, within their limits; and what a claim costs."""

from __future__ import annotations

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import text

from models.states import Outcome
from stores.jobs.claim import PICK_JOB, START_ATTEMPT, UNLIMITED_BYTES
from stores.jobs.transitions import Ending

FILL = text("""
INSERT INTO jobs (id, owner, kind, recipe, params, seed, queue, priority, max_attempts, state)
SELECT 'job_' || n, 'owner-' || n % 7, 'sample', 'mlp_gan', '{}', 0, 'cpu', n % 3, 3, 'queued'
  FROM generate_series(1, :rows) AS n
""")


def owners_served(stores, worker, count):
    """Claim and finish, one after another, as one worker does."""
    served = []
    for _ in range(count):
        claim = stores.jobs.claim("cpu", worker, "cpu")
        served.append(claim.owner)
        stores.jobs.finish(claim, Ending(Outcome.succeeded))
    return served


def test_an_owner_with_five_hundred_jobs_does_not_starve_one_with_two(stores, new_job, worker):
    for _ in range(500):
        stores.jobs.submit(new_job(owner="many"))
    for _ in range(2):
        stores.jobs.submit(new_job(owner="few"))

    assert owners_served(stores, worker, 6) == ["many", "few", "many", "few", "many", "many"]


def test_owners_share_the_workers_that_there_are(stores, new_job, worker):
    for owner in ("alice", "bob", "carol"):
        for _ in range(20):
            stores.jobs.submit(new_job(owner=owner))

    claims = [stores.jobs.claim("cpu", worker, "cpu") for _ in range(12)]

    assert Counter(claim.owner for claim in claims) == {"alice": 4, "bob": 4, "carol": 4}
    # Whoever has less running comes first, whoever was served last.
    for claim in claims:
        if claim.owner == "carol":
            stores.jobs.finish(claim, Ending(Outcome.succeeded))
    assert [stores.jobs.claim("cpu", worker, "cpu").owner for _ in range(4)] == ["carol"] * 4


def test_priority_beats_the_share(stores, new_job, worker):
    stores.jobs.submit(new_job(owner="bob"))
    for _ in range(3):
        stores.jobs.submit(new_job(owner="alice", priority=1))

    assert owners_served(stores, worker, 4) == ["alice", "alice", "alice", "bob"]


def test_within_an_owner_the_order_of_the_queue_counts(stores, new_job, worker):
    first, second, third = (stores.jobs.submit(new_job())[0]["id"] for _ in range(3))
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET ordered_at = now() - interval '1 day' WHERE id = :id"), {"id": third})

    assert [stores.jobs.claim("cpu", worker, "cpu").job_id for _ in range(3)] == [third, first, second]


def test_a_draining_worker_takes_nothing(stores, new_job, worker):
    stores.jobs.submit(new_job())
    other = stores.fleet.workers.register("other", "cpu", {"kind": "cpu"})
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE workers SET draining = true WHERE id = :id"), {"id": worker})

    assert stores.jobs.claim("cpu", worker, "cpu") is None
    assert stores.jobs.claim("cpu", other, "cpu") is not None


def test_a_job_that_needs_more_memory_than_there_is_lets_the_next_pass(stores, new_job, worker):
    large, _ = stores.jobs.submit(new_job(needs_bytes=9 * 10**9))
    small, _ = stores.jobs.submit(new_job(needs_bytes=8 * 10**9))
    unknown, _ = stores.jobs.submit(new_job(needs_bytes=None))

    assert stores.jobs.claim("cpu", worker, "cpu", room=8 * 10**9).job_id == small["id"]
    assert stores.jobs.claim("cpu", worker, "cpu", room=1).job_id == unknown["id"]
    assert stores.jobs.claim("cpu", worker, "cpu", room=9 * 10**9 - 1) is None
    assert stores.jobs.claim("cpu", worker, "cpu").job_id == large["id"]


def test_a_job_that_began_in_bfloat16_waits_for_a_worker_with_units_for_it(stores, new_job, worker):
    began, _ = stores.jobs.submit(new_job())
    claim = stores.jobs.claim("cpu", worker, "cpu", units=True)
    stores.jobs.begin_attempt(claim, 0, "cpu", needs_units=True)
    stores.jobs.finish(claim, Ending(Outcome.interrupted))
    other, _ = stores.jobs.submit(new_job())

    assert stores.jobs.claim("cpu", worker, "cpu", units=False).job_id == other["id"]
    assert stores.jobs.claim("cpu", worker, "cpu", units=False) is None
    assert stores.jobs.claim("cpu", worker, "cpu").job_id == began["id"], "where units are unknown it may try"


@pytest.mark.parametrize("limit", [1, 3])
def test_an_owner_never_has_more_running_than_the_limit_however_many_claim_at_once(stores, new_job, worker, limit):
    stores.accounts.keys.create("k", "alice", "user")
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE keys SET quota_running = :limit"), {"limit": limit})
    for owner in ("alice", "bob"):
        for _ in range(10):
            stores.jobs.submit(new_job(owner=owner))
    barrier = Barrier(8)

    def claim():
        barrier.wait(60)
        return stores.jobs.claim("cpu", worker, "cpu")

    with ThreadPoolExecutor(8) as pool:
        first = [future.result() for future in [pool.submit(claim) for _ in range(8)]]
        second = [future.result() for future in [pool.submit(claim) for _ in range(8)]]

    taken = Counter(claim.owner for claim in [*first, *second] if claim is not None)
    assert taken == {"alice": limit, "bob": 10}


def test_many_claimers_at_once_all_get_something_while_there_is_work(stores, new_job, worker):
    for n in range(64):
        stores.jobs.submit(new_job(owner=f"owner-{n % 3}"))
    barrier = Barrier(16)

    def claim():
        barrier.wait(60)
        return stores.jobs.claim("cpu", worker, "cpu")

    with ThreadPoolExecutor(16) as pool:
        claims = [future.result() for _ in range(4) for future in [pool.submit(claim) for _ in range(16)]]

    assert all(claims)
    assert len({claim.job_id for claim in claims}) == 64


def test_a_claim_reads_a_few_rows_of_an_index_and_sorts_no_queue(stores, worker):
    asked = {
        "queue": "cpu",
        "worker": worker,
        "device": "cpu",
        "lease_s": 15,
        "room": UNLIMITED_BYTES,
        "units": False,
        "running_limit": 1000,
    }
    with stores.infra.engine.begin() as connection:
        connection.execute(FILL, {"rows": 20_000})
    with stores.infra.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE jobs"))
    with stores.infra.engine.begin() as connection:
        plan = "\n".join(
            connection.scalars(text("EXPLAIN (ANALYZE, COSTS off, TIMING off) " + PICK_JOB + START_ATTEMPT), asked)
        )

    assert "Seq Scan on jobs" not in plan
    assert "Bitmap Heap Scan on jobs" not in plan, plan
    assert "using ix_jobs_share" in plan
    # What is sorted is the list of owners, what is read is a row for each of a few questions.
    assert max(int(float(rows)) for rows in re.findall(r"actual rows=([\d.]+)", plan)) <= 10, plan
    assert re.findall(r"Sort Key: .*", plan), plan
    assert all("ordered_at" not in key or "jobs_" in key for key in re.findall(r"Sort Key: (.*)", plan)), plan
