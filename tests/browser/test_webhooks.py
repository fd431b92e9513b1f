"""Webhooks by keyboard, and notifications of the browser while the page of a job is in the background."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import TRAIN
from tests.browser.pages import agree, assert_fits, assert_readable
from tests.waiting import until

pytestmark = pytest.mark.slow

# The browser of a test shows no notifications: what would be shown is kept.
NOTICES = """
window.shown = [];
window.Notification = class extends EventTarget {
    static permission = "default";
    static requestPermission() { this.permission = "granted"; return Promise.resolve("granted"); }
    constructor(title, options) { super(); window.shown.push([title, options.body]); }
    close() {}
};
"""
HIDE = """hidden => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_a_webhook_is_made_tested_and_paused_by_keyboard(person, picture):
    alice = person()
    page = alice.page("/dashboard/webhooks")
    page.get_by_role("button", name="New webhook").press("Enter")
    address = page.get_by_label("Address")
    expect(address).to_be_focused()
    page.keyboard.type("https://10.0.0.1/hook")
    page.get_by_text("Only certain jobs").press("Enter")
    page.get_by_label("Project").fill("digits")
    page.get_by_label("Recipe").select_option("dcgan")
    page.get_by_label("Labels").fill("team=a, run=1")
    assert_readable(page)
    picture(page, "webhooks-new-desk-light")
    page.keyboard.press("Enter")
    expect(page.locator("#problem-url")).to_contain_text("private network")
    address.fill("https://hook.invalid/a")
    page.keyboard.press("Enter")
    secret = page.get_by_label("Secret")
    expect(secret).to_have_value(re.compile("^whsec_"))
    page.keyboard.press("Escape")
    expect(page.locator("#secret-text")).to_have_value("")
    row = page.get_by_role("row", name="https://hook.invalid/a")
    expect(row).to_contain_text("Label team=a Label run=1 Recipe dcgan Project digits")
    row.get_by_role("button", name="Test").press("Enter")
    # The page that shows what comes of it, and then says it.
    expect(page.get_by_role("heading", name="Deliveries")).to_be_visible()
    expect(page.locator("#deliveries summary")).to_contain_text("hook.invalid could not be resolved")
    expect(page.locator("#status")).to_contain_text("hook.invalid could not be resolved")
    page.get_by_role("button", name="Test").press("Enter")
    expect(page.locator("#deliveries summary")).to_have_count(2)
    expect(page.locator("#deliveries summary").first).to_contain_text("hook.invalid could not be resolved")
    page.locator("#deliveries summary").first.press("Enter")
    assert_readable(page)
    page.get_by_role("button", name="Pause").press("Enter")
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    page.get_by_role("button", name="Replace secret").press("Enter")
    agree(page)
    expect(page.get_by_label("Secret ·")).to_have_value(re.compile("^whsec_"))
    page.keyboard.press("Escape")
    expect(page.locator("#secret-text")).to_have_value("")
    expect(page.locator("#webhook")).to_contain_text("The secret was replaced.")
    alice.complaints.clear()  # the browser says that the first try was a 422


def test_the_pages_of_webhooks_fit_a_phone(person):
    alice = person(viewport={"width": 390, "height": 700})
    webhook = alice.client.create_webhook("https://hook.invalid/" + "a" * 300, ["job.failed", "job.alert"])
    alice.client.test_webhook(webhook["id"])
    page = alice.page("/dashboard/webhooks")
    assert_fits(page)
    page.get_by_role("button", name="New webhook").click()
    assert_fits(page)
    page = alice.page(f"/dashboard/webhooks/{webhook['id']}")
    page.locator("#deliveries summary").click()
    assert_fits(page)


def test_a_hidden_page_notifies_of_the_end_when_it_was_asked_to(person):
    alice = person()
    alice.context.add_init_script(NOTICES)
    job = alice.client.submit({**TRAIN, "queue": "jetson", "name": "watched"})["id"]
    page = alice.page(f"/dashboard/jobs/{job}")
    button = page.get_by_role("button", name="Notify me")
    expect(button).to_have_attribute("aria-pressed", "false")
    button.press("Enter")
    expect(button).to_have_attribute("aria-pressed", "true")
    alice.client.pause(job)
    expect(page.locator("#job-head .state")).to_contain_text("paused")
    assert page.evaluate("shown") == []  # it was in view
    page.evaluate(HIDE, True)
    alice.client.cancel(job)
    until(lambda: page.evaluate("shown"), 60, "a notification")
    assert page.evaluate("shown") == [["watched", "The job was canceled"]]
    page.evaluate(HIDE, False)
    expect(button).to_be_hidden()
