"""From events to messages: each event once, for whoever asked, and for nobody else."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from models.states import ErrorCode, EventType, Outcome, Role
from models.webhooks import BODY_BYTES, WebhookEvent, WebhookFormat
from stores.accounts.audit import Local
from stores.accounts.keys import Principal
from stores.jobs.transitions import Ending

ALL = list(WebhookEvent)
ALICE = Local("alice")


@pytest.fixture
def person(stores):
    """Return a function that makes a key; it gives its holder."""

    def make(owner: str, role: Role = Role.user) -> Principal:
        key, _ = stores.accounts.keys.create(f"key of {owner}", owner, role)
        return Principal(key["id"], owner, role)

    return make


@pytest.fixture
def hook(stores):
    """Return a function that makes a webhook; it gives the id."""

    def make(who: Principal, events=ALL, **chosen) -> str:
        made, _ = stores.webhooks.create("https://example.org", events, chosen, WebhookFormat.standard, who)
        return made["id"]

    return make


def told(stores, webhook_id: str, who: Principal) -> list[tuple[str, str | None]]:
    """Return types and jobs of a webhook's messages, in the order in which they go out."""
    rows = stores.webhooks.deliveries.page(webhook_id, who, 100, None)
    return [(delivery["type"], delivery["job"]) for _, delivery in reversed(rows)]


def bodies(stores, webhook_id: str, who: Principal) -> list[dict]:
    """Return the messages."""
    return [json.loads(one["body"]) for _, one in reversed(stores.webhooks.deliveries.page(webhook_id, who, 100, None))]


def test_an_event_makes_one_message_for_each_webhook_that_asked(stores, worker, new_job, person, hook):
    alice, bob = person("alice"), person("bob")
    every, ended, strange = hook(alice), hook(alice, [WebhookEvent.job_succeeded]), hook(bob)
    job, _ = stores.jobs.submit(new_job())
    stores.jobs.pause(job["id"], ALICE)
    stores.jobs.resume(job["id"], ALICE)
    claim = stores.jobs.claim("cpu", worker, "cpu")
    stores.jobs.progress(claim, [(EventType.alert, {"code": "collapse", "detail": "few kinds"})])
    stores.jobs.finish(claim, Ending(Outcome.succeeded))

    assert stores.webhooks.outbox.dispatch() == (4, False)
    assert stores.webhooks.outbox.dispatch() == (0, False)
    expected = ["job.paused", "job.alert", "job.succeeded"]
    assert told(stores, every, alice) == [(type_, job["id"]) for type_ in expected]
    assert told(stores, ended, alice) == [("job.succeeded", job["id"])]
    assert told(stores, strange, bob) == []
    paused, alert, done = bodies(stores, every, alice)
    assert set(paused) == {"type", "timestamp", "data"}
    # The state is that of the event, although the job has ended since.
    assert (paused["data"]["job"]["state"], paused["data"]["job"]["reason"]) == ("paused", "paused by request")
    assert alert["data"]["alert"] == {"code": "collapse", "detail": "few kinds"}
    assert (done["data"]["job"]["state"], done["data"]["job"]["owner"]) == ("succeeded", "alice")


def test_what_happened_before_the_webhook_is_not_told(stores, new_job, person, hook):
    alice = person("alice")
    old, _ = stores.jobs.submit(new_job())
    stores.jobs.cancel(old["id"], ALICE)
    webhook = hook(alice)
    job, _ = stores.jobs.submit(new_job())
    stores.jobs.cancel(job["id"], ALICE)
    stores.webhooks.outbox.dispatch()
    assert told(stores, webhook, alice) == [("job.canceled", job["id"])]


def test_a_message_is_made_once_by_sweepers_that_race(stores, new_job, person, hook):
    alice = person("alice")
    webhook = hook(alice)
    jobs = [stores.jobs.submit(new_job())[0]["id"] for _ in range(30)]
    for job in jobs:
        stores.jobs.cancel(job, ALICE)

    def work(_: int) -> int:
        made = 0
        while (found := stores.webhooks.outbox.dispatch(4))[1]:
            made += found[0]
        return made + found[0]

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(4)))
    while stores.webhooks.outbox.dispatch(4)[1]:
        pass
    assert sorted(told(stores, webhook, alice)) == sorted(("job.canceled", job) for job in jobs)


def test_an_event_behind_an_open_transaction_is_told_when_it_settles(stores, new_job, person, hook):
    alice = person("alice")
    webhook = hook(alice)
    with stores.infra.engine.begin() as blocker:
        blocker.execute(text("SELECT pg_current_xact_id()"))
        job, _ = stores.jobs.submit(new_job())
        stores.jobs.cancel(job["id"], ALICE)
        assert stores.webhooks.outbox.dispatch() == (0, False)
    assert stores.webhooks.outbox.dispatch()[0] == 1
    assert told(stores, webhook, alice) == [("job.canceled", job["id"])]


@pytest.mark.parametrize(
    ("chosen", "heard"),
    [
        ({"label": ["team:a"]}, True),
        ({"label": ["team=b", "team:a"]}, True),
        ({"label": ["team:b"]}, False),
        ({"label": ["team:a", "run:1"]}, False),
        ({"kind": ["evaluate", "train"]}, True),
        ({"kind": ["sample"]}, False),
        ({"recipe": ["mlp_gan"], "dataset": ["mnist-10k"]}, True),
        ({"queue": ["gpu"]}, False),
        ({"project": ["faces", "digits"], "owner": ["alice"]}, True),
        ({"project": ["faces"]}, False),
        ({"owner": ["bob"]}, False),
    ],
)
def test_a_filter_chooses_the_jobs_that_a_list_with_it_has(stores, new_job, person, hook, chosen, heard):
    alice = person("alice")
    webhook = hook(alice, **chosen)
    job, _ = stores.jobs.submit(new_job(labels={"team": "a"}, project="digits"))
    stores.jobs.cancel(job["id"], ALICE)
    stores.webhooks.outbox.dispatch()
    assert bool(told(stores, webhook, alice)) is heard


def test_an_admin_hears_of_all_owners_as_long_as_there_is_an_admin_key(stores, new_job, person, hook):
    root, admin = person("root", Role.admin), person("chief", Role.admin)
    webhook = hook(admin)
    first, second = (stores.jobs.submit(new_job())[0]["id"] for _ in range(2))
    stores.jobs.cancel(first, ALICE)
    stores.webhooks.outbox.dispatch()
    stores.accounts.keys.revoke(admin.key_id, root)
    person("chief")
    stores.jobs.cancel(second, ALICE)
    stores.webhooks.outbox.dispatch()
    assert told(stores, webhook, root) == [("job.canceled", first)]


def test_nothing_is_told_to_an_owner_whose_keys_are_all_revoked(stores, new_job, person, hook):
    root, alice = person("root", Role.admin), person("alice")
    webhook = hook(alice)
    stores.accounts.keys.revoke(alice.key_id, root)
    job, _ = stores.jobs.submit(new_job())
    stores.jobs.cancel(job["id"], ALICE)
    assert stores.webhooks.outbox.dispatch() == (0, False)
    assert told(stores, webhook, root) == []


def test_a_long_message_is_shortened_to_8_kb_and_says_where(stores, worker, new_job, person, hook):
    alice = person("alice")
    webhook = hook(alice)
    stores.jobs.submit(new_job(labels={f"key{n}": "ö" * 255 for n in range(32)}, name="digits"))
    claim = stores.jobs.claim("cpu", worker, "cpu")
    stores.jobs.finish(claim, Ending(Outcome.failed, None, ErrorCode.internal, "ü" * 9000))
    stores.webhooks.outbox.dispatch()
    (_, delivery), *_ = stores.webhooks.deliveries.page(webhook, alice, 1, None)
    assert len(delivery["body"].encode()) <= BODY_BYTES
    data = json.loads(delivery["body"])["data"]
    assert data["shortened"] == ["error", "labels"]
    assert (data["job"]["name"], data["job"]["error"]["code"]) == ("digits", "internal")


def lose(stores) -> None:
    """Let nobody have heard of any worker for a minute."""
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE workers SET last_seen = now() - interval '1 minute'"))


def test_a_lost_worker_is_told_once_until_it_is_heard_of_again(stores, worker, person, hook):
    admin, bob = person("root", Role.admin), person("bob")
    webhook, strange = hook(admin), hook(bob)
    outbox = stores.webhooks.outbox
    assert outbox.tell_lost_workers() == 0
    lose(stores)
    assert [outbox.tell_lost_workers(), outbox.tell_lost_workers()] == [1, 0]
    stores.fleet.workers.beat(worker, {"kind": "cpu"})
    lose(stores)
    assert outbox.tell_lost_workers() == 1
    assert told(stores, webhook, admin) == [("worker.lost", None)] * 2
    assert told(stores, strange, bob) == []
    assert bodies(stores, webhook, admin)[0]["data"]["worker"]["name"] == "bench"


def test_the_owner_of_its_job_hears_of_a_lost_worker_but_not_its_name(stores, worker, new_job, person, hook):
    alice = person("alice")
    webhook = hook(alice, [WebhookEvent.worker_lost])
    job, _ = stores.jobs.submit(new_job())
    stores.jobs.claim("cpu", worker, "cpu")
    lose(stores)
    assert stores.webhooks.outbox.tell_lost_workers() == 1
    (body,) = bodies(stores, webhook, alice)
    assert set(body["data"]["worker"]) == {"id", "queue", "last_seen"}
    assert body["data"]["job"]["id"] == job["id"]


def test_a_worker_that_stopped_in_order_is_not_lost(stores, worker, person, hook):
    hook(person("root", Role.admin))
    stores.fleet.workers.stop(worker)
    lose(stores)
    assert stores.webhooks.outbox.tell_lost_workers() == 0
