"""Retrying a job from its page: what is done already counts, and the plan says where and until when it would run."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SMALL
from tests.browser.pages import assert_readable
from tests.browser.test_job import open_job

pytestmark = pytest.mark.slow


def test_the_dialog_of_a_retry_says_what_is_done_and_plans_what_is_left(person, trained, picture):
    admin = person("admin")
    page = open_job(admin, trained)
    page.locator("#job-actions").get_by_role("button", name="Retry…").click()
    dialog = page.get_by_role("dialog", name="Retry with changes")
    plan, done = dialog.locator("#retry-plan"), dialog.locator("#retry-done")
    expect(plan).to_contain_text("Estimated finish")
    expect(done).to_be_hidden()
    dialog.get_by_label("Start").select_option("latest")
    expect(done).to_contain_text("Already done: 35,840 images (whole epochs: 4)")
    expect(plan).to_contain_text("4 epochs are done already")
    expect(dialog.locator("#retry-epochs")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_role("button", name="Retry", exact=True).click()
    expect(dialog.locator("#retry-epochs")).to_be_focused()
    expect(page).to_have_url(re.compile(trained))
    assert_readable(page)
    page.set_viewport_size(SMALL)
    assert_readable(page)
    picture(page, "retry-used-up")
    dialog.locator("#retry-images").fill("40000")
    expect(plan).to_contain_text("Estimated finish")
    expect(plan).to_contain_text("cpu (1 live worker)")
    expect(dialog.locator(".problem")).to_have_count(0)
    admin.complaints.clear()  # the browser says that two answers were 422


def test_a_retry_that_is_pressed_before_its_scripts_have_come_is_not_lost(person, trained):
    admin = person("admin")
    page = open_job(admin, trained)
    held = []
    page.route("**/schema_form.js", lambda route: held.append(route))  # noqa: PLW0108, playwright marks the handler
    page.locator("#job-actions").get_by_role("button", name="Retry…").click()
    dialog = page.get_by_role("dialog", name="Retry with changes")
    dialog.locator("#retry-epochs").fill("0")
    dialog.get_by_role("button", name="Retry", exact=True).click()
    expect(dialog).to_be_visible()
    held[0].continue_()
    expect(dialog.locator("#retry-epochs")).to_have_attribute("aria-invalid", "true")
    expect(page).to_have_url(re.compile(f"{trained}$"))
    admin.complaints.clear()  # the browser says that there was a 422
