"""How the page of a job is laid out: what matters first, links to its sections, one story of what happened."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from models.states import ErrorCode, EventType, Outcome
from stores.container import Stores
from stores.jobs.attempts import Claim
from stores.jobs.transitions import Ending
from tests.browser.conftest import DESK, QUICK, TRAIN, Person
from tests.browser.pages import assert_fits, assert_readable, more
from tests.browser.test_job import open_job

pytestmark = pytest.mark.slow

PHONE = {"width": 390, "height": 844}
# What the head of all pages may take of the first screen.
FRAME = 90


def claimed(who: Person, stores: Stores, name: str) -> Claim:
    """Return a job of theirs as its worker holds it."""
    made = who.client.submit({**TRAIN, "queue": "jetson", "name": name, "priority": 100, "params": QUICK})
    worker = stores.fleet.workers.register("by hand", "jetson", {"kind": "cpu"})
    claim = stores.jobs.claim("jetson", worker, "jetson")
    stores.fleet.workers.stop(worker)
    assert claim is not None
    assert claim.job_id == made["id"]
    return claim


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
def test_the_images_with_their_slider_and_the_main_curve_are_in_the_first_screen(person, trained, window):
    page = open_job(person("admin", viewport=window), trained)
    frame = page.locator("header.top").bounding_box()["height"]
    room = window["height"] + max(0, frame - FRAME)
    parts = ["#grid-image", "#grid-slider", "[data-group=losses] canvas"]
    if window == PHONE and page.locator("#verdict").count():
        parts.pop()  # the verdict of an evaluation takes its place
    for part in parts:
        box = page.locator(part).bounding_box()
        assert box["y"] + box["height"] <= room, (part, box, frame)


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
def test_links_to_the_sections_stay_in_view_and_mark_where_one_is(person, trained, window):
    page = open_job(person("admin", viewport=window), trained)
    tabs = page.get_by_role("navigation", name="Sections")
    now = tabs.locator("[aria-current]")
    expect(now).to_have_text("Images and curves")
    tabs.get_by_role("link", name="Timeline").click()
    expect(now).to_have_text("Timeline")
    expect(page.get_by_role("heading", name="Timeline")).to_be_in_viewport()
    expect(tabs).to_be_in_viewport()
    bar, head = tabs.bounding_box(), page.get_by_role("heading", name="Timeline").bounding_box()
    assert bar["y"] + bar["height"] <= head["y"]  # the bar covers nothing
    page.mouse.wheel(0, -10_000)
    expect(now).to_have_text("Images and curves")
    tabs.get_by_role("link", name="Images and curves").focus()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(now).to_have_text("Reproduce")
    expect(now).to_be_in_viewport()
    assert_fits(page)


@pytest.mark.parametrize("window", [DESK, PHONE], ids=["desk", "phone"])
def test_what_is_rarely_read_is_closed_and_a_link_or_a_printer_opens_it(person, window):
    alice = person(viewport=window)
    job = alice.client.submit({**TRAIN, "params": QUICK})["id"]
    alice.client.wait(job)
    page = open_job(alice, job)
    height = page.evaluate("document.documentElement.scrollHeight")
    assert height < (2800 if window is DESK else 4200)
    story, files = page.locator("#timeline"), page.locator("#artifacts")
    expect(story).to_be_hidden()
    page.get_by_role("navigation", name="Sections").get_by_role("link", name="Files").click()
    expect(files).to_be_visible()
    page.locator("#file-list > summary").click()
    page.get_by_role("navigation", name="Sections").get_by_role("link", name="Files").click()  # the same address
    expect(files).to_be_visible()
    page.goto(f"{page.url.partition('#')[0]}#at-timeline")
    expect(page.get_by_role("heading", name="Timeline")).to_be_in_viewport()
    expect(story).to_be_visible()

    log = page.locator("#log-lines")
    expect(log).to_be_hidden()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.locator("#log")).to_have_attribute("open", "")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(log).to_be_hidden()
    expect(story).to_be_visible()  # it was open before


def test_project_and_notes_are_easy_to_find_and_to_change(person):
    alice = person()
    job = alice.client.submit({**TRAIN, "queue": "jetson", "project": "handwriting"})["id"]
    page = alice.page(f"/dashboard/jobs/{job}")
    expect(page.get_by_role("navigation", name="Breadcrumb").get_by_role("link", name="handwriting")).to_be_visible()
    page.get_by_role("link", name="Notes").click()
    page.get_by_role("button", name="Add notes…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Notes")).to_be_focused()
    expect(dialog.get_by_label("Notes")).to_have_value("")
    dialog.get_by_label("Notes").fill("    code\n\n*good*")
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator("#job-notes em")).to_have_text("good")
    assert alice.client.job(job)["notes"] == "    code\n\n*good*"
    page.reload()
    page.get_by_role("button", name="Edit notes…").click()
    expect(dialog.get_by_label("Notes")).to_have_value("    code\n\n*good*")
    alice.client.cancel(job)


def test_what_comes_next_after_a_success_is_the_generator_and_the_rest_is_in_a_menu(person, trained):
    admin = person("admin")
    page = open_job(admin, trained)
    names = page.locator("#job-actions > :visible").all_inner_texts()
    assert [name.split()[0] for name in names] == ["Download", "Generate", "Retry…", "More"]
    with page.expect_download() as download:
        page.get_by_role("link", name="Download generator").click()
    assert download.value.suggested_filename == "generator.safetensors"
    page.get_by_role("link", name="Generate images").first.click()
    expect(page.get_by_role("heading", name="Generate images")).to_be_in_viewport()
    more(page)
    assert_readable(page)
    page.keyboard.press("Escape")
    expect(page.locator("#job-actions .menu > summary")).to_be_focused()
    expect(page.get_by_role("button", name="Edit…")).to_be_hidden()
    more(page)
    page.get_by_role("link", name="Duplicate job").click()
    expect(page.locator("#p-width")).to_have_value("16")
    expect(page.get_by_text("Copied from")).to_be_visible()


def test_the_id_of_a_job_is_copied(person, trained):
    page = open_job(person("admin"), trained)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the id of this job").click()
    expect(page.locator("#toasts")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == trained


def test_cancel_asks_before_the_job_ends(person):
    alice = person()
    job = alice.client.submit({**TRAIN, "queue": "jetson", "name": "kept"})["id"]
    page = alice.page(f"/dashboard/jobs/{job}")
    page.locator("#job-actions").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("alertdialog")).to_contain_text("Cancel kept?")
    page.get_by_role("button", name="Back", exact=True).click()
    expect(page.get_by_role("alertdialog")).to_have_count(0)
    assert alice.client.job(job)["state"] == "queued"
    alice.client.cancel(job)


def test_a_failed_job_tells_one_story(person, stores, picture):
    alice = person()
    claim = claimed(alice, stores, "fails")
    epoch = {"epoch": 6, "images": 53_760, "step": 420, "seconds": 1.0, "images_per_second": 9000.0, "device": "gpu"}
    alert = {"code": "not_a_number", "detail": "a metric is not a number", "step": 489, "back_to": 480}
    progress = {"epoch": 7, "epochs": 7, "step": 489, "steps": 490, "images": 62_700, "fraction": 0.998}
    stores.jobs.progress(claim, [(EventType.epoch, epoch), (EventType.alert, alert)], progress=progress)
    stores.jobs.finish(claim, Ending(Outcome.failed, None, ErrorCode.diverged, "a weight is not a number"))
    page = alice.page(f"/dashboard/jobs/{claim.job_id}")
    head = page.locator("#job-head")
    expect(head).to_contain_text("6 of 7 epochs done")
    expect(head.locator(".job-progress")).to_have_text("99 %")
    assert page.locator("#job-head progress").get_attribute("class") == "failed"
    alert_box = page.locator("#alert-not_a_number")
    alert_box.locator("summary").click()
    expect(alert_box).to_contain_text("when it happened again, the job failed")
    expect(alert_box).not_to_contain_text("continued")
    assert_readable(page)
    picture(page, "job-failed")


def test_running_time_is_told_apart_from_waiting(person, stores):
    alice = person()
    claim = claimed(alice, stores, "slow to start")
    stores.jobs.finish(claim, Ending(Outcome.failed, None, ErrorCode.internal, "ended"))
    times = "started_at = '2026-01-01 00:02:00Z', ended_at = '2026-01-01 00:02:08Z'"
    with stores.infra.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE attempts SET {times} WHERE job_id = %s", (claim.job_id,))
        whole = "created_at = '2026-01-01 00:00:00Z', finished_at = '2026-01-01 00:04:14Z'"
        connection.exec_driver_sql(f"UPDATE jobs SET {whole} WHERE id = %s", (claim.job_id,))
    page = alice.page(f"/dashboard/jobs/{claim.job_id}")
    expect(page.locator("#job-ran")).to_have_text("ran 8 s")
    expect(page.locator("#job-waited")).to_have_text("waited 4 min 6 s")
    assert not re.search("took", page.locator("#job-head").inner_text())
