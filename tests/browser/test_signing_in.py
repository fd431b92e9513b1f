"""Coming in and going out."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.slow


def test_a_person_signs_in_with_a_key_and_goes_where_they_wanted_to(person):
    alice = person(signed_in=False)
    page = alice.page("/dashboard?a=b")
    expect(page.get_by_text("Sign in to continue.")).to_be_visible()
    page.get_by_label("Access key").fill(alice.key)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Request is not valid")).to_be_visible()  # the page takes no such word
    alice.complaints.clear()  # the browser says that this was a 422
    page.goto(alice.stack.url + "/dashboard")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto(alice.stack.url + "/dashboard")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_signing_out_shuts_the_other_tabs_soon(person):
    alice = person()
    other, page = alice.page("/dashboard/jobs"), alice.page("/dashboard")
    expect(other.locator("#connection")).to_have_attribute("data-state", "live")
    page.get_by_role("button", name="Sign out").click()
    # The hub looks at sessions every 3 s, and the browser comes again after 3 s.
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible(timeout=30_000)
    alice.complaints.clear()  # the browser says that the stream was a 401


def test_a_wrong_key_is_said_beside_the_field(person):
    nobody = person(signed_in=False)
    page = nobody.page("/dashboard/login")
    page.get_by_label("Access key").fill("gf_wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("invalid or revoked access key")
    expect(page.get_by_label("Access key")).to_be_focused()
    nobody.complaints.clear()  # the browser says that this was a 401


def test_the_overview_follows_the_queues_without_a_reload(person, stack):
    admin = person("admin")
    page = admin.page()
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    page.evaluate("window.stays = true")
    row = page.locator("#queue-jetson td").first
    before = int(row.inner_text())
    job = stack.client.submit({"kind": "train", "recipe": "mlp_gan", "dataset": "mnist-10k", "queue": "jetson"})
    expect(row).to_have_text(str(before + 1))
    stack.client.cancel(job["id"])
    expect(row).to_have_text(str(before))
    assert page.evaluate("window.stays")
