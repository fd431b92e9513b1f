"""The pages of webhooks: who sees what, and what the overview says of those that are paused."""

from __future__ import annotations

from sqlalchemy import text

from models.messages import DeliveryFaults
from stores.webhooks.deliveries import Result

HOOK = {"url": "https://hooks.example.org/<b>", "events": ["job.failed"], "filter": {"label": ["team:a"]}}


def make(person, **changes):
    """Create a webhook; return its id."""
    return person.post("/v1/webhooks", json={**HOOK, "url": "https://hooks.example.org/a", **changes}).json["id"]


def tried(stores, fault=None):
    """Let the next message have been tried."""
    (parcel,) = stores.webhooks.deliveries.claim(1)
    stores.webhooks.deliveries.finish(parcel, Result(12, fault, 500 if fault else 200, "<i>well</i>"))


def test_a_webhook_is_listed_with_what_it_tells_and_its_state(alice, bob, enter):
    webhook = make(alice)
    page = enter(alice).see("/dashboard/webhooks")
    assert f'href="/dashboard/webhooks/{webhook}"' in page
    assert "job failed" in page
    assert "Label team=a" in page
    assert "active" in page
    assert webhook not in enter(bob).see("/dashboard/webhooks")
    assert "No webhooks." in enter(bob).see("/dashboard/webhooks")


def test_a_viewer_sees_no_buttons_and_of_slack_only_the_host(alice, carol, enter):
    webhook = make(alice, url="https://hooks.slack.com/services/hush", format="slack")
    for path in ("/dashboard/webhooks", f"/dashboard/webhooks/{webhook}"):
        page = enter(carol).see(path)
        assert "hush" not in page
        assert "hooks.slack.com" in page
        assert "data-call" not in page.partition("<main")[2]
        assert "data-open" not in page.partition("<main")[2]


def test_deliveries_are_shown_with_each_try_and_escaped(alice, bob, enter, stores):
    webhook = make(alice)
    delivery = alice.post(f"/v1/webhooks/{webhook}/test").json
    reader = enter(alice)
    assert "not tried yet" in reader.see(f"/dashboard/webhooks/{webhook}")
    tried(stores, DeliveryFaults.delivery_status(status=500))
    page = reader.see(f"/dashboard/webhooks/{webhook}")
    assert "&lt;i&gt;well&lt;/i&gt;" in page
    assert "<i>" not in page
    assert "the receiver answered 500" in page
    assert "failing" in page
    assert f"/v1/webhooks/{webhook}/deliveries/{delivery['id']}/redeliver" in page
    assert delivery["message"] in page
    enter(bob).see(f"/dashboard/webhooks/{webhook}", 404)
    chinese = reader.see(f"/dashboard/webhooks/{webhook}", headers={"Accept-Language": "zh-Hant"})
    assert "接收端回應 500" in chinese


def test_the_page_of_a_webhook_replaces_its_secret_and_says_how_long_the_old_one_signs(alice, carol, enter):
    webhook = make(alice)
    reader = enter(alice)
    page = reader.see(f"/dashboard/webhooks/{webhook}")
    assert "Replace secret" in page
    assert "The secret was replaced." not in page
    assert "Replace secret" not in enter(carol).see(f"/dashboard/webhooks/{webhook}")
    secret = alice.ask("PATCH", f"/v1/webhooks/{webhook}", json={"rotate_secret": True}).json["secret"]
    page = reader.see(f"/dashboard/webhooks/{webhook}")
    assert "The secret was replaced. Messages are also signed with the old one until" in page
    assert secret not in page


def test_the_overview_names_a_webhook_to_which_nothing_arrived_for_a_day(alice, bob, enter, stores):
    webhook = make(alice)
    alice.post(f"/v1/webhooks/{webhook}/test")
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE webhooks SET failing_since = now() - interval '2 days'"))
    reader = enter(alice)
    assert "All clear" in reader.see("/dashboard")
    tried(stores, DeliveryFaults.delivery_status(status=500))
    page = reader.see("/dashboard")
    assert "The webhook to https://hooks.example.org/a is paused: nothing arrived there for a day." in page
    assert f'href="/dashboard/webhooks/{webhook}"' in page
    assert "All clear" in enter(bob).see("/dashboard")
    alice.ask("PATCH", f"/v1/webhooks/{webhook}", json={"paused": False})
    assert "All clear" in reader.see("/dashboard")


def test_mail_is_offered_only_where_there_is_a_mail_server(alice, enter):
    page = enter(alice).see("/dashboard/webhooks")
    assert 'value="slack"' in page
    assert 'value="email"' not in page
