"""Operators at work: keys made and revoked, queues paused, workers drained, by keyboard and pointer."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from ganforge.client import Client
from ganforge.errors import ApiError
from tests.browser.pages import agree, assert_fits, assert_readable

pytestmark = pytest.mark.slow


def test_a_key_is_made_shown_once_used_and_revoked(person, picture):
    admin = person("admin")
    page = admin.page("/dashboard/keys")
    page.get_by_role("button", name="New key").press("Enter")
    expect(page.get_by_label("Name")).to_be_focused()
    name = f"ci of {admin.owner}"
    page.keyboard.type(name)
    page.get_by_role("textbox", name="Owner").fill(admin.owner)
    page.get_by_label("viewer").check()
    page.get_by_text("Quotas", exact=True).last.click()
    page.get_by_label("Waiting jobs").fill("many")
    assert_readable(page)
    picture(page, "keys-new-desk-light")
    page.keyboard.press("Enter")
    # what is wrong is said beside the field
    wrong = page.get_by_label("Waiting jobs")
    expect(wrong).to_be_focused()
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#problem-quotas-queued")).to_contain_text("integer")
    wrong.fill("5")
    page.keyboard.press("Enter")
    secret = page.get_by_label("Secret")
    expect(secret).to_have_value(re.compile("^gf_"))
    value = secret.input_value()
    assert_readable(page)
    picture(page, "keys-secret-desk-light")
    row = page.get_by_role("row", name=name)
    expect(row).to_contain_text("5 waiting")
    page.keyboard.press("Escape")
    assert value not in page.content()
    expect(page.locator("#secret-text")).to_have_value("")
    row.get_by_role("button", name="Revoke").press("Enter")
    agree(page)
    expect(row).to_have_count(0)
    expect(page.locator("tbody tr:focus")).to_have_count(1)  # the button is gone; the list is not left
    admin.complaints.clear()  # the browser says that the first try was a 422


def test_who_revokes_their_own_key_is_signed_out(person):
    admin = person("admin")
    page = admin.page("/dashboard/keys")
    page.get_by_role("row", name="your current key").get_by_role("button", name="Revoke").click()
    assert "You will be signed out." in agree(page)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    admin.complaints.clear()  # the page may have asked once more


def test_a_user_makes_and_revokes_own_keys_up_to_the_role_and_sees_no_others(person):
    alice, bob = person(), person()
    page = alice.page("/dashboard/keys")
    rows = page.locator("#keys tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("your current key")
    assert bob.owner not in page.content()
    page.get_by_role("button", name="New key").press("Enter")
    assert page.get_by_role("radio").evaluate_all("radios => radios.map((one) => one.value)") == ["viewer", "user"]
    assert page.get_by_role("textbox", name="Owner").count() == 0
    page.keyboard.type("laptop")
    page.get_by_label("viewer").check()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Secret")).to_have_value(re.compile("^gf_"))
    secret = page.get_by_label("Secret").input_value()
    page.keyboard.press("Escape")
    row = page.get_by_role("row", name="laptop")
    expect(row).to_contain_text("viewer")
    expect(row).to_contain_text(alice.owner)
    with Client(alice.stack.url, secret) as laptop:
        assert list(laptop.jobs()) == []
        row.get_by_role("button", name="Revoke").press("Enter")
        agree(page)
        expect(rows).to_have_count(1)
        with pytest.raises(ApiError, match="401"):
            list(laptop.jobs())


def test_the_new_key_form_fits_a_phone(person, picture):
    admin = person("admin", viewport={"width": 360, "height": 640})
    page = admin.page("/dashboard/keys")
    page.get_by_role("button", name="New key").click()
    assert_fits(page)
    picture(page, "keys-new-phone-light")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="New key")).to_be_focused()


def test_a_queue_is_paused_and_resumed_in_place(person):
    admin = person("admin")
    page = admin.page("/dashboard/queues")
    queue = page.locator("#queue-jetson")
    queue.get_by_role("button", name="Pause").press("Enter")
    page.keyboard.press("Enter")  # nothing ends, so the button that agrees has the focus
    expect(queue.get_by_role("button", name="Resume")).to_be_visible()
    expect(queue).to_contain_text("paused")
    queue.get_by_role("button", name="Resume").press("Enter")
    expect(queue.get_by_role("button", name="Pause")).to_be_visible()


def test_a_worker_is_drained_and_takes_jobs_again(person):
    admin = person("admin")
    page = admin.page("/dashboard/workers")
    card = page.locator(".worker").first
    card.get_by_role("button", name="Drain").click()
    assert "It finishes its current job and takes no new ones." in agree(page)
    expect(card).to_contain_text("draining")
    card.get_by_role("button", name="Undrain").click()
    expect(card).to_contain_text("idle")


def test_a_viewer_sees_no_buttons_that_change_anything(person):
    viewer = person("viewer")
    for path in ("/dashboard", "/dashboard/queues"):
        page = viewer.page(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.locator("main button, main form").count() == 0
    refused = page.evaluate("""async () => {
        const token = document.querySelector('meta[name="csrf-token"]').content;
        const answer = await fetch("/v1/queues/cpu/pause", { method: "POST", headers: { "X-CSRF-Token": token } });
        return answer.status;
    }""")
    assert refused == 403
    viewer.complaints.clear()  # the browser says that this was a 403
