"""Messages on their way: who may send which when, and what a result makes of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from models.messages import DeliveryFaults
from models.states import Role
from models.webhooks import WAITS_S, WebhookEvent, WebhookFormat
from stores.accounts.audit import Local
from stores.accounts.keys import Principal
from stores.infra.errors import ConflictError, NotFoundError
from stores.webhooks.deliveries import Result

ALICE = Local("alice")
FAILED = Result(5, DeliveryFaults.delivery_status(status=500), 500, "no")
ARRIVED = Result(5, None, 200, "thanks")


@pytest.fixture
def alice(stores):
    """Return the holder of a key."""
    key, _ = stores.accounts.keys.create("key", "alice", Role.user)
    return Principal(key["id"], "alice", Role.user)


@pytest.fixture
def hook(stores, alice):
    """Return a function that makes a webhook of alice's; it gives the id."""

    def make() -> str:
        made, _ = stores.webhooks.create("https://example.org", list(WebhookEvent), {}, WebhookFormat.standard, alice)
        return made["id"]

    return make


@pytest.fixture
def happen(stores, new_job):
    """Return a function after which a new job has been paused, resumed and canceled; it gives the job's id."""

    def do() -> str:
        job, _ = stores.jobs.submit(new_job())
        stores.jobs.pause(job["id"], ALICE)
        stores.jobs.cancel(job["id"], ALICE)
        stores.webhooks.outbox.dispatch()
        return job["id"]

    return do


def due(stores, what: str = "pending") -> None:
    """Let all messages be due now."""
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE deliveries SET next_at = now() WHERE state = :what"), {"what": what})


def listed(stores, webhook, alice):
    """Return the messages in the order of their events."""
    return [one for _, one in reversed(stores.webhooks.deliveries.page(webhook, alice, 100, None))]


def test_a_message_is_claimed_once_and_the_next_of_its_job_waits_for_it(stores, hook, happen, alice):
    webhook = hook()
    happen()
    deliveries = stores.webhooks.deliveries
    (first,) = deliveries.claim(10)
    assert deliveries.claim(10) == []
    deliveries.finish(first, FAILED)
    assert deliveries.claim(10) == []
    due(stores)
    (again,) = deliveries.claim(10)
    assert (again.message_id, again.body, again.tries) == (first.message_id, first.body, 2)
    deliveries.finish(again, ARRIVED)
    (second,) = deliveries.claim(10)
    deliveries.finish(second, ARRIVED)
    assert [one["type"] for one in listed(stores, webhook, alice)] == ["job.paused", "job.canceled"]
    assert [len(one["attempts"]) for one in listed(stores, webhook, alice)] == [2, 1]
    tried = listed(stores, webhook, alice)[0]["attempts"]
    assert [(one["status"], one["answer"]) for one in tried] == [(500, "no"), (200, "thanks")]
    assert [one["error"] is None for one in tried] == [False, True]


def test_other_jobs_do_not_wait_for_a_message_that_fails(stores, hook, happen):
    hook()
    happen()
    other = happen()
    deliveries = stores.webhooks.deliveries
    (first,) = deliveries.claim(10)
    (second,) = deliveries.claim(10)
    assert other in second.body
    assert first.body != second.body


def test_many_senders_never_have_the_same_message(stores, hook, happen):
    hook()
    for _ in range(8):
        happen()
    with ThreadPoolExecutor(4) as threads:
        claims = [
            one.id for found in threads.map(lambda _: stores.webhooks.deliveries.claim(3), range(16)) for one in found
        ]
    assert len(claims) == len(set(claims))
    assert len(claims) > 1


def test_a_message_of_a_dead_sender_is_due_again_and_a_late_result_changes_nothing(stores, hook, happen, alice):
    webhook = hook()
    happen()
    deliveries = stores.webhooks.deliveries
    (late,) = deliveries.claim(1)
    due(stores)
    (taken,) = deliveries.claim(1)
    assert taken.id == late.id
    deliveries.finish(late, ARRIVED)
    assert listed(stores, webhook, alice)[0]["state"] == "pending"
    deliveries.finish(taken, ARRIVED)
    assert listed(stores, webhook, alice)[0]["state"] == "delivered"


def test_tries_grow_apart_over_a_day_and_then_the_message_has_failed(stores, hook, happen, alice):
    webhook = hook()
    happen()
    assert 86_400 < sum(WAITS_S) < 100_000
    deliveries = stores.webhooks.deliveries
    for wait in WAITS_S:
        (parcel,) = deliveries.claim(1)
        deliveries.finish(parcel, FAILED)
        with stores.infra.engine.connect() as connection:
            ahead = connection.scalar(
                text("SELECT extract(epoch FROM next_at - now()) FROM deliveries WHERE id = :id"), {"id": parcel.id}
            )
        assert 0.7 * wait < ahead < 1.3 * wait
        due(stores)
    (parcel,) = deliveries.claim(1)
    deliveries.finish(parcel, FAILED)
    assert [one["state"] for one in listed(stores, webhook, alice)] == ["failed", "pending"]
    due(stores)
    assert len(deliveries.claim(1)) == 1


def test_a_webhook_that_failed_for_a_day_is_paused_and_a_resumed_one_sends_what_waited(stores, hook, happen, alice):
    webhook = hook()
    happen()
    deliveries = stores.webhooks.deliveries
    deliveries.finish(deliveries.claim(1)[0], FAILED)
    assert stores.webhooks.get(webhook, alice)["failing_since"] is not None
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE webhooks SET failing_since = now() - interval '25 hours'"))
    due(stores)
    deliveries.finish(deliveries.claim(1)[0], FAILED)
    assert (stores.webhooks.get(webhook, alice)["paused"], stores.webhooks.get(webhook, alice)["paused_reason"]) == (
        True,
        "failures",
    )
    assert [one["id"] for one in stores.webhooks.paused_by_failures(alice)] == [webhook]
    due(stores)
    assert deliveries.claim(1) == []
    job = happen()
    assert not any(one["job"] == job for one in listed(stores, webhook, alice))
    resumed = stores.webhooks.change(webhook, {"paused": False}, alice)
    assert (resumed["paused"], resumed["failing_since"]) == (False, None)
    assert len(deliveries.claim(1)) == 1


def test_a_receiver_that_is_back_gets_soon_what_waited_for_hours(stores, hook, happen, alice):
    hook()
    happen()
    happen()
    deliveries = stores.webhooks.deliveries
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE deliveries SET failures = 9"))
    deliveries.finish(deliveries.claim(1)[0], FAILED)
    deliveries.finish(deliveries.claim(1)[0], ARRIVED)
    with stores.infra.engine.connect() as connection:
        ahead = "SELECT max(extract(epoch FROM next_at - now())) FROM deliveries WHERE state = 'pending'"
        assert connection.scalar(text(ahead)) < 6


def test_a_receiver_that_is_gone_pauses_the_webhook_at_once(stores, hook, happen, alice):
    webhook = hook()
    happen()
    gone = Result(5, DeliveryFaults.delivery_gone(), 410, "", gone=True)
    stores.webhooks.deliveries.finish(stores.webhooks.deliveries.claim(1)[0], gone)
    assert stores.webhooks.get(webhook, alice)["paused_reason"] == "gone"
    assert listed(stores, webhook, alice)[0]["state"] == "failed"


def test_a_busy_receiver_is_given_the_time_it_asks_for_up_to_an_hour(stores, hook, happen):
    hook()
    happen()
    busy = Result(5, DeliveryFaults.delivery_status(status=429), 429, "", retry_after_s=10**6)
    stores.webhooks.deliveries.finish(stores.webhooks.deliveries.claim(1)[0], busy)
    with stores.infra.engine.connect() as connection:
        ahead = connection.scalar(text("SELECT max(extract(epoch FROM next_at - now())) FROM deliveries"))
    assert 3500 < ahead <= 3600


def test_a_message_is_sent_again_on_request_with_the_same_id(stores, hook, happen, alice):
    webhook = hook()
    happen()
    deliveries = stores.webhooks.deliveries
    (first,) = deliveries.claim(1)
    deliveries.finish(first, ARRIVED)
    again = deliveries.redeliver(webhook, first.id, alice)
    assert (again["state"], again["message"]) == ("pending", first.message_id)
    found = deliveries.claim(1)
    assert [one.message_id for one in found] == [first.message_id]


def test_tests_and_messages_again_are_refused_for_a_paused_webhook(stores, hook, happen, alice):
    webhook = hook()
    happen()
    delivery = listed(stores, webhook, alice)[0]["id"]
    stores.webhooks.change(webhook, {"paused": True}, alice)
    with pytest.raises(ConflictError):
        stores.webhooks.deliveries.test(webhook, alice)
    with pytest.raises(ConflictError):
        stores.webhooks.deliveries.redeliver(webhook, delivery, alice)
    assert stores.webhooks.paused_by_failures(alice) == []


def test_only_some_tests_wait_at_once(stores, hook, alice):
    webhook = hook()
    for _ in range(5):
        stores.webhooks.deliveries.test(webhook, alice)
    with pytest.raises(ConflictError):
        stores.webhooks.deliveries.test(webhook, alice)


def test_a_deleted_webhook_sends_nothing_and_a_result_that_comes_late_is_no_error(stores, hook, happen, alice):
    webhook = hook()
    happen()
    (parcel,) = stores.webhooks.deliveries.claim(1)
    stores.webhooks.delete(webhook, alice)
    stores.webhooks.deliveries.finish(parcel, ARRIVED)
    assert stores.webhooks.deliveries.claim(10) == []
    with pytest.raises(NotFoundError):
        stores.webhooks.get(webhook, alice)


def test_messages_are_kept_for_30_days(stores, hook, happen, alice):
    webhook = hook()
    happen()
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE deliveries SET created_at = now() - interval '29 days'"))
    assert stores.webhooks.deliveries.forget_old() == 0
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE deliveries SET created_at = now() - interval '31 days'"))
    assert stores.webhooks.deliveries.forget_old() == 2
    assert listed(stores, webhook, alice) == []


def test_what_operators_watch_is_counted(stores, hook, happen, alice):
    hook()
    happen()
    deliveries = stores.webhooks.deliveries
    figures = deliveries.figures()
    assert (figures["pending"], figures["failed"], figures["working"], figures["failing"], figures["paused"]) == (
        2,
        0,
        1,
        0,
        0,
    )
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE deliveries SET next_at = now() - interval '90 s'"))
    assert 89 < deliveries.figures()["behind_s"] < 100
    deliveries.finish(deliveries.claim(1)[0], FAILED)
    assert (deliveries.figures()["failing"], deliveries.figures()["behind_s"]) == (1, 0)
