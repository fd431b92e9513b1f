"""A claim takes the next runnable row, and no two claims take the same one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import text

from models.states import Outcome, State
from stores.infra.errors import StaleFenceError
from stores.jobs.transitions import Ending


def test_two_claims_at_once_never_take_the_same_job_a_thousand_times(stores, new_job, worker):
    rounds = 1000
    barrier = Barrier(2)
    for _ in range(rounds):
        stores.jobs.submit(new_job())

    def claim_every_round() -> list[str]:
        taken = []
        for _ in range(rounds // 2):
            barrier.wait(60)
            claim = stores.jobs.claim("cpu", worker, "cpu")
            assert claim is not None
            taken.append(claim.job_id)
        return taken

    with ThreadPoolExecutor(2) as pool:
        first, second = (future.result() for future in [pool.submit(claim_every_round) for _ in range(2)])

    assert len(first) == len(second) == rounds // 2
    assert len(set(first) | set(second)) == rounds
    assert stores.jobs.claim("cpu", worker, "cpu") is None


def test_two_claims_of_one_job_at_once_give_it_to_exactly_one(stores, new_job, worker):
    barrier = Barrier(2)

    def claim():
        barrier.wait(60)
        return stores.jobs.claim("cpu", worker, "cpu")

    with ThreadPoolExecutor(2) as pool:
        for _ in range(100):
            stores.jobs.submit(new_job())
            claims = [future.result() for future in [pool.submit(claim) for _ in range(2)]]
            assert sum(claim is not None for claim in claims) == 1


def test_priority_comes_before_age(stores, new_job, worker):
    late, _ = stores.jobs.submit(new_job(priority=-1))
    first, _ = stores.jobs.submit(new_job())
    urgent, _ = stores.jobs.submit(new_job(priority=5))
    second, _ = stores.jobs.submit(new_job())

    order = [stores.jobs.claim("cpu", worker, "cpu").job_id for _ in range(4)]

    assert order == [urgent["id"], first["id"], second["id"], late["id"]]


def test_a_job_is_not_claimed_from_another_queue_or_a_paused_one(stores, new_job, worker):
    stores.jobs.submit(new_job(queue="gpu"))
    stores.jobs.submit(new_job())
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE queues SET paused = true WHERE name = 'cpu'"))

    assert stores.jobs.claim("cpu", worker, "cpu") is None
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE queues SET paused = false"))
    assert stores.jobs.claim("cpu", worker, "cpu") is not None


def test_a_write_with_an_old_fence_changes_nothing(stores, new_job, worker):
    view, _ = stores.jobs.submit(new_job())
    old = stores.jobs.claim("cpu", worker, "cpu")
    stores.jobs.finish(old, Ending(Outcome.interrupted, "shutdown"))
    new = stores.jobs.claim("cpu", worker, "cpu")
    before = stores.queries.jobs.job(view["id"], None)

    for write in (
        lambda: stores.jobs.renew(old),
        lambda: stores.jobs.pending_action(old),
        lambda: stores.jobs.progress(old, [("log", {"level": "info", "message": "late"})]),
        lambda: stores.jobs.begin_attempt(old, 0, "cpu"),
        lambda: stores.jobs.prune_checkpoints(old, 1),
        lambda: stores.jobs.finish(old, Ending(Outcome.succeeded)),
    ):
        with pytest.raises(StaleFenceError):
            write()

    assert stores.queries.jobs.job(view["id"], None) == before
    assert new.fence == old.fence + 1
    assert stores.jobs.finish(new, Ending(Outcome.succeeded)) is State.succeeded
