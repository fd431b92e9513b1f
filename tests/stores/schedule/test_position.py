"""The place of a waiting job is the turn at which it is claimed; its end is foretold from those in front of it."""

from __future__ import annotations

import random
import re
from datetime import datetime

import pytest
from sqlalchemy import event, text

from models.job_profile import Shape
from models.states import ErrorCode, Outcome
from stores.jobs.filter import JobFilter
from stores.jobs.transitions import Ending
from stores.schedule.position import BY_ID, job_views, places
from stores.schedule.waiting_line import EXACT, POSITION_CAP, STORED

SHAPE = Shape("mlp_gan", 28, 128, 64)
FILL = text("""
INSERT INTO jobs (id, owner, kind, recipe, params, seed, queue, max_attempts, state)
SELECT 'job_' || n, 'many', 'sample', 'mlp_gan', '{}', 0, 'cpu', 3, 'queued' FROM generate_series(1, :rows) AS n
""")
# 100 images at 10 a second and 2 s beside: 12 s.
KNOWN = {"shape": str(SHAPE), "images": 100}


@pytest.fixture
def pace(stores):
    """Teach the pace of one shape, often enough to be sure of it."""
    for _ in range(3):
        stores.schedule.speed_stats.learn(SHAPE, "cpu", 10, 2)


def seconds_to(stores, moment):
    with stores.infra.engine.connect() as connection:
        now = connection.scalar(text("SELECT now()"))
    return (datetime.fromisoformat(moment) - now).total_seconds()


def etas(stores, job_id, owner=None):
    eta = stores.queries.jobs.job(job_id, owner)["eta"]
    return None if eta is None else [seconds_to(stores, eta[name]) for name in ("at", "low", "high")]


@pytest.mark.parametrize("seed", range(3))
def test_jobs_are_claimed_in_the_order_of_their_places(stores, new_job, worker, seed):
    draw = random.Random(seed)
    for _ in range(4):  # some have been served before, at different times
        stores.jobs.submit(new_job(owner=draw.choice("abc")))
        stores.jobs.finish(stores.jobs.claim("cpu", worker, "cpu"), Ending(Outcome.succeeded))
    for _ in range(25):
        stores.jobs.submit(new_job(owner=draw.choice("aaaabbcd")))

    told = {job["id"]: job["position"] for job in stores.queries.jobs.jobs(JobFilter(states=["queued"]), 100, None)}
    served = []
    for _ in range(25):
        claim = stores.jobs.claim("cpu", worker, "cpu")
        served.append(told[claim.job_id])
        stores.jobs.finish(claim, Ending(Outcome.succeeded))

    assert served == list(range(1, 26))


@pytest.fixture
def fleet(stores):
    """Let so many work that all that waits in a test could run at once."""
    for n in range(50):
        stores.fleet.workers.register(f"one of many {n}", "cpu", {"kind": "cpu"})


@pytest.mark.parametrize("priorities", [(0,), (0, 0, 0, 1, 2)])
@pytest.mark.parametrize("seed", range(5))
def test_jobs_are_claimed_in_the_order_of_their_places_beside_what_runs(
    stores, new_job, worker, fleet, seed, priorities
):
    draw = random.Random(seed)
    for _ in range(8):  # several have some running, and were served at different times
        stores.jobs.submit(new_job(owner=draw.choice("aaabbcd")))
    for _ in range(8):
        claim = stores.jobs.claim("cpu", worker, "cpu")
        if draw.random() < 0.4:
            stores.jobs.finish(claim, Ending(Outcome.succeeded))
    for _ in range(25):
        stores.jobs.submit(new_job(owner=draw.choice("aaaabbcde"), priority=draw.choice(priorities)))

    told = {job["id"]: job["position"] for job in stores.queries.jobs.jobs(JobFilter(states=["queued"]), 100, None)}
    head = [job["id"] for job in stores.schedule.upcoming_jobs.next("cpu", None, 25)]
    claimed = [stores.jobs.claim("cpu", worker, "cpu").job_id for _ in range(25)]

    assert [told[job_id] for job_id in claimed] == list(range(1, 26))
    assert head == claimed


def give_back(stores, claim, draw):
    """End an attempt in one of the ways after which the job waits again."""
    lost = Ending(Outcome.lost, "worker_lost", ErrorCode.worker_lost, "lost")
    stores.jobs.finish(claim, draw.choice([lost, Ending(Outcome.interrupted, "shutdown")]))


@pytest.mark.parametrize("seed", range(6))
def test_jobs_that_ran_before_are_claimed_in_the_order_of_their_places_once_their_back_off_is_over(
    stores, new_job, worker, fleet, seed
):
    draw = random.Random(seed)
    for _ in range(12):
        stores.jobs.submit(new_job(owner=draw.choice("aaabbcd"), priority=draw.choice((0, 0, 1))))
    claims = [stores.jobs.claim("cpu", worker, "cpu") for _ in range(10)]
    draw.shuffle(claims)
    for claim in claims[:3]:
        stores.jobs.finish(claim, Ending(Outcome.succeeded))
    for claim in claims[3:7]:
        give_back(stores, claim, draw)
    for _ in range(18):
        stores.jobs.submit(new_job(owner=draw.choice("aabcde"), priority=draw.choice((0, 0, 0, 1, 2))))

    told = {job["id"]: job["position"] for job in stores.queries.jobs.jobs(JobFilter(states=["queued"]), 100, None)}
    head = [job["id"] for job in stores.schedule.upcoming_jobs.next("cpu", None, 24)]
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET run_after = now()"))
    claimed = [stores.jobs.claim("cpu", worker, "cpu").job_id for _ in range(24)]

    assert [told[job_id] for job_id in claimed] == list(range(1, 25))
    assert head == claimed
    assert stores.jobs.claim("cpu", worker, "cpu") is None


def test_another_start_of_a_job_does_not_count_as_serving_its_owner(stores, new_job, worker, fleet):
    for owner in "ab":
        stores.jobs.submit(new_job(owner=owner))
    stores.jobs.finish(stores.jobs.claim("cpu", worker, "cpu"), Ending(Outcome.succeeded))
    again = stores.jobs.claim("cpu", worker, "cpu")
    stores.jobs.finish(again, Ending(Outcome.interrupted, "shutdown"))
    for owner in "aab":
        stores.jobs.submit(new_job(owner=owner))

    # After two claims both have one running job. `b` has the one that was given back: it counts as served before `a`.
    told = {job["id"]: job["position"] for job in stores.queries.jobs.jobs(JobFilter(states=["queued"]), 9, None)}
    claims = [stores.jobs.claim("cpu", worker, "cpu") for _ in range(4)]
    assert [claim.owner for claim in claims] == ["a", "b", "b", "a"]
    assert claims[1].job_id == again.job_id
    assert [told[claim.job_id] for claim in claims] == [1, 2, 3, 4]


@pytest.mark.parametrize(("owners", "nth"), [("abc", 45), ("ab", 110), ("abcde", 30)])
def test_a_position_beyond_the_exact_ones_is_about_right(stores, new_job, worker, owners, nth):
    with stores.infra.engine.begin() as connection:
        for owner in owners:
            fill = str(FILL).replace("'job_'", f"'job_{owner}_'").replace("'many'", f"'{owner}'")
            connection.execute(text(fill), {"rows": 120})
    found = stores.queries.jobs.jobs(JobFilter(owner=owners[-1], states=["queued"]), 200, None)
    last = sorted(found, key=lambda job: (job["position"], job["id"]))
    assert len({job["position"] for job in last}) > 100
    assert last[nth - 1]["position"] == pytest.approx(nth * len(owners), abs=len(owners))


def test_one_statement_tells_the_places_of_jobs_in_several_queues(stores, new_job, worker):
    jobs = [stores.jobs.submit(new_job(owner=owner, queue=queue))[0] for queue in ("cpu", "gpu") for owner in "ab"]
    with stores.infra.engine.connect() as connection:
        statements = []
        event.listen(connection, "before_cursor_execute", lambda *call: statements.append(call))
        found = places(connection, jobs, 15)
    assert [found[job["id"]].position for job in jobs] == [1, 2, 1, 2]
    assert len(statements) == 1


def test_a_job_that_is_claimed_between_its_row_and_its_place_is_shown_as_running(stores, new_job, worker):
    first, second = (stores.jobs.submit(new_job())[0]["id"] for _ in range(2))
    with stores.infra.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        rows = connection.execute(BY_ID, {"ids": [first, second]}).mappings().all()
        assert stores.jobs.claim("cpu", worker, "cpu").job_id == first
        shown = {job["id"]: (job["state"], job["position"]) for job in job_views(connection, rows, 15)}
    assert shown == {first: ("running", None), second: ("queued", 1)}


def test_a_job_that_waits_again_when_its_row_is_read_again_has_a_place(stores, new_job, worker):
    """Between its row and its place it is claimed; before its row is read again, its attempt ends early."""
    job_id = stores.jobs.submit(new_job())[0]["id"]
    with stores.infra.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        rows = connection.execute(BY_ID, {"ids": [job_id]}).mappings().all()
        claim = stores.jobs.claim("cpu", worker, "cpu")

        @event.listens_for(connection, "after_cursor_execute", once=True)
        def fail(*_):
            stores.jobs.finish(claim, Ending(Outcome.interrupted, "shutdown"))

        (job,) = job_views(connection, rows, 15)
    assert (job["state"], job["position"]) == ("queued", 1)


def test_a_position_reads_no_more_of_a_longer_queue(stores, worker):
    with stores.infra.engine.begin() as connection:
        connection.execute(FILL, {"rows": 20_000})
        connection.execute(text("UPDATE jobs SET owner = 'owner-' || substr(id, length(id)), ordered_at = now()"))
    with stores.infra.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE jobs"))
    with stores.infra.engine.begin() as connection:
        # Of its owner's 2,000 jobs one is near the front, and two are the last.
        asked = {"ids": ["job_10001", "job_9998", "job_9999"], "alive_s": 15}
        explained = connection.scalars(text("EXPLAIN (ANALYZE, COSTS off, TIMING off) " + STORED.text), asked)
        plan = "\n".join(explained)

    assert "Seq Scan on jobs" not in plan
    assert "Bitmap Heap Scan on jobs" not in plan, plan
    assert max(int(float(rows)) for rows in re.findall(r" on jobs .*actual rows=([\d.]+)", plan)) <= POSITION_CAP, plan


@pytest.mark.parametrize("seed", range(5))
def test_a_job_is_foreseen_at_the_turn_at_which_it_is_claimed(stores, new_job, worker, fleet, seed):
    draw = random.Random(seed)
    for owner in "abcd":
        stores.jobs.submit(new_job(owner=owner))
    for _ in range(4):
        claim = stores.jobs.claim("cpu", worker, "cpu")
        if draw.random() < 0.5:
            stores.jobs.finish(claim, Ending(Outcome.succeeded))
    for _ in range(9):
        stores.jobs.submit(new_job(owner=draw.choice("bbcde"), priority=draw.choice((0, 1))))
    new = new_job(owner="a")
    foreseen = stores.queries.jobs.foresee(vars(new)).position
    job, _ = stores.jobs.submit(new)
    assert [stores.jobs.claim("cpu", worker, "cpu").job_id for _ in range(foreseen)][-1] == job["id"]


def test_of_one_workers_jobs_none_runs_beside_the_next(stores, new_job, worker):
    for owner, priority, count in (("a", 1, 3), ("a", 0, 2), ("b", 0, 2)):
        for _ in range(count):
            stores.jobs.submit(new_job(owner=owner, priority=priority))
    told = {job["id"]: job["position"] for job in stores.queries.jobs.jobs(JobFilter(states=["queued"]), 100, None)}
    served = []
    for _ in range(7):
        claim = stores.jobs.claim("cpu", worker, "cpu")
        served.append((told[claim.job_id], claim.owner))
        stores.jobs.finish(claim, Ending(Outcome.succeeded))
    assert served == list(enumerate("aaababa", 1))


def test_what_an_owner_has_running_counts_as_turns_taken(stores, new_job, worker):
    for owner in "aaabb":
        stores.jobs.submit(new_job(owner=owner))
    first, second = (stores.jobs.claim("cpu", worker, "cpu") for _ in range(2))
    assert (first.owner, second.owner) == ("a", "b")
    stores.jobs.finish(second, Ending(Outcome.succeeded))

    # Served last, and yet next: the other has a job running.
    listed = stores.queries.jobs.jobs(JobFilter(states=["queued"]), 9, None)
    assert {(job["owner"], job["position"]) for job in listed} == {("b", 1), ("a", 2), ("a", 3)}
    assert stores.jobs.claim("cpu", worker, "cpu").owner == "b"


def test_the_answer_to_a_submission_tells_the_place_among_owners_that_take_turns(stores, new_job):
    for _ in range(5):
        stores.jobs.submit(new_job(owner="many"))
    first, _ = stores.jobs.submit(new_job(owner="few"))
    second, _ = stores.jobs.submit(new_job(owner="few"))
    urgent, _ = stores.jobs.submit(new_job(owner="few", priority=1))
    assert [job["position"] for job in (first, second, urgent)] == [2, 4, 1]


def test_far_back_in_a_queue_nobody_counts(stores, new_job):
    first, _ = stores.jobs.submit(new_job(owner="many"))
    with stores.infra.engine.begin() as connection:
        connection.execute(FILL, {"rows": POSITION_CAP})
    last, _ = stores.jobs.submit(new_job(owner="many"))
    assert last["position"] == POSITION_CAP + 1
    with stores.infra.engine.connect() as connection:
        found = places(connection, [{"id": job["id"], "queue": "cpu"} for job in (first, last)], 15)
    assert [found[job["id"]].position for job in (first, last)] == [1, POSITION_CAP + 1]


def test_nothing_is_foretold_while_nothing_is_known(stores, new_job, worker):
    job, _ = stores.jobs.submit(new_job(**KNOWN))
    assert etas(stores, job["id"]) is None


def test_nothing_is_foretold_while_nobody_works(stores, new_job, worker, pace):
    job, _ = stores.jobs.submit(new_job(**KNOWN))
    assert etas(stores, job["id"]) is not None
    stores.fleet.workers.stop(worker)
    assert etas(stores, job["id"]) is None


def test_those_in_front_are_shared_among_the_workers(stores, new_job, worker, pace):
    jobs = [stores.jobs.submit(new_job(**KNOWN))[0] for _ in range(5)]
    assert etas(stores, jobs[4]["id"])[0] == pytest.approx(5 * 12, abs=2)
    stores.fleet.workers.register("other", "cpu", {"kind": "cpu"})
    assert etas(stores, jobs[4]["id"])[0] == pytest.approx(4 * 12 / 2 + 12, abs=2)


def test_all_jobs_in_front_count_up_to_the_last_exact_position(stores, new_job, worker, pace):
    for _ in range(EXACT - 1):
        stores.jobs.submit(new_job(**KNOWN))
    last, _ = stores.jobs.submit(new_job(owner="bob", priority=-1, **KNOWN))
    job = stores.queries.jobs.job(last["id"], None)
    assert job["position"] == EXACT
    assert etas(stores, last["id"])[0] == pytest.approx(EXACT * 12, abs=3)


def test_jobs_in_front_of_an_estimated_position_are_taken_to_be_typical(stores, new_job, worker, pace):
    stores.schedule.speed_stats.took("cpu", 30)
    for _ in range(EXACT + 9):
        stores.jobs.submit(new_job(**KNOWN))
    last, _ = stores.jobs.submit(new_job(owner="bob", priority=-1, **KNOWN))
    assert stores.queries.jobs.job(last["id"], None)["position"] == EXACT + 10
    at, low, high = etas(stores, last["id"])
    assert (at, low, high) == (
        pytest.approx((EXACT + 9) * 30 + 12, abs=3),
        pytest.approx((EXACT + 9) * 6 + 12, abs=3),
        pytest.approx((EXACT + 9) * 90 + 12, abs=3),
    )


def test_a_running_job_is_in_front_with_what_is_left_of_it(stores, new_job, worker, pace):
    running, _ = stores.jobs.submit(new_job(**KNOWN))
    waiting, _ = stores.jobs.submit(new_job(**KNOWN))
    claim = stores.jobs.claim("cpu", worker, "cpu")
    assert claim.job_id == running["id"]
    assert etas(stores, waiting["id"])[0] == pytest.approx(12 + 12, abs=2)

    stores.jobs.progress(claim, [], progress={"fraction": 0.8})

    assert etas(stores, waiting["id"])[0] == pytest.approx(2 + 2 + 12, abs=2)


def test_a_job_of_unknown_pace_in_front_widens_the_range(stores, new_job, worker, pace):
    stores.jobs.submit(new_job())
    job, _ = stores.jobs.submit(new_job(**KNOWN))
    assert etas(stores, job["id"]) is None  # and nothing is typical of this queue either
    stores.schedule.speed_stats.took("cpu", 30)
    at, low, high = etas(stores, job["id"])
    assert (at, low, high) == (
        pytest.approx(42, abs=2),
        pytest.approx(6 + 12, abs=2),
        pytest.approx(90 + 12, abs=2),
    )


def test_the_range_comes_from_the_slowest_and_the_fastest_seen(stores, new_job, worker, pace):
    stores.schedule.speed_stats.learn(SHAPE, "cpu", 5, 2)
    estimate = stores.queries.jobs.outlooks(["cpu"], SHAPE, 100)["cpu"].runtime
    assert (estimate.low, estimate.high) == (pytest.approx(12, rel=0.05), pytest.approx(22))
    assert estimate.seconds == pytest.approx(2 + 100 / 8.5)


def foresee(stores, new):
    place = stores.queries.jobs.foresee(vars(new))
    return place.position, None if place.eta is None else seconds_to(stores, place.eta["at"])


@pytest.mark.parametrize("seed", range(3))
def test_a_job_is_foreseen_where_it_is_when_it_has_been_stored(stores, new_job, worker, pace, seed):
    draw = random.Random(seed)
    for _ in range(20):
        stores.jobs.submit(new_job(owner=draw.choice("aabc"), priority=draw.choice((0, 1)), **KNOWN))
    for _ in range(3):
        stores.jobs.claim("cpu", worker, "cpu")
    for owner, priority in (("a", 0), ("b", 1), ("c", 0), ("a", 1)):
        new = new_job(owner=owner, priority=priority, **KNOWN)
        foreseen = foresee(stores, new)
        job, _ = stores.jobs.submit(new)
        told = stores.queries.jobs.job(job["id"], None)
        assert foreseen == (told["position"], pytest.approx(seconds_to(stores, told["eta"]["at"]), abs=1))


def test_a_job_is_foreseen_behind_the_turns_its_owner_has_running(stores, new_job, worker, pace):
    for owner in "aabb":
        stores.jobs.submit(new_job(owner=owner, **KNOWN))
    for _ in range(4):
        stores.jobs.claim("cpu", worker, "cpu")
    for _ in range(3):
        stores.jobs.submit(new_job(owner="c", **KNOWN))
    assert foresee(stores, new_job(owner="a", **KNOWN))[0] == 3  # two of c's come first; then c was served last
    assert foresee(stores, new_job(owner="d", **KNOWN))[0] == 2


def test_nothing_is_foreseen_of_the_end_of_what_nobody_knows_or_serves(stores, new_job, worker, pace):
    assert foresee(stores, new_job()) == (1, None)
    assert foresee(stores, new_job(**KNOWN)) == (1, pytest.approx(12, abs=1))
    stores.fleet.workers.stop(worker)
    assert foresee(stores, new_job(**KNOWN)) == (1, None)
