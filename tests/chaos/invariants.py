"""What may never go wrong: the ten invariants of the service, asked of one job after its faults."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from models.states import TERMINAL, Outcome
from models.webhooks import DeliveryState, events_of
from stores.infra.errors import StoreError
from tests.chaos.follower import Follower
from tests.chaos.running_stack import SUPERVISORS, World
from tests.waiting import until

DIED = {Outcome.crashed, Outcome.lost, Outcome.stalled}
# How long a trainer whose supervisor has died may take to end.
STRAYS_S = 60.0
# How long what was deleted may take to leave the object store, as is promised.
REMOVED_S = 120.0
# How long a message of a webhook may take: its sender's claim runs out after a minute, and it may be refused once.
TOLD_S = 150.0
SPARED = {Outcome.interrupted, Outcome.paused}


def violations(world: World, follower: Follower, calm: dict[str, str]) -> list[str]:
    """Return one line for each invariant that does not hold for the job that the follower asked for."""
    if not follower.job_id:
        return [f"8: {follower.name} was never accepted: {follower.error}"]
    job_id = follower.job_id
    job = world.stores.queries.jobs.job(job_id, None)
    events = _events(world, job_id)
    attempts = _rows(world, "SELECT * FROM attempts WHERE job_id = %s ORDER BY number", job_id)
    artifacts = _rows(world, "SELECT * FROM artifacts WHERE job_id = %s ORDER BY id", job_id)
    found = [
        *_ends_once(job, events),
        *_tells_everything(job, events, follower),
        *_old_fences(events, attempts, artifacts),
        *_weights(job, artifacts, calm),
        *_counts(world, job_id, job, attempts),
        *_trainers(world),
        *_objects(world, artifacts),
        *_accepted_once(world, follower),
        *_bytes(world, job_id, attempts),
        *_webhooks(world, job, events),
    ]
    return [f"{job_id}: {line}" for line in found]


def _ends_once(job: dict[str, Any], events: list[dict[str, Any]]) -> Iterator[str]:
    ends = [event for event in events if event["type"] == "state" and event["data"]["to"] in TERMINAL]
    if job["state"] != "succeeded":
        yield f"1: it is {job['state']} ({job['reason']}, {job['error']}), though nothing was wrong with it"
    if len(ends) != 1 or events[-1] is not ends[0]:
        yield f"1: it ended {len(ends)} times; its last event is {events[-1]['type']}"


def _tells_everything(job: dict[str, Any], events: list[dict[str, Any]], follower: Follower) -> Iterator[str]:
    numbers = [event["seq"] for event in events]
    if numbers != list(range(1, job["last_seq"] + 1)):
        yield f"2: its events have gaps: {numbers} of {job['last_seq']}"
    if follower.seen != numbers:
        missed, more = sorted(set(numbers) - set(follower.seen)), len(follower.seen) - len(set(follower.seen))
        yield f"2: the stream missed {missed} and saw {more} twice"
    told: set[tuple[int, str, str]] = set()
    for event in events:
        if event["type"] in {"metric", "epoch"}:
            # What is measured beside the steps, such as the quality of images, comes in a message of its own.
            data, names = event["data"], sorted(event["data"].get("values", ()))
            what = (event["attempt"], event["type"], f"{data.get('steps') or data['epoch']} {' '.join(names)}")
            if what in told:
                yield f"2: event {event['seq']} tells a second time of {what}"
            told.add(what)


def _old_fences(
    events: list[dict[str, Any]], attempts: list[dict[str, Any]], artifacts: list[dict[str, Any]]
) -> Iterator[str]:
    order = [event["attempt"] for event in events]
    if order != sorted(order):
        yield f"3: an earlier attempt told something after a later one had begun: {order}"
    rights = {attempt["number"]: attempt for attempt in attempts}
    fences = [attempt["fence"] for attempt in attempts]
    if fences != sorted(set(fences)):
        yield f"3: fences do not rise: {fences}"
    for artifact in artifacts:
        attempt = rights[artifact["attempt"]]
        if artifact["fence"] != attempt["fence"] or f"/{artifact['fence']}/" not in artifact["object_key"]:
            yield f"3: {artifact['name']} carries fence {artifact['fence']}, its attempt {attempt['fence']}"
        if artifact["created_at"] > attempt["ended_at"]:
            yield f"3: {artifact['name']} became visible after its attempt had ended"


def _weights(job: dict[str, Any], artifacts: list[dict[str, Any]], calm: dict[str, str]) -> Iterator[str]:
    made = {row["name"]: row["sha256"] for row in artifacts if row["kind"] == "weights"}
    if job["state"] == "succeeded" and made != calm:
        yield f"4: its weights are {made}, those of the calm run {calm}"


def _counts(world: World, job_id: str, job: dict[str, Any], attempts: list[dict[str, Any]]) -> Iterator[str]:
    numbers, outcomes = [row["number"] for row in attempts], [row["outcome"] for row in attempts]
    if numbers != list(range(1, job["attempt"] + 1)) or None in outcomes:
        yield f"5: attempts {numbers} with {outcomes}, though the job counts {job['attempt']}"
    died, spared = sum(o in DIED for o in outcomes), sum(o in SPARED for o in outcomes)
    interruptions = world.scalar("SELECT interruptions FROM jobs WHERE id = %s", job_id)
    if died > job["max_attempts"] or interruptions != spared:
        yield f"5: {died} of {job['max_attempts']} died; {spared} were interrupted, and {interruptions} counted"


def _trainers(world: World) -> Iterator[str]:
    """At most the one that is started ahead may be there, below a living supervisor."""

    def strays() -> list[int]:
        parents = {world.child(name).pid for name in SUPERVISORS}
        found, seen = [], set()
        for trainer in world.trainers():
            try:
                parent = trainer.ppid()
            except psutil.NoSuchProcess:
                continue
            if parent not in parents or parent in seen:
                found.append(trainer.pid)
            seen.add(parent)
        return found

    try:
        until(lambda: not strays(), STRAYS_S)
    except AssertionError:
        yield f"6: trainers are left: {strays()}"


def _objects(world: World, artifacts: list[dict[str, Any]]) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        for artifact in artifacts:
            path = Path(folder) / "object"
            try:
                world.stores.infra.blobs.get(artifact["object_key"], path, artifact["sha256"])
            except StoreError as error:
                yield f"7: {artifact['name']} of step {artifact['step']}: {error}"
                continue
            if path.stat().st_size != artifact["bytes"]:
                yield f"7: {artifact['name']} has {path.stat().st_size} bytes, its row says {artifact['bytes']}"


def _accepted_once(world: World, follower: Follower) -> Iterator[str]:
    same = _rows(world, "SELECT id FROM jobs WHERE name = %s", follower.name)
    if [row["id"] for row in same] != [follower.job_id]:
        yield f"8: asked for once, there are {[row['id'] for row in same]}"


def _bytes(world: World, job_id: str, attempts: list[dict[str, Any]]) -> Iterator[str]:
    """The bytes in the store must be those in rows, but for what attempts that died had stored without a row."""
    # A log that becomes an artifact is an object first.
    going = """SELECT (SELECT count(*) FROM doomed_objects) + (SELECT count(*) FROM jobs WHERE purged_at IS NOT NULL)
        + (SELECT count(*) FROM log_chunks JOIN attempts ON attempts.job_id = log_chunks.job_id
                  AND attempts.number = log_chunks.attempt AND ended_at IS NOT NULL)"""
    try:
        until(lambda: world.scalar(going) == 0, REMOVED_S)
    except AssertionError:
        yield f"9: {world.scalar(going)} purged jobs, doomed objects and parts of logs are left after {REMOVED_S:.0f} s"
        return
    stored = _stored(world)
    rows = {row["object_key"]: row["bytes"] for row in _rows(world, "SELECT object_key, bytes FROM artifacts")}
    died = tuple(f"jobs/{job_id}/{row['fence']}/" for row in attempts if row["outcome"] != Outcome.succeeded)
    unnamed = stored.keys() - rows.keys() - world.strays
    if surplus := {key for key in unnamed if not key.startswith(died)}:
        yield f"9: no row names {sorted(surplus)}"
    world.strays |= unnamed - surplus
    named = sum(size for key, size in stored.items() if key not in world.strays)
    if not surplus and named != sum(rows.values()):
        yield f"9: the store holds {named} bytes, the rows say {sum(rows.values())}"


def _webhooks(world: World, job: dict[str, Any], events: list[dict[str, Any]]) -> Iterator[str]:
    """Each event that a webhook asked for made one message, and each message arrived, in the order of the events."""
    wanted = [
        (event["seq"], str(told)) for event in events for told in events_of(job["kind"], event["type"], event["data"])
    ]
    query = "SELECT seq, type, message_id, state FROM deliveries WHERE job_id = %s AND seq IS NOT NULL ORDER BY number"

    def made() -> list[dict[str, Any]]:
        return _rows(world, query, job["id"])

    def arrived() -> bool:
        return len(made()) >= len(wanted) and all(row["state"] == DeliveryState.delivered for row in made())

    try:
        until(arrived, TOLD_S)
    except AssertionError:
        yield f"10: not all of {wanted} arrived within {TOLD_S:.0f} s: {made()}"
        return
    if (found := [(row["seq"], row["type"]) for row in made()]) != wanted:
        yield f"10: the webhook's messages are {found}, the events {wanted}"
    ids = [row["message_id"] for row in made()]
    came = [one for one in dict.fromkeys(got.id for got in world.receiver.got) if one in ids]
    if came != ids:
        yield f"10: the receiver got {came}, sent were {ids}"


def _stored(world: World) -> dict[str, int]:
    """Return the bytes of all objects of jobs, by key."""
    found: dict[str, int] = {}
    while page := world.stores.infra.blobs.page("jobs/", max(found, default=""), 1000):
        found |= {one.key: one.bytes for one in page}
    return found


def _events(world: World, job_id: str) -> list[dict[str, Any]]:
    return world.stores.events.page(job_id, 0, 100_000)


def _rows(world: World, query: str, *values: object) -> list[dict[str, Any]]:
    with world.stores.infra.engine.connect() as connection:
        return [dict(row) for row in connection.exec_driver_sql(query, values).mappings()]
