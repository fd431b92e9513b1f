"""Deleting, as people do it: a job into the trash and back, and the trash emptied from the page Storage."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SMALL, TRAIN
from tests.browser.pages import agree, assert_fits, assert_readable, more

pytestmark = pytest.mark.slow

# Nobody serves this queue here, so that jobs end by being canceled.
WAITING = {**TRAIN, "queue": "jetson"}


def canceled(alice, name: str) -> str:
    """Return a job that has ended."""
    job = alice.client.submit({**WAITING, "name": name})["id"]
    alice.client.cancel(job)
    return str(job)


def test_a_job_goes_to_the_trash_and_comes_back(person):
    alice = person()
    job = canceled(alice, "digits")
    page = alice.page(f"/dashboard/jobs/{job}")
    more(page)
    page.get_by_role("button", name="Delete", exact=True).press("Enter")
    expect(page.locator("#in-trash")).to_be_visible()
    assert alice.client.job(job)["trashed_at"]
    page.set_viewport_size(SMALL)
    assert_fits(page)
    assert_readable(page)
    page.get_by_role("button", name="Restore", exact=True).click()
    expect(page.locator("#in-trash")).to_have_count(0)
    assert alice.client.job(job)["trashed_at"] is None


def test_a_job_is_deleted_in_its_row_and_the_trash_emptied_on_its_page(person):
    alice = person()
    canceled(alice, "digits")
    page = alice.page("/dashboard/jobs")
    page.get_by_role("button", name="Delete digits").click()
    assert agree(page) == "Move “digits” to the trash?"
    expect(page.get_by_text("No jobs yet.")).to_be_visible()
    page.get_by_role("link", name="Trash").click()
    page.get_by_role("link", name="Empty the trash…").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete for good (1)").click()
    expect(page.get_by_role("dialog").get_by_text("1 changed, 0 unchanged.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("The trash is empty.")).to_be_visible()
    expect(page.get_by_role("link", name="Empty the trash…")).to_have_count(0)


def test_jobs_selected_in_the_list_are_not_selected_in_the_trash(person):
    alice = person()
    alice.client.delete(canceled(alice, "old"))
    canceled(alice, "kept")
    page = alice.page("/dashboard/jobs")
    page.locator("input[name=jobs]").check()
    expect(page.get_by_text("1 job selected.")).to_be_visible()
    page.get_by_role("link", name="Trash").click()
    expect(page.get_by_role("link", name="old", exact=True)).to_be_visible()
    expect(page.locator("#selection")).to_be_hidden()
    page.get_by_role("link", name="Back to all jobs").click()
    expect(page.get_by_text("1 job selected.")).to_be_visible()


def test_a_job_is_deleted_for_good_after_a_question(person):
    alice = person()
    job = canceled(alice, "digits")
    alice.client.delete(job)
    page = alice.page(f"/dashboard/jobs/{job}")
    page.get_by_role("button", name="Delete for good").click()
    assert "cannot be undone" in agree(page)
    expect(page.get_by_text("No jobs yet.")).to_be_visible()


def test_the_trash_is_emptied_by_who_types_how_many_jobs_it_holds(person):
    alice = person()
    for number in range(21):
        canceled(alice, f"number {number}")
    alice.client.bulk("delete", {}, expected=21)
    page = alice.page("/dashboard/storage")
    page.get_by_role("link", name="Empty the trash…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Delete jobs for good")).to_be_visible()
    dialog.get_by_role("button", name="Delete for good (21)").click()
    expect(dialog.get_by_text("Type 21, the number of affected jobs.")).to_be_visible()
    dialog.get_by_role("textbox").fill("21")
    dialog.get_by_role("button", name="Delete for good (21)").click()
    expect(dialog.get_by_text("21 changed, 0 unchanged.")).to_be_visible()
    dialog.get_by_role("link", name="Back to the list").click()
    expect(page.get_by_text("The trash is empty.")).to_be_visible()
    assert list(alice.client.jobs(trashed="true")) == []
