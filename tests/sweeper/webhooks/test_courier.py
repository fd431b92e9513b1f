"""Sweepers that send: they are killed, receivers are away, and each message arrives with its own id."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter

import pytest
from sqlalchemy import text

from models.states import Role
from models.webhooks import WebhookEvent, WebhookFormat
from stores.accounts.audit import Local
from stores.accounts.keys import Principal
from tests.receiver import receiving
from tests.waiting import until

PRIVATE = {"GANFORGE_WEBHOOK_PRIVATE": "1"}
ALICE = Local("alice")


@pytest.fixture
def hook(stores):
    """Return a function that makes a webhook of alice's; it gives its id and its secret."""
    key, _ = stores.accounts.keys.create("key", "alice", Role.user)
    alice = Principal(key["id"], "alice", Role.user)

    def make(url: str) -> tuple[str, str]:
        made, secret = stores.webhooks.create(url, list(WebhookEvent), {}, WebhookFormat.standard, alice)
        return made["id"], secret

    make.who = alice
    return make


def hurry(stores) -> None:
    """Let what waits for its next try, or for the end of a dead sender's claim, be due."""
    with stores.infra.engine.begin() as connection:
        connection.execute(text("SELECT id FROM webhooks FOR NO KEY UPDATE"))  # as the stores take their turns
        connection.execute(text("UPDATE deliveries SET next_at = now() WHERE state = 'pending'"))


def test_each_event_arrives_in_order_although_sweepers_are_killed_and_the_receiver_is_away(fleet, stores, submit, hook):
    with receiving() as receiver:
        port = receiver.port
        webhook, secret = hook(receiver.url())
    # The receiver is away.
    jobs = [submit() for _ in range(5)]
    first = fleet.sweeper(**PRIVATE)
    for job in jobs:
        stores.jobs.pause(job, ALICE)
    until(lambda: stores.webhooks.deliveries.figures()["failing"], 60, "a failed try")
    os.killpg(first.pid, signal.SIGKILL)
    for job in jobs:
        stores.jobs.cancel(job, ALICE)
    with receiving(port) as receiver:
        receiver.answer = lambda got: (500 if len(receiver.got) % 3 == 0 else 200, {}, b"")
        second = fleet.sweeper(**PRIVATE)
        until(lambda: len(receiver.got) >= 2, 60, "the first messages")
        os.killpg(second.pid, signal.SIGKILL)
        third = fleet.sweeper(**PRIVATE)

        def all_arrived() -> bool:
            hurry(stores)
            listed = stores.webhooks.deliveries.page(webhook, hook.who, 100, None)
            return len(listed) == 10 and all(one["state"] == "delivered" for _, one in listed)

        until(all_arrived, 60, "all messages")
        assert third.poll() is None
    arrived: dict[str, list[str]] = {job: [] for job in jobs}
    ids: dict[tuple[str, str], set[str]] = {}
    for got in receiver.got:
        body = got.verified(secret)
        job = body["data"]["job"]["id"]
        ids.setdefault((job, body["type"]), set()).add(got.id)
        if body["type"] not in arrived[job]:
            arrived[job].append(body["type"])
    assert arrived == {job: ["job.paused", "job.canceled"] for job in jobs}
    assert Counter(map(len, ids.values())) == {1: 10}


def test_a_receiver_that_hangs_holds_up_no_other_webhook(fleet, stores, submit, hook):
    with receiving() as slow, receiving() as quick:
        done = []
        slow.answer = lambda _: until(lambda: done, 30, "the end of the test") and (200, {}, b"")
        for _ in range(3):
            hook(slow.url())
        hook(quick.url())
        fleet.sweeper(**PRIVATE)
        for _ in range(4):
            stores.jobs.cancel(submit(), ALICE)
        until(lambda: len(quick.got) == 4, 60, "the messages of the quick one")
        done.append(True)
    assert [json.loads(got.body)["type"] for got in quick.got] == ["job.canceled"] * 4
    assert all(chore["rounds"] for chore in stores.maintenance.periodic.all() if chore["name"] == "webhooks")


def test_nothing_is_sent_to_this_machine_unless_the_operator_allows_it(fleet, stores, submit, hook):
    with receiving() as receiver:
        webhook, _ = hook(receiver.url())
        fleet.sweeper()
        stores.jobs.cancel(submit(), ALICE)
        until(lambda: stores.webhooks.deliveries.figures()["failing"], 60, "a refused try")
        assert receiver.got == []
    ((_, delivery),) = stores.webhooks.deliveries.page(webhook, hook.who, 100, None)
    assert delivery["attempts"][0]["error"].startswith("the address is no longer allowed")
