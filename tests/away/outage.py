"""An outage in real time: jobs end while the receiver is away, everything is killed, and the receiver comes back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganforge.client import Client
from ganforge.errors import GanforgeError
from ganforge.stack.ports import free_port
from models.webhooks import WAITS_S, WebhookEvent, WebhookFormat, events_of
from stores.webhooks.deliveries import CLAIM_S, JITTER
from tests.chaos.running_stack import BOOT_S, World
from tests.receiver import Got, Receiver, receiving
from tests.waiting import until

Say = Callable[[str], None]
Event = tuple[str, int, str]  # job, seq, and what a webhook calls it
# What is quicker in tests than in a service of an operator; an outage is measured with what an operator has.
HURRIED = ("GANFORGE_SWEEP_S", "GANFORGE_CHORE_S", "GANFORGE_STALL_S", "GANFORGE_HALT_AT")
LEASE_S = 30.0
JOBS = 12
# Nothing happens in the last third of the outage: a new event would be tried at once, and bring the others along.
BUSY = 2 / 3
# The longest that everything else takes once the first message has arrived, jobs that still run included.
REST_S = 120.0
PARAMS = {"epochs": 1, "batch_size": 500}


class Service(World):
    """A whole service whose webhook leads to a port where nobody listens yet."""

    secret = ""
    webhook = ""

    def _tell_everything(self) -> None:
        self.receiver = Receiver(free_port())
        who = self.stores.accounts.keys.authenticate(self.key)
        assert who is not None
        made, self.secret = self.stores.webhooks.create(
            self.receiver.url(), list(WebhookEvent), {}, WebhookFormat.standard, who
        )
        self.webhook = made["id"]

    def _environment(self) -> dict[str, str]:
        return {name: value for name, value in super()._environment().items() if name not in HURRIED}


@dataclass
class Told:
    """One event of a job, and what became of its message."""

    job: str
    seq: int
    type: str
    message: str
    made_s: float  # after the begin of the outage
    tries: int
    came_s: float | None = None  # after the return of the receiver


@dataclass
class Outage:
    """What an outage came to."""

    away_s: float
    allowed_s: float
    told: list[Told] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def latest_s(self) -> float:
        """When the last message came, in seconds after the receiver's return."""
        return max((one.came_s for one in self.told if one.came_s is not None), default=0.0)

    def table(self) -> str:
        """Return a row for each message."""
        rows = [f"{'event':16} {'job':>8} {'made s':>8} {'tries':>6} {'came s':>8}"]
        for one in self.told:
            came = "never" if one.came_s is None else f"{one.came_s:.1f}"
            rows.append(f"{one.type:16} {one.job[-8:]:>8} {one.made_s:8.0f} {one.tries:6} {came:>8}")
        return "\n".join(rows)


def longest_delay_s(away_s: float) -> float:
    """Return how late the first message may be after a receiver's return: by the longest wait that may be under way."""
    passed, longest = 0.0, WAITS_S[0]
    for wait in WAITS_S:
        if passed * JITTER[0] > away_s:
            break
        longest, passed = wait, passed + wait
    return longest * JITTER[1] + REST_S


def run(home: Path, away_s: float, say: Say) -> Outage:
    """Start a service, let its receiver be away for so long, kill everything in the middle, and see what arrives."""
    outage = Outage(away_s, longest_delay_s(away_s))
    service = Service(home, LEASE_S)
    with ExitStack() as stack:
        stack.callback(service.close)
        service.start()
        until(lambda: _serves(service), BOOT_S, "the API")
        began = time.time()
        before = _while_away(service, away_s, began, say)
        came: dict[str, list[float]] = {}
        returned = time.time()

        def answer(got: Got) -> tuple[int, dict[str, str], bytes]:
            got.verified(service.secret)
            came.setdefault(got.id, []).append(time.time() - returned)
            return 204, {}, b""

        receiver = stack.enter_context(receiving(service.receiver.port))
        receiver.answer = answer
        say(f"{returned - began:6.0f} s: the receiver is back; all should be here within {outage.allowed_s:.0f} s")
        _await(lambda: _made(service).keys() == _wanted(service) and _ids(service) <= came.keys(), outage.allowed_s)
        # A message that comes twice comes soon.
        _await(lambda: any(len(times) > 1 for times in came.values()), CLAIM_S / 6)
        outage.told = [
            Told(
                row["job_id"],
                row["seq"],
                row["type"],
                row["message_id"],
                row["created_at"].timestamp() - began,
                row["tries"],
                came.get(row["message_id"], [None])[0],
            )
            for row in _messages(service)
            if row["seq"]
        ]
        outage.faults = [*_faults(service, outage, before, came)]
    return outage


def _while_away(service: Service, away_s: float, began: float, say: Say) -> dict[Event, str]:
    """Let jobs end, and kill everything half-way; return the messages as they were before that."""
    jobs = 0
    before: dict[Event, str] = {}
    killed = False
    while (passed := time.time() - began) < away_s or not killed:
        if not killed and passed >= away_s / 2:
            before = _made(service)
            say(f"{passed:6.0f} s: everything is killed with {len(before)} messages waiting")
            service.kill_everything()
            killed = True
        if jobs < JOBS and passed >= jobs * BUSY * away_s / JOBS:
            jobs += _one_job(service, jobs)
        time.sleep(0.2)
    return before


def _serves(service: Service) -> bool:
    try:
        with Client(service.url, service.key, timeout=5) as client:
            return [*client.webhooks()] != []
    except GanforgeError:
        return False


def _one_job(service: Service, number: int) -> bool:
    """Let one job of each kind of end happen in turn; return whether the API was there to take it."""
    try:
        with Client(service.url, service.key, timeout=20) as client:
            if number % 3:
                # On a queue without workers: it is paused, and ends in another way than it would by itself.
                job = client.train("mlp_gan", "mnist-10k", params=PARAMS, queue="gpu")["id"]
                client.pause(job)
                client.cancel(job)
            else:
                client.train("mlp_gan", "mnist-10k", params=PARAMS, queue="cpu")
            return True
    except GanforgeError:
        return False


def _faults(service: Service, outage: Outage, before: dict[Event, str], came: dict[str, list[float]]) -> Iterator[str]:
    """Yield a line for each promise that does not hold."""
    made, wanted = _made(service), _wanted(service)
    if not before:
        yield "no message waited when everything was killed"
    if made.keys() != wanted:
        yield f"messages were made of {sorted(made)}, events are {sorted(wanted)}"
    if changed := [event for event, message in before.items() if made.get(event) != message]:
        yield f"other ids than before the kill: {changed}"
    if missing := [one.message for one in outage.told if one.came_s is None]:
        yield f"{len(missing)} of {len(outage.told)} did not come within {outage.allowed_s:.0f} s: {missing}"
    if twice := {message: len(times) for message, times in came.items() if len(times) > 1}:
        yield f"accepted more than once: {twice}"
    if strange := came.keys() - _ids(service):
        yield f"nobody sent {strange}"
    for job in {one.job for one in outage.told}:
        order = [one.came_s for one in outage.told if one.job == job and one.came_s is not None]
        if order != sorted(order):
            yield f"the messages of {job} came in another order: {order}"


def _wanted(service: Service) -> set[Event]:
    """Return what has to be told: an event that ends a job is missing while the job goes on."""
    found = set()
    for job in _rows(service, "SELECT id, kind, finished_at FROM jobs"):
        if job["finished_at"] is None:
            found.add((job["id"], 0, "its end"))
        for event in service.ask(lambda: service.stores.events.page(job["id"], 0, 100_000)):  # noqa: B023 - at once
            found |= {
                (job["id"], event["seq"], str(told)) for told in events_of(job["kind"], event["type"], event["data"])
            }
    return found


def _made(service: Service) -> dict[Event, str]:
    """Return the messages of jobs by their events."""
    return {(row["job_id"], row["seq"], row["type"]): row["message_id"] for row in _messages(service) if row["seq"]}


def _ids(service: Service) -> set[str]:
    """Return the ids of all messages: also of workers that were lost with everything else."""
    return {row["message_id"] for row in _messages(service)}


def _messages(service: Service) -> list[Any]:
    return _rows(service, "SELECT * FROM deliveries WHERE webhook_id = %s ORDER BY number", service.webhook)


def _rows(service: Service, query: str, *values: str) -> list[Any]:
    def ask() -> list[Any]:
        with service.stores.infra.engine.connect() as connection:
            return [*connection.exec_driver_sql(query, values).mappings()]

    return service.ask(ask)


def _await(condition: Callable[[], bool], seconds: float) -> None:
    """Wait for a condition for so long; whether it came true is looked at later."""
    try:
        until(condition, seconds)
    except AssertionError:
        return
