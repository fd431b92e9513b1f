"""The page of a job that runs: it grows under the eyes, obeys, and goes on without a stream."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import QUICK, TRAIN
from tests.browser.pages import agree
from tests.browser.test_job import open_job
from tests.waiting import until

pytestmark = pytest.mark.slow

LONG = {**QUICK, "epochs": 2000}
REACHED = "() => Number(document.querySelector('[data-group=losses] [role=slider]').getAttribute('aria-valuemax'))"


def test_a_running_job_grows_under_the_eyes_and_obeys(person):
    alice = person()
    job = alice.client.submit({**TRAIN, "name": "live", "params": LONG})["id"]
    page = open_job(alice, job)
    page.evaluate("window.stays = true")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    slider = page.locator("#grid-slider")
    reached = page.evaluate(REACHED)
    until(lambda: page.evaluate(REACHED) > reached + 100, 60, "a longer curve")
    # At the end of the slider one follows the newest image; elsewhere one stays where one is.
    first = slider.get_attribute("max")
    until(lambda: int(slider.get_attribute("max")) > int(first), 60, "another image")
    assert slider.evaluate("slider => slider.value === slider.max")  # at one moment: the next image is on its way
    slider.press("Home")
    first = slider.get_attribute("max")
    until(lambda: int(slider.get_attribute("max")) > int(first), 60, "another image")
    assert slider.input_value() == "0"
    expect(page.locator("#grid-place")).to_have_text("epoch 0 · step 0")

    actions, state = page.locator("#job-actions"), page.locator("#job-head .state")
    actions.get_by_role("button", name="Pause").focus()
    page.keyboard.press("Enter")
    expect(state).to_have_text(re.compile(r"paused$"))
    assert page.evaluate("document.activeElement.closest('#job-actions') !== null"), "focus was lost"
    actions.get_by_role("button", name="Resume").click()
    expect(state).to_contain_text("running")
    actions.get_by_role("button", name="Cancel").click()
    agree(page)
    expect(state).to_have_text(re.compile("canceled$"))
    expect(actions.get_by_role("button", name="Retry…")).to_be_visible()
    expect(page.locator("#timeline")).to_contain_text("Attempt 2")
    expect(page.locator("#connection")).to_have_attribute("data-state", "ended")
    assert page.evaluate("window.stays"), "the page was loaded anew"


def test_the_pace_is_drawn_where_an_epoch_ended_and_not_where_a_metric_was_told(person):
    alice = person()
    before = alice.client.submit({**TRAIN, "params": LONG})["id"]
    params = {"width": 16, "epochs": 3, "metrics_every": {"steps": 50}}
    job = alice.client.submit({**TRAIN, "name": "seldom", "params": params})["id"]
    page = alice.page(f"/dashboard/jobs/{job}")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    alice.client.cancel(before)
    until(lambda: alice.client.job(job)["finished_at"], 60, "the end of the training")
    ended = alice.client.job(job)["progress"]["step"]
    assert ended % 50 != 0
    expect(page.locator("[data-group=speed] [role=slider]")).to_have_attribute("aria-valuemax", str(ended))


def test_a_button_below_the_keyboard_says_what_it_has_become(person):
    alice = person()
    job = alice.client.submit({**TRAIN, "queue": "jetson"})["id"]
    page = alice.page(f"/dashboard/jobs/{job}")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    page.locator("#job-actions").get_by_role("button", name="Pause").focus()
    alice.client.pause(job)
    expect(page.locator("#job-actions button:focus")).to_have_text("Resume")
    alice.client.cancel(job)


def test_a_paused_log_stands_still(person):
    alice = person()
    job = alice.client.submit({**TRAIN, "queue": "jetson"})["id"]
    page = alice.page(f"/dashboard/jobs/{job}")
    page.locator("#story > summary").click()
    log = page.get_by_role("log")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    page.get_by_role("button", name="Pause updates").click()
    alice.client.pause(job)
    expect(page.locator("#job-head .state")).to_contain_text("paused")
    expect(log).not_to_contain_text("paused")
    page.get_by_role("button", name="Pause updates").click()
    expect(log).to_contain_text("paused by request")
    alice.client.cancel(job)


def test_without_a_stream_the_page_asks_and_misses_nothing(person):
    alice = person()
    job = alice.client.submit({**TRAIN, "params": LONG})["id"]
    page = alice.context.new_page()
    page.route(
        re.compile(r"/events\?after="),
        lambda route: route.abort() if "event-stream" in route.request.headers["accept"] else route.continue_(),
    )
    page.goto(f"{alice.stack.url}/dashboard/jobs/{job}")
    expect(page.locator("#connection")).to_have_attribute("data-state", "polling", timeout=60_000)
    expect(page.locator("[data-group=losses] canvas")).to_be_visible()
    stops = int(page.locator("#grid-slider").get_attribute("max"))
    reached = page.evaluate(REACHED)
    until(lambda: page.evaluate(REACHED) > reached, 60, "a longer curve")
    until(lambda: int(page.locator("#grid-slider").get_attribute("max")) > stops, 60, "another image")
    alice.client.cancel(job)
    expect(page.locator("#job-head .state")).to_have_text(re.compile("canceled$"))
