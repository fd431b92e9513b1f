"""The list of jobs, as people use it: filter, follow, choose, and order many at once."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESK, TRAIN
from tests.browser.pages import MOST_BYTES, agree, assert_clear, assert_fits, assert_readable, loaded_bytes

pytestmark = pytest.mark.slow

# Nobody serves this queue here, so that jobs stay as they are.
WAITING = {**TRAIN, "queue": "jetson"}


def rows(page: Page):
    """Return the rows of the list."""
    return page.locator("#jobs tbody tr")


def live(page: Page) -> Page:
    """Return the page when it hears what happens."""
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    return page


def test_new_jobs_appear_by_themselves_and_the_focus_stays(person):
    alice = person()
    page = live(alice.page("/dashboard/jobs"))
    expect(page.get_by_text("No jobs yet.")).to_be_visible()
    first = alice.client.submit({**WAITING, "name": "first"})
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Pause first").focus()
    alice.client.submit({**WAITING, "name": "second"})
    expect(rows(page)).to_have_count(2)
    expect(rows(page).first).to_contain_text("second")
    expect(page.get_by_role("button", name="Pause first")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(f"#{first['id']} .state")).to_have_text(re.compile("paused"))
    expect(page.get_by_role("link", name="first")).to_be_focused()  # the button is gone, the row is not


def test_rows_stay_where_they_are_under_the_pointer(person):
    alice = person()
    alice.client.submit({**WAITING, "name": "first"})
    page = live(alice.page("/dashboard/jobs"))
    page.get_by_role("link", name="first").hover()
    with page.expect_response(lambda answer: answer.url.endswith("/dashboard/jobs")):
        alice.client.submit({**WAITING, "name": "second"})
    expect(rows(page)).to_have_count(1)
    page.get_by_role("heading", name="Jobs", exact=True).hover()
    expect(rows(page)).to_have_count(2)


def test_the_focus_goes_to_the_next_job_when_a_row_leaves_the_list(person):
    alice = person()
    for name in ("first", "second", "third"):
        alice.client.submit({**WAITING, "name": name})
    page = live(alice.page("/dashboard/jobs?state=queued"))
    page.get_by_role("button", name="Cancel second").press("Enter")
    agree(page)
    expect(rows(page)).to_have_count(2)
    expect(page.get_by_role("link", name="first")).to_be_focused()
    expect(page.get_by_role("status")).to_have_text("second: The job was canceled")
    page.get_by_role("button", name="Cancel first").press("Enter")
    agree(page)
    expect(page.get_by_role("link", name="third")).to_be_focused()
    page.get_by_role("button", name="Cancel third").press("Enter")
    agree(page)
    expect(page.get_by_text("No jobs match these filters.")).to_be_visible()
    expect(page.locator("main")).to_be_focused()


def test_filters_make_an_address_that_can_be_shared(person):
    alice = person()
    alice.client.submit({**WAITING, "name": "mine", "labels": {"team": "a"}})
    alice.client.submit({**WAITING, "name": "other"})
    page = alice.page("/dashboard/jobs")
    page.locator("#filter-menu summary").click()
    page.get_by_label("Label").fill("team=a")
    page.get_by_label("Recipe").select_option("mlp_gan")
    page.get_by_role("button", name="Filter").click()
    expect(rows(page)).to_have_count(1)
    assert page.url.endswith("/dashboard/jobs?label=team%3Da&recipe=mlp_gan")
    expect(page.get_by_label("Label", exact=True)).to_have_value("team=a")  # while it is on, its field shows it
    page.get_by_role("link", name="queued").click()
    expect(page).to_have_url(re.compile(r"state=queued&recipe=mlp_gan&label=team%3Da$"))
    expect(rows(page)).to_contain_text(["mine"])
    page.get_by_role("link", name="Remove the filter Label: team=a").click()
    expect(rows(page)).to_have_count(2)
    page.get_by_role("link", name="Clear all filters").click()
    expect(page).to_have_url(re.compile("/dashboard/jobs$"))


def test_two_jobs_are_chosen_on_different_pages_and_compared(person):
    alice = person()
    for name in ("older", "newer"):
        alice.client.submit({**WAITING, "name": name})
    page = alice.page("/dashboard/jobs?limit=1")
    expect(page.locator("#selection")).to_be_hidden()
    page.get_by_label("Select newer").check()
    expect(page.get_by_text("1 job selected.")).to_be_visible()
    expect(page.get_by_role("button", name="Compare")).to_be_disabled()
    page.get_by_role("link", name="Older").click()
    page.get_by_label("Select older").check()
    expect(page.get_by_text("2 jobs selected.")).to_be_visible()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="2 jobs compared")).to_be_visible()


def test_an_order_to_many_is_shown_first_typed_above_twenty_and_asked_again_when_the_number_changed(person, picture):
    alice = person()
    for _ in range(21):
        alice.client.submit({**WAITING, "labels": {"team": "a"}})
    alice.client.submit({**WAITING, "name": "bystander"})
    page = alice.page("/dashboard/jobs?label=team:a")
    page.locator("#pick-all").check()
    page.get_by_role("button", name="Select all matching jobs (21)").click()
    expect(page.get_by_text("All matching jobs selected (21).")).to_be_focused()
    page.get_by_role("link", name="Cancel…").click()
    dialog = page.get_by_role("dialog", name="Cancel jobs")
    expect(dialog).to_contain_text("21 jobs match the filters")
    assert_readable(page)
    assert_clear(page, "dialog")
    picture(page, "jobs-bulk")
    press = dialog.get_by_role("button", name="Cancel the jobs (21)")
    press.click()
    expect(dialog).to_contain_text("Type 21, the number of affected jobs.")
    expect(dialog.get_by_label("To confirm")).to_be_focused()
    alice.client.submit({**WAITING, "labels": {"team": "a"}})
    dialog.get_by_label("To confirm").fill("21")
    press.click()
    expect(dialog.get_by_role("alert")).to_contain_text("22 jobs match now")
    alice.complaints.clear()  # the browser says that this was a 409
    dialog.get_by_label("To confirm").fill("22")
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("22 changed, 0 unchanged.")
    assert_readable(page)
    assert_clear(page, "dialog")  # the button that leads back was white on white
    dialog.get_by_role("link", name="Back to the list").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("#selection")).to_be_hidden()
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(rows(page).first).to_contain_text("canceled")
    assert {job["state"] for job in alice.client.jobs() if job["name"] != "bystander"} == {"canceled"}


def test_all_that_match_are_offered_until_all_are_selected(person):
    alice = person()
    first = alice.client.submit({**WAITING, "name": "first"})
    page = live(alice.page("/dashboard/jobs"))
    every = page.locator("#choose-all")
    page.get_by_label("Select first").check()
    expect(page.get_by_text("1 job selected.")).to_be_visible()
    expect(every).to_be_hidden()
    page.get_by_role("heading", level=1).hover()  # no row comes while the pointer is over them
    second = alice.client.submit({**WAITING, "name": "second"})
    expect(every).to_have_text("Select all matching jobs (2)")
    page.get_by_label("Select second").check()
    expect(every).to_be_hidden()
    for job in (first, second):
        alice.client.cancel(job["id"])


def test_a_selection_is_changed_without_typing_and_ends_with_it(person, picture):
    alice = person()
    for name in ("first", "second", "third"):
        alice.client.submit({**WAITING, "name": name})
    page = live(alice.page("/dashboard/jobs"))
    top = page.locator("#jobs").bounding_box()["y"]
    page.get_by_label("Select first").check()
    page.get_by_label("Select third").check()
    assert page.locator("#jobs").bounding_box()["y"] == top  # no row moves
    picture(page, "jobs-selected")
    assert_readable(page)
    assert_clear(page)
    page.get_by_role("link", name="Pause…").click()
    dialog = page.get_by_role("dialog", name="Pause jobs")
    expect(dialog).to_contain_text("2 selected jobs")
    expect(dialog.get_by_role("textbox")).to_have_count(0)
    dialog.get_by_role("button", name="Pause the jobs (2)").click()
    expect(dialog).to_contain_text("2 changed, 0 unchanged.")
    page.keyboard.press("Escape")
    expect(page.locator("#selection")).to_be_hidden()
    states = {job["name"]: job["state"] for job in alice.client.jobs()}
    assert states == {"first": "paused", "second": "queued", "third": "paused"}


def test_what_matters_is_in_the_first_screen(person):
    alice = person()
    for number in range(3):
        alice.client.submit({**WAITING, "name": f"number {number}", "labels": {"team": "a"}})
    page = live(alice.page("/dashboard/jobs?label=team:a"))
    for size, most in ((DESK, 250), ({"width": 390, "height": 844}, 300)):
        page.set_viewport_size(size)
        assert rows(page).first.bounding_box()["y"] <= most
    page.set_viewport_size(DESK)
    page.get_by_role("button", name="Compact").click()
    expect(page.locator("#jobs.compact")).to_be_visible()
    assert {round(row.bounding_box()["height"]) for row in rows(page).all()} <= {40, 41}


def test_times_of_the_filter_are_the_readers_own(person):
    alice = person(timezone_id="Asia/Tokyo")
    alice.client.submit(WAITING)
    page = alice.page("/dashboard/jobs")
    page.locator("#filter-menu summary").click()
    created = page.locator("#filter-created_after")
    created.fill("2026-01-31T09:00")
    page.get_by_role("button", name="Filter", exact=True).click()
    assert "created_after=2026-01-31T00%3A00%3A00Z" in page.url
    page.locator("#filter-menu summary").click()
    expect(created).to_have_value("2026-01-31T09:00")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator("#filters")).to_be_hidden()
    expect(page.locator("#filter-menu summary")).to_be_focused()


def test_many_get_another_priority(person):
    alice = person()
    alice.client.submit(WAITING)
    page = alice.page("/dashboard/jobs")
    page.locator("#pick-all").check()
    page.get_by_role("link", name="Priority…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Priority").fill("101")
    dialog.get_by_role("button", name="Change the priority").click()
    expect(dialog).to_contain_text("must be a whole number from -100 to 100")
    dialog.get_by_label("Priority").fill("9")
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("1 changed, 0 unchanged.")
    page.keyboard.press("Escape")
    expect(rows(page)).to_contain_text(["priority 9"])


def test_a_viewer_chooses_and_compares_but_changes_nothing(person):
    alice = person()
    alice.client.submit(WAITING)
    page = person("viewer", alice.owner).page("/dashboard/jobs")
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_role("checkbox", name=re.compile("^Select mlp_gan"))).to_have_count(1)
    page.locator("#pick-all").check()
    expect(page.get_by_text("1 job selected.")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Cancel|Pause|all"))).to_have_count(0)
    expect(page.get_by_role("link", name=re.compile("…|New job"))).to_have_count(0)


def test_the_list_has_no_barrier_and_fits_the_screen(person, stack, trained, picture, look):
    admin = person("admin", **look.context)
    long = {
        "name": "a name that goes on and on without a break_" + "x" * 40,
        "labels": {"team": "a", "stage": "trial"},
        "priority": 5,
    }
    waiting = stack.client.submit({**WAITING, **long})
    paused = stack.client.submit({**WAITING, "name": "paused one"})
    stack.client.pause(paused["id"])
    page = live(admin.page("/dashboard/jobs?limit=10&state=queued&state=paused&state=succeeded"))
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.wait_for_function("[...document.images].every(image => image.complete)")
    page.evaluate("scrollTo(0, 0)")
    assert loaded_bytes(page) < MOST_BYTES
    picture(page, f"jobs-{look.name}")
    assert_readable(page)
    assert_fits(page)
    page.goto(f"{stack.url}/dashboard/jobs?label=team:a&state=queued&state=succeeded")
    picture(page, f"jobs-filtered-{look.name}")
    assert_readable(page)
    page.goto(f"{stack.url}/dashboard/jobs/bulk?action=reprioritize&label=team:a")
    picture(page, f"jobs-order-{look.name}")
    assert_readable(page)
    assert_fits(page)
    for job in (waiting, paused):
        stack.client.cancel(job["id"])


def test_the_search_box_suggests_fields_and_values_by_keyboard(person):
    alice = person()
    alice.client.submit({**WAITING, "name": "first", "project": "my digits"})
    alice.client.submit({**WAITING, "name": "second"})
    page = live(alice.page("/dashboard/jobs"))
    box = page.get_by_role("combobox", name="Search")
    box.focus()
    page.keyboard.type("-sec pro")
    suggested = page.locator("#suggestions li span")
    expect(suggested).to_have_text(["project:"])
    page.keyboard.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", "suggestion-0")
    page.keyboard.press("Enter")
    expect(suggested).to_have_text(['project:"my digits"'])
    suggested.click()
    expect(box).to_have_value('-sec project:"my digits" ')
    expect(page.get_by_role("listbox")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("first")
    page.get_by_role("combobox", name="Search").fill("recpie:x")
    page.keyboard.press("Enter")
    expect(page.locator("#q-fault")).to_contain_text("did you mean recipe")
    assert_readable(page)


def test_a_star_a_view_and_its_columns_are_kept(person):
    alice = person()
    job = alice.client.submit({**WAITING, "name": "first"})
    page = live(alice.page("/dashboard/jobs?q=first"))
    star = page.get_by_role("button", name="Star first")
    star.click()
    expect(star).to_have_attribute("aria-pressed", "true")
    assert alice.client.job(job["id"])["starred"] is True
    page.get_by_role("button", name="Save this view").click()
    page.get_by_label("Name").fill("my view")
    page.get_by_label("Further columns").fill("params.epochs seed")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("td.extra")).to_have_count(2)
    expect(page.get_by_role("link", name="my view")).to_have_attribute("aria-current", "page")
    assert_fits(page)
    page.get_by_role("button", name="Delete the view my view").click()
    assert agree(page).startswith("Delete the view my view?")
    expect(page.get_by_role("link", name="my view")).to_have_count(0)
    assert list(alice.client.views()) == []
