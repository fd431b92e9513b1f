"""A replaced secret: for a day messages carry the signatures of both, then only that of the new one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text
from standardwebhooks import WebhookVerificationError

from models.states import Role
from models.views import rfc3339
from models.webhooks import WebhookEvent, WebhookFormat
from stores.accounts.keys import Principal
from stores.infra.errors import ConflictError
from sweeper.webhooks.http_post import HttpPost
from tests.receiver import receiving


@pytest.fixture
def alice(stores):
    """Return the holder of a key."""
    key, _ = stores.accounts.keys.create("key", "alice", Role.user)
    return Principal(key["id"], "alice", Role.user)


@pytest.fixture
def receiver():
    """Return a receiver on this machine."""
    with receiving() as made:
        yield made


@pytest.fixture
def hook(stores, alice, receiver):
    """Return the id of a webhook of alice's, and its secret."""
    events = list(WebhookEvent)
    made, secret = stores.webhooks.create(receiver.url(), events, {}, WebhookFormat.standard, alice)
    return made["id"], secret


@pytest.fixture
def told(stores, alice, receiver, hook):
    """Return a function that lets a message be sent; it gives what the receiver got."""

    def send():
        stores.webhooks.deliveries.test(hook[0], alice)
        (parcel,) = stores.webhooks.deliveries.claim(1)
        stores.webhooks.deliveries.finish(parcel, HttpPost(private=True).send(parcel))
        return receiver.got[-1]

    return send


def verifies(got, secret: str) -> bool:
    """Return whether a receiver with this secret takes the message."""
    try:
        got.verified(secret)
    except WebhookVerificationError:
        return False
    return True


def a_day_later(stores) -> None:
    """Let a day pass for all replaced secrets."""
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE old_webhook_secrets SET until = until - interval '1 day'"))


def test_old_and_new_secret_verify_for_a_day_and_then_only_the_new_one(stores, alice, hook, told):
    webhook, old = hook
    new = stores.webhooks.rotate(webhook, alice)
    assert new != old
    got = told()
    assert (verifies(got, old), verifies(got, new)) == (True, True)
    first, second = got.headers["webhook-signature"].split(" ")
    assert (first[:3], second[:3]) == ("v1,", "v1,")
    # A receiver that reads one signature alone reads that of the new secret.
    assert verifies(replace(got, headers={**got.headers, "webhook-signature": first}), new)
    assert stores.webhooks.get(webhook, alice)["old_secrets_until"] is not None
    a_day_later(stores)
    got = told()
    assert (verifies(got, old), verifies(got, new)) == (False, True)
    assert " " not in got.headers["webhook-signature"]
    assert stores.webhooks.get(webhook, alice)["old_secrets_until"] is None


def test_a_secret_replaced_twice_in_a_day_still_verifies(stores, alice, hook, told):
    webhook, first = hook
    second = stores.webhooks.rotate(webhook, alice)
    third = stores.webhooks.rotate(webhook, alice)
    assert all(verifies(told(), secret) for secret in (first, second, third))
    with stores.infra.engine.begin() as connection:
        connection.execute(
            text("UPDATE old_webhook_secrets SET until = until - interval '12 hours' WHERE secret = :first"),
            {"first": first},
        )
        last = connection.scalar(
            text("SELECT until FROM old_webhook_secrets WHERE secret = :second"), {"second": second}
        )
    assert stores.webhooks.get(webhook, alice)["old_secrets_until"] == rfc3339(last)


def test_the_secrets_of_another_webhook_neither_sign_nor_count(stores, alice, receiver, hook, told):
    made, other = stores.webhooks.create(receiver.url(), list(WebhookEvent), {}, WebhookFormat.standard, alice)
    for _ in range(4):
        stores.webhooks.rotate(made["id"], alice)
    assert stores.webhooks.get(hook[0], alice)["old_secrets_until"] is None
    got = told()
    assert (verifies(got, hook[1]), verifies(got, other)) == (True, False)
    assert " " not in got.headers["webhook-signature"]
    stores.webhooks.rotate(hook[0], alice)


def test_a_secret_is_replaced_four_times_a_day_at_most(stores, alice, hook, told):
    webhook, first = hook
    for _ in range(4):
        stores.webhooks.rotate(webhook, alice)
    with pytest.raises(ConflictError, match="replaced 4 times within a day"):
        stores.webhooks.rotate(webhook, alice)
    assert verifies(told(), first)
    a_day_later(stores)
    stores.webhooks.rotate(webhook, alice)


def test_secrets_that_sign_no_more_are_deleted_and_go_with_their_webhook(stores, alice, hook):
    webhook, _ = hook

    def kept() -> int:
        with stores.infra.engine.connect() as connection:
            return connection.scalar(text("SELECT count(*) FROM old_webhook_secrets"))

    stores.webhooks.rotate(webhook, alice)
    assert (stores.webhooks.deliveries.forget_old(), kept()) == (0, 1)
    a_day_later(stores)
    assert (stores.webhooks.deliveries.forget_old(), kept()) == (1, 0)
    stores.webhooks.rotate(webhook, alice)
    stores.webhooks.delete(webhook, alice)
    assert kept() == 0
