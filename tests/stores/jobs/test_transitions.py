"""Whatever two actors do to jobs at the same moment, in whatever order, what was promised of jobs holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Barrier
from typing import Any, ClassVar

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import text

from models.messages import Reasons
from models.states import TERMINAL, TRANSITIONS, ErrorCode, Outcome, State
from stores.accounts.audit import Local
from stores.container import Stores
from stores.infra.errors import ConflictError, StaleFenceError
from stores.jobs.transitions import Claim, Ending
from stores.jobs.verbs import Verb

ALICE = Local("alice")
MAX_ATTEMPTS = 2
ENDINGS = {
    outcome: Ending(outcome, None, ErrorCode.internal if outcome in {Outcome.failed, Outcome.crashed} else None, "so")
    for outcome in Outcome
    if outcome is not Outcome.lost  # nobody reports that of themselves
}


class Bench:
    """The deeds that both actors draw from, on the jobs and claims that there are."""

    def __init__(self, stores: Stores, new_job: Callable[..., Any], worker: str) -> None:
        self.stores, self.worker = stores, worker
        self.new_job = new_job
        self.jobs: list[str] = []
        self.claims: list[Claim] = []

    def submit(self, _: int) -> None:
        """Make a job."""
        self.jobs.append(self.stores.jobs.submit(self.new_job(max_attempts=MAX_ATTEMPTS))[0]["id"])

    def ask(self, verb: Verb, number: int) -> None:
        """Ask something of a job."""
        getattr(self.stores.jobs, verb)(self.jobs[-1 - number % len(self.jobs)], ALICE)

    def ask_all(self, verb: Verb) -> None:
        """Ask something of all jobs."""
        self.stores.jobs.ask_all(verb, sorted(self.jobs), ALICE)

    def claim(self, _: int) -> None:
        """Take a job, as a worker does."""
        claim = self.stores.jobs.claim("cpu", self.worker, "cpu")
        if claim is not None:
            self.claims.append(claim)

    def tell(self, number: int) -> None:
        """Write what a trainer tells; perhaps of a job that was lost long ago."""
        if self.claims:
            news = [("log", {"level": "info", "message": "here"})] * 2
            self.stores.jobs.progress(self.claims[-1 - number % len(self.claims)], news)

    def end(self, outcome: Outcome, number: int) -> None:
        """End an attempt; perhaps one that was ended before."""
        if self.claims:
            self.stores.jobs.finish(self.claims[-1 - number % len(self.claims)], ENDINGS[outcome])

    def lose(self, _: int) -> None:
        """Let all leases run out, and sweep."""
        self._say("UPDATE jobs SET lease_until = now() - interval '1 s' WHERE state = 'running'")
        self.stores.jobs.expire_leases()

    def wait(self, _: int) -> None:
        """Let the time pass that a job waits after a death."""
        self._say("UPDATE jobs SET run_after = now() WHERE state = 'queued'")

    def _say(self, statement: str) -> None:
        with self.stores.infra.engine.begin() as connection:
            connection.execute(text(statement))

    def clear(self) -> None:
        """Forget all jobs."""
        for table in ("events", "attempts", "jobs"):
            self._say(f"DELETE FROM {table}")
        self.jobs.clear()
        self.claims.clear()

    def rows(self) -> list[Any]:
        """Return the jobs, with what became of their attempts."""
        with self.stores.infra.engine.connect() as connection:
            return list(connection.execute(ROWS))


ROWS = text("""
    SELECT j.*, coalesce(array_agg(a.fence ORDER BY a.number) FILTER (WHERE a.number IS NOT NULL), '{}') AS fences,
           count(*) FILTER (WHERE a.number IS NOT NULL AND a.ended_at IS NULL) AS still_open,
           count(*) FILTER (WHERE a.outcome IN ('paused', 'interrupted')) AS given_back
      FROM jobs j LEFT JOIN attempts a ON a.job_id = j.id GROUP BY j.id ORDER BY j.id
""")
# Few numbers, and asking more often than the rest: so that both mean the same job, and one that is there.
NUMBERS = st.integers(0, 1)
DEEDS_BY_NAME: dict[str, st.SearchStrategy[tuple[Any, ...]]] = {
    "ask": st.tuples(st.just("ask"), st.sampled_from(Verb), NUMBERS),
    "ask_all": st.tuples(st.just("ask_all"), st.sampled_from(Verb)),
    "end": st.tuples(st.just("end"), st.sampled_from(list(ENDINGS)), NUMBERS),
    **{name: st.tuples(st.just(name), NUMBERS) for name in ("claim", "submit", "tell", "lose", "wait")},
}
OFTEN = ["ask"] * 4 + ["claim", "end"] * 2
DEEDS = st.sampled_from([*OFTEN, *DEEDS_BY_NAME]).flatmap(DEEDS_BY_NAME.__getitem__)


class TwoActors(RuleBasedStateMachine):
    """Two deeds at a time, begun at the same moment; then everything that was promised is looked at."""

    bench: ClassVar[Bench]
    pool: ClassVar[ThreadPoolExecutor]
    seen: ClassVar[Counter[str]]  # where all examples together have been

    @initialize()
    def begin(self) -> None:
        """Start with one job."""
        self.fences: dict[str, int] = {}
        self.ends: dict[str, int] = {}
        self.bench.submit(0)

    @rule(first=DEEDS, second=DEEDS)
    def both_at_once(self, first: tuple[Any, ...], second: tuple[Any, ...]) -> None:
        """Do both, and let the stores say who comes first."""
        barrier = Barrier(2)
        for future in [self.pool.submit(self._do, barrier, *deed) for deed in (first, second)]:
            future.result()

    def _do(self, barrier: Barrier, name: str, *arguments: Any) -> None:
        barrier.wait(60)
        try:
            getattr(self.bench, name)(*arguments)
        except (ConflictError, StaleFenceError) as refusal:
            self.seen[type(refusal).__name__] += 1

    @invariant()
    def promises_hold(self) -> None:
        """Look at every job."""
        for job in self.bench.rows():
            self.seen[job.state] += 1
            self._check_events(job)
            self._check_attempts(job)

    def _check_events(self, job: Any) -> None:
        events = self.bench.stores.events.page(job.id, 0, 1000)
        assert [event["seq"] for event in events] == list(range(1, job.last_seq + 1))
        moves = [event["data"] for event in events if event["type"] == "state"]
        for before, after in pairwise(moves):
            assert before["to"] == after["from"]
            assert after["to"] in TRANSITIONS[State(after["from"])]
        assert moves[-1]["to"] == job.state
        # A terminal state is reached once, and nothing is said after it.
        assert sum(move["to"] in TERMINAL for move in moves) == (job.state in TERMINAL)
        if job.state in TERMINAL:
            assert self.ends.setdefault(job.id, job.last_seq) == job.last_seq
        assert job.id not in self.ends or job.state in TERMINAL

    def _check_attempts(self, job: Any) -> None:
        assert job.attempt - job.interruptions <= MAX_ATTEMPTS
        assert job.fence >= self.fences.get(job.id, 0)
        self.fences[job.id] = job.fence
        assert job.fences == list(range(1, job.attempt + 1)) == list(range(1, job.fence + 1))
        assert job.still_open == (1 if job.state == State.running else 0)
        # What a shutdown or a pause ended is no death, and the only thing that is none beside an end.
        assert job.given_back == job.interruptions

    def teardown(self) -> None:
        """Leave nothing to the next example."""
        self.bench.clear()


def test_two_actors_at_once_never_break_what_is_promised_of_jobs(stores, new_job, worker):
    class Jobs(TwoActors):
        bench = Bench(stores, new_job, worker)
        pool = ThreadPoolExecutor(2)
        seen: ClassVar[Counter[str]] = Counter()

    with Jobs.pool:
        run_state_machine_as_test(
            hypothesis.seed(20140610)(Jobs),
            settings=settings(
                max_examples=25,
                stateful_step_count=20,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
    assert {*State, "InvalidTransitionError", "StaleFenceError"} <= set(Jobs.seen), Jobs.seen


def test_an_alarm_pauses_its_job_in_the_name_of_the_owner_with_a_line_in_the_audit(stores, new_job, worker):
    job = stores.jobs.submit(new_job())[0]["id"]
    claim = stores.jobs.claim("cpu", worker, "cpu")
    ending = Ending(Outcome.paused, Reasons.paused_by_alarm(alarm="collapse"), alarm="collapse")
    assert stores.jobs.finish(claim, ending) is State.paused
    found = stores.queries.jobs.job(job, None)
    assert found["reason_text"] == {"code": "paused_by_alarm", "params": {"alarm": "collapse"}}
    [line] = stores.accounts.audit.page(10, None, actions=["job.pause"], subjects=[job])
    assert (line["owner"], line["key"], line["before"]) == (found["owner"], None, {"state": "running"})
    assert line["after"] == {"state": "paused", "alert": "collapse"}
    # Its verbs are those of any paused job.
    assert stores.jobs.resume(job, Local(found["owner"]))
    assert stores.queries.jobs.job(job, None)["state"] == "queued"


def test_a_cancel_that_was_asked_for_meanwhile_overrides_the_pause_of_an_alarm(stores, new_job, worker):
    job = stores.jobs.submit(new_job())[0]["id"]
    claim = stores.jobs.claim("cpu", worker, "cpu")
    stores.jobs.cancel(job, Local(claim.owner))
    ending = Ending(Outcome.paused, Reasons.paused_by_alarm(alarm="collapse"), alarm="collapse")
    assert stores.jobs.finish(claim, ending) is State.canceled
    assert stores.accounts.audit.page(10, None, actions=["job.pause"], subjects=[job]) == []


def test_an_alarm_takes_its_job_back_with_a_line_in_the_audit_and_other_accidents_without(stores, new_job, worker):
    job = stores.jobs.submit(new_job())[0]["id"]
    claim = stores.jobs.claim("cpu", worker, "cpu")
    stores.jobs.go_back(claim, 30)
    assert stores.accounts.audit.page(10, None, actions=["job.go_back"], subjects=[job]) == []
    stores.jobs.go_back(claim, 20, "collapse")
    [line] = stores.accounts.audit.page(10, None, actions=["job.go_back"], subjects=[job])
    assert (line["owner"], line["key"], line["before"]) == (claim.owner, None, None)
    assert line["after"] == {"step": 20, "alert": "collapse"}
