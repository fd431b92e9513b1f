"""What all pages share: questions before what ends something, theme, shortcuts, times, contrast in each state."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SMALL, TRAIN
from tests.browser.pages import agree, assert_clear, assert_fits, assert_readable

pytestmark = pytest.mark.slow

WAITING = {**TRAIN, "queue": "jetson"}
GROUND = "getComputedStyle(document.body).backgroundColor"
LIGHT, DARK = "rgb(246, 246, 249)", "rgb(20, 20, 27)"


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_a_question_is_answered_by_keyboard_and_gives_the_focus_back(person, picture, colours):
    alice = person(color_scheme=colours)
    job = alice.client.submit({**WAITING, "name": "W" * 200})["id"]
    page = alice.page("/dashboard/jobs")
    cancel = page.locator(f"#cancel-{job}")
    cancel.press("Enter")
    box = page.get_by_role("alertdialog")
    expect(box).to_contain_text("permanently?")
    expect(box.get_by_role("button", name="Back")).to_be_focused()  # what ends a job is not one stray Enter away
    assert_readable(page)
    assert_clear(page, "dialog")
    box.get_by_role("button", name="Cancel the job").hover()
    assert_clear(page, "dialog")
    picture(page, f"question-{colours}")
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)
    expect(cancel).to_be_focused()
    cancel.press("Enter")
    page.keyboard.press("Enter")
    expect(box).to_have_count(0)
    assert alice.client.job(job)["state"] == "queued"
    cancel.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(f"#{job} .state")).to_have_text(re.compile("canceled"))


def test_a_question_fits_a_phone(person):
    alice = person(viewport=SMALL)
    job = alice.client.submit({**WAITING, "name": "W" * 200})["id"]
    page = alice.page("/dashboard/jobs")
    page.locator(f"#cancel-{job}").click()
    assert_fits(page)
    assert page.evaluate("document.querySelector('dialog').getBoundingClientRect().right") <= SMALL["width"]
    agree(page)
    expect(page.locator(f"#{job} .state")).to_have_text(re.compile("canceled"))


def test_a_theme_is_chosen_without_a_reload_and_the_next_page_begins_with_it(person):
    alice = person(color_scheme="light")
    page = alice.page("/dashboard")
    assert page.evaluate(GROUND) == LIGHT
    page.evaluate("window.stays = true")
    with page.expect_response("**/dashboard/appearance"):
        page.get_by_role("button", name="Dark").click()
    assert page.evaluate(GROUND) == DARK
    assert page.evaluate("window.stays")
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-current", "true")
    # no script decides it: the next page is dark before any has run
    page.route("**/*.js", lambda route: route.abort())
    page.goto(f"{alice.stack.url}/dashboard/jobs", wait_until="commit")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate(GROUND) == DARK
    page.get_by_role("button", name="System").click()  # a plain form, as without scripts
    expect(page.locator("html")).to_have_attribute("data-theme", "system")
    page.wait_for_load_state()
    expect(page).to_have_url(re.compile("/dashboard/jobs$"))
    assert page.evaluate(GROUND) == LIGHT
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(GROUND) == DARK
    alice.complaints.clear()  # the browser says which scripts it did not get


def test_shortcuts_lead_to_pages_and_through_rows(person, picture):
    alice = person()
    for name in ("first", "second"):
        alice.client.submit({**WAITING, "name": name})
    page = alice.page("/dashboard")
    page.keyboard.type("gj")
    expect(page).to_have_url(re.compile("/dashboard/jobs$"))
    expect(page.locator("#connection")).to_have_text("Live")
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="second")).to_be_focused()
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="first")).to_be_focused()
    page.keyboard.press("x")
    expect(page.get_by_role("checkbox", name="first")).to_be_checked()
    page.keyboard.press("/")
    box = page.get_by_role("combobox", name="Search")
    expect(box).to_be_focused()
    page.keyboard.type("gj?")  # typed, not done
    expect(box).to_have_value("gj?")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(box).not_to_be_focused()
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_be_visible()
    assert_readable(page)
    assert_clear(page, "dialog")
    picture(page, "shortcuts")
    sheet.get_by_label("Shortcuts of one key are on").uncheck()
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    page.keyboard.type("go")
    expect(page).to_have_url(re.compile("/dashboard/jobs$"))
    page.get_by_role("button", name="Keyboard shortcuts").click()
    sheet.get_by_label("Shortcuts of one key are on").check()
    page.keyboard.press("Escape")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="first")).to_be_visible()


def test_languages_are_named_in_letters_that_every_machine_has(person):
    page = person().page("/dashboard")
    expect(page.locator(".languages")).to_contain_text("Chinese (Traditional)")
    expect(page.locator(".languages")).to_contain_text("Chinese (Simplified)")


def test_times_have_one_style_and_their_titles_have_utc(person):
    alice = person(timezone_id="Asia/Tokyo")
    job = alice.client.submit({**WAITING, "name": "first"})
    page = alice.page("/dashboard/jobs")
    time = page.locator(f"#{job['id']} time").first
    expect(time).to_have_text(re.compile(r"^(now|\d+ (s|min) ago)$"))
    written = job["created_at"][:19].replace("T", " ")
    expect(time).to_have_attribute("title", re.compile(f"{written} UTC$"))
    alice.client.cancel(job["id"])
