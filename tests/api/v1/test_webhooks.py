"""Webhooks over the API: who may make, see and change which, and what is refused with which remedy."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import text

from models.webhooks import WebhookEvent
from stores.container import Stores
from tests.api.conftest import Person, Pointers

HOOK = {"url": "https://hooks.example.org/a", "events": ["job.succeeded", "job.failed"]}
SLACK = {**HOOK, "url": "https://hooks.slack.com/services/T0/B0/hush", "format": "slack"}


def make(person: Person, **changes: Any) -> dict[str, Any]:
    """Create a webhook; return it with its secret."""
    answer = person.post("/v1/webhooks", json={**HOOK, **changes})
    assert answer.status_code == 201, answer.text
    return dict(answer.json or {})


def test_a_new_webhook_shows_its_secret_this_once(alice: Person) -> None:
    answer = alice.post("/v1/webhooks", json={**HOOK, "filter": {"label": "team:a", "kind": ["train"]}})
    assert answer.status_code == 201
    made = answer.json
    assert answer.headers["Location"] == f"/v1/webhooks/{made['id']}"
    assert made["secret"].startswith("whsec_")
    assert made["filter"] == {"label": ["team:a"], "kind": ["train"]}
    assert (made["format"], made["paused"], made["all_owners"]) == ("standard", False, False)
    shown = alice.get(f"/v1/webhooks/{made['id']}").json
    assert "secret" not in shown
    assert {**shown, "secret": made["secret"]} == made
    assert alice.get("/v1/webhooks").json["data"] == [shown]


def test_all_events_may_be_asked_for(alice: Person) -> None:
    assert make(alice, events=[str(event) for event in WebhookEvent])["events"] == list(WebhookEvent)


def test_owners_see_only_their_own_and_admins_all(alice: Person, bob: Person, carol: Person, admin: Person) -> None:
    mine, its = make(alice)["id"], make(admin)
    assert its["all_owners"] is True
    assert [one["id"] for one in alice.get("/v1/webhooks").json["data"]] == [mine]
    assert [one["id"] for one in carol.get("/v1/webhooks").json["data"]] == [mine]
    assert bob.get("/v1/webhooks").json["data"] == []
    assert [one["id"] for one in admin.get("/v1/webhooks").json["data"]] == [its["id"], mine]
    delivery = alice.post(f"/v1/webhooks/{mine}/test").json["id"]
    for method, path in (
        ("GET", ""),
        ("PATCH", ""),
        ("GET", "/deliveries"),
        ("POST", "/test"),
        ("POST", f"/deliveries/{delivery}/redeliver"),
        ("DELETE", ""),
    ):
        body = {"json": {"paused": True}} if method == "PATCH" else {}
        assert bob.ask(method, f"/v1/webhooks/{mine}{path}", **body).status_code == 404
        assert carol.ask(method, f"/v1/webhooks/{mine}{path}", **body).status_code == (200 if method == "GET" else 403)


def test_a_webhook_over_all_owners_is_hidden_from_its_owners_other_keys(admin: Person, stores: Stores) -> None:
    webhook = make(admin)["id"]
    key, secret = stores.accounts.keys.create("small", "root", "user")
    small = Person(admin.client, secret, key["id"])
    assert small.get("/v1/webhooks").json["data"] == []
    assert small.get(f"/v1/webhooks/{webhook}/deliveries").status_code == 404


def test_viewers_and_the_audit_see_only_the_host_of_a_slack_address(
    alice: Person, carol: Person, admin: Person
) -> None:
    webhook = make(alice, **SLACK)["id"]
    assert alice.get(f"/v1/webhooks/{webhook}").json["url"] == SLACK["url"]
    assert carol.get(f"/v1/webhooks/{webhook}").json["url"] == "https://hooks.slack.com/…"
    assert carol.get("/v1/webhooks").json["data"][0]["url"] == "https://hooks.slack.com/…"
    alice.ask("PATCH", f"/v1/webhooks/{webhook}", json={"paused": True})
    alice.ask("DELETE", f"/v1/webhooks/{webhook}")
    told = json.dumps(admin.get("/v1/audit").json)
    assert "hush" not in told
    assert "whsec_" not in told
    assert [line["action"] for line in admin.get("/v1/audit").json["data"]][:3] == [
        "webhook.delete",
        "webhook.change",
        "webhook.create",
    ]


def test_changes_replace_what_they_name_and_nothing_else(alice: Person, admin: Person) -> None:
    webhook = make(alice, filter={"label": ["team:a"]})["id"]
    path = f"/v1/webhooks/{webhook}"
    changed = alice.ask("PATCH", path, json={"events": ["job.alert"], "filter": {}}).json
    assert (changed["events"], changed["filter"], changed["url"]) == (["job.alert"], {}, HOOK["url"])
    paused = alice.ask("PATCH", path, json={"paused": True}).json
    assert (paused["paused"], paused["paused_reason"]) == (True, "request")
    assert alice.post(f"{path}/test").status_code == 409
    resumed = alice.ask("PATCH", path, json={"paused": False}).json
    assert (resumed["paused"], resumed["paused_reason"], resumed["paused_at"]) == (False, None, None)
    before = len(admin.get("/v1/audit?action=webhook.change").json["data"])
    assert alice.ask("PATCH", path, json={"paused": False}).json == resumed
    assert alice.ask("PATCH", path, json={}).json == resumed
    assert len(admin.get("/v1/audit?action=webhook.change").json["data"]) == before == 3


def test_a_replaced_secret_is_shown_once_to_its_owner_alone(
    alice: Person, bob: Person, carol: Person, admin: Person
) -> None:
    made = make(alice)
    path = f"/v1/webhooks/{made['id']}"
    for stranger, status in ((bob, 404), (carol, 403)):
        assert stranger.ask("PATCH", path, json={"rotate_secret": True}).status_code == status
    changed = alice.ask("PATCH", path, json={"rotate_secret": True, "events": ["job.alert"]}).json
    assert changed["secret"].startswith("whsec_")
    assert changed["secret"] != made["secret"]
    assert (changed["events"], changed["old_secrets_until"][-1]) == (["job.alert"], "Z")
    for later in (alice.get(path).json, alice.ask("PATCH", path, json={"rotate_secret": False}).json):
        assert "secret" not in later
        assert later["old_secrets_until"] == changed["old_secrets_until"]
    told = admin.get("/v1/audit").json["data"]
    assert [line["action"] for line in told[:3]] == ["webhook.change", "webhook.rotate", "webhook.create"]
    assert "whsec_" not in json.dumps(told)


def test_a_secret_is_not_replaced_too_often_and_mail_has_none(
    alice: Person, stores: Stores, pointers: Pointers
) -> None:
    path = f"/v1/webhooks/{make(alice)['id']}"
    answers = [alice.ask("PATCH", path, json={"rotate_secret": True, "paused": True}) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 4 + [409]
    assert "wait until the oldest" in answers[-1].json["detail"]
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE webhooks SET format = 'email', url = 'mailto:a@example.org'"))
    found = pointers(alice.ask("PATCH", path, json={"rotate_secret": True}))
    assert found == {"/rotate_secret": "mail is not signed, so there is no secret to replace"}


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"/url": "is required", "/events": "is required"}),
        ({**HOOK, "events": []}, {"/events": "must not be empty"}),
        ({**HOOK, "events": ["job.failed"] * 2}, {"/events": "must not name an event twice"}),
        ({**HOOK, "filter": {"team": "a"}}, {"/filter/team": "is not known here"}),
        ({**HOOK, "filter": {"label": ["team"]}}, {"/filter/label/0": "must match"}),
        ({**HOOK, "format": "teams"}, {"/format": "must be one of"}),
        ({**HOOK, "secret": "whsec_mine"}, {"/secret": "is not known here"}),
        ({**HOOK, "url": ""}, {"/url": "must not be empty"}),
        ({**HOOK, "url": "https://" + "a" * 2050}, {"/url": "must have at most 2048 characters"}),
        ({**HOOK, "url": "http://hooks.example.org"}, {"/url": "must begin with https://"}),
        ({**HOOK, "url": "https://a:b@example.org"}, {"/url": "must not contain a user name or password"}),
        ({**HOOK, "url": "https://10.0.0.1"}, {"/url": "leads to this machine or a private network (10.0.0.1)"}),
        ({**HOOK, "url": "https://[::ffff:a00:1]"}, {"/url": "leads to this machine or a private network"}),
        ({**HOOK, "format": "email", "url": "mailto:a@example.org"}, {"/format": "this service has no mail server"}),
    ],
)
def test_what_is_wrong_is_named(
    alice: Person, pointers: Pointers, body: dict[str, Any], errors: dict[str, str]
) -> None:
    found = pointers(alice.post("/v1/webhooks", json=body))
    assert found.keys() == errors.keys()
    assert all(found[pointer].startswith(words) for pointer, words in errors.items())


def test_a_change_is_checked_like_a_new_webhook(alice: Person, pointers: Pointers) -> None:
    path = f"/v1/webhooks/{make(alice)['id']}"
    assert list(pointers(alice.ask("PATCH", path, json={"url": "https://127.0.0.1"}))) == ["/url"]
    assert list(pointers(alice.ask("PATCH", path, json={"format": "slack"}))) == ["/format"]
    assert list(pointers(alice.ask("PATCH", path, json={"events": []}))) == ["/events"]


def test_an_owner_has_20_webhooks_at_most(alice: Person, bob: Person) -> None:
    made = [make(alice)["id"] for _ in range(20)]
    refused = alice.post("/v1/webhooks", json=HOOK)
    assert (refused.status_code, refused.json["code"]) == (409, "conflict")
    assert "delete one first" in refused.json["detail"]
    make(bob)
    assert alice.ask("DELETE", f"/v1/webhooks/{made[0]}").status_code == 204
    make(alice)


def test_a_test_is_a_delivery_that_waits_for_the_sweeper(alice: Person) -> None:
    path = f"/v1/webhooks/{make(alice)['id']}"
    answer = alice.post(f"{path}/test")
    assert answer.status_code == 202
    assert (answer.json["type"], answer.json["state"], answer.json["attempts"]) == ("webhook.test", "pending", [])
    assert alice.get(f"{path}/deliveries").json["data"] == [answer.json]
    again = alice.post(f"{path}/deliveries/{answer.json['id']}/redeliver")
    assert (again.status_code, again.json["message"]) == (202, answer.json["message"])


def test_deliveries_come_in_pages(alice: Person) -> None:
    path = f"/v1/webhooks/{make(alice)['id']}"
    made = [alice.post(f"{path}/test").json["id"] for _ in range(3)]
    first = alice.get(f"{path}/deliveries?limit=2").json
    second = alice.get(f"{path}/deliveries?limit=2&cursor={first['next_cursor']}").json
    assert [one["id"] for one in first["data"] + second["data"]] == made[::-1]
    assert second["next_cursor"] is None
    other = f"/v1/webhooks/{make(alice)['id']}/deliveries?limit=2&cursor={first['next_cursor']}"
    assert alice.get(other).status_code == 422


def test_a_delivery_belongs_to_its_webhook(alice: Person) -> None:
    first, second = make(alice)["id"], make(alice)["id"]
    delivery = alice.post(f"/v1/webhooks/{first}/test").json["id"]
    assert alice.post(f"/v1/webhooks/{second}/deliveries/{delivery}/redeliver").status_code == 404
    assert alice.post(f"/v1/webhooks/{first}/deliveries/nonsense/redeliver").status_code == 404
    assert alice.get("/v1/webhooks/nonsense").status_code == 404


def test_webhooks_come_in_pages(alice: Person) -> None:
    made = [make(alice)["id"] for _ in range(3)]
    first = alice.get("/v1/webhooks?limit=2").json
    second = alice.get(f"/v1/webhooks?limit=2&cursor={first['next_cursor']}").json
    assert [one["id"] for one in first["data"] + second["data"]] == made[::-1]
