"""Jobs side by side, as people look at them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import QUICK, TRAIN
from tests.browser.pages import MOST_BYTES, assert_fits, assert_readable, loaded_bytes
from tests.waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def other(stack) -> str:
    """Return another job of the admin's that was trained, in half as many and larger steps."""
    params = {**QUICK, "epochs": 2, "batch_size": 256}
    job = stack.client.submit({**TRAIN, "name": "larger batches", "params": params})
    until(lambda: stack.client.job(job["id"])["finished_at"], 100, "the end of the training")
    return str(job["id"])


def sources(page: Page) -> list[str]:
    """Return which pictures are shown."""
    return page.locator("#pictures img:visible").evaluate_all("all => all.map(one => one.getAttribute('src'))")


def lines(page: Page) -> int:
    """Return in how many charts curves were drawn."""
    return page.locator("#charts canvas").count()


def test_curves_share_an_axis_that_can_be_chosen(person, stack, trained, other):
    page = person("admin").page(f"/dashboard/compare?jobs={trained},{other}")
    expect(page.locator("#charts canvas").first).to_be_visible()
    d_loss = page.get_by_role("slider", name="d_loss", exact=True)
    expect(d_loss).to_have_attribute("aria-valuetext", re.compile(r"1 digits .*2 larger batches"))
    job = stack.client.job(trained)
    last = stack.client.metrics(trained, ["d_loss"])["d_loss"]["steps"][-1]
    images = last * job["progress"]["images"] / job["progress"]["step"]
    assert float(d_loss.get_attribute("aria-valuemax")) == pytest.approx(images, rel=0.01)
    page.get_by_role("radio", name="Steps").check()
    expect(d_loss).to_have_attribute("aria-valuemax", str(last))
    expect(page).to_have_url(re.compile("&axis=steps$"))
    # The other job took fewer steps: there it is its last value that is told.
    expect(d_loss).to_have_attribute("aria-valuetext", re.compile(r"2 larger batches [\d.]+ \(last\)$"))
    expect(page.get_by_text("A step is one update of the generator")).to_be_visible()
    page.get_by_role("radio", name="Time").check()
    expect(page.get_by_text("By seconds of training")).to_be_visible()
    page.reload()
    expect(page.get_by_role("radio", name="Time")).to_be_checked()


def test_one_slider_moves_the_pictures_of_all_jobs(person, trained, other):
    page = person("admin").page(f"/dashboard/compare?jobs={trained},{other}")
    slider = page.get_by_role("slider", name="Training progress")
    expect(slider).to_be_visible()
    last = sources(page)
    assert len(last) == 2
    expect(page.locator(f"#grid-{other} .caption")).to_contain_text("last image")
    slider.focus()
    page.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("images$"))
    first = sources(page)
    assert not set(first) & set(last)
    expect(page.locator(f"#grid-{trained} .caption")).to_have_text("before training")
    page.keyboard.press("ArrowRight")
    expect(page.locator(f"#grid-{trained} .caption")).to_contain_text(re.compile("epoch 1, [0-9,]+ images"))
    expect(page.locator(".chart-mark:visible")).to_have_count(lines(page))
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()  # it has come to the end
    page.wait_for_function("document.getElementById('place').value === document.getElementById('place').max")
    assert sources(page) == last


def test_a_click_into_a_curve_moves_the_slider(person, trained, other):
    page = person("admin").page(f"/dashboard/compare?jobs={trained},{other}")
    slider = page.get_by_role("slider", name="Training progress")
    expect(slider).to_be_visible()
    assert slider.input_value() != "0"
    plot = page.locator("#charts .u-over").first
    plot.click(position={"x": 3, "y": 20})
    expect(slider).to_have_value("0")


def test_a_job_that_runs_is_followed_without_a_reload(person, trained):
    admin = person("admin")
    job = admin.client.submit({**TRAIN, "name": "running", "params": {**QUICK, "epochs": 1000}})
    try:
        page = admin.page(f"/dashboard/compare?jobs={trained},{job['id']}")
        page.evaluate("window.stays = true")
        expect(page.locator(f"#grid-{job['id']} img")).to_be_visible(timeout=60_000)
        shown = page.locator(f"#grid-{job['id']} img").get_attribute("src")
        row = page.locator("#speed tr").filter(has_text="running")
        expect(row).to_be_visible()
        expect(page.locator(f"#grid-{job['id']} img")).not_to_have_attribute("src", shown)
        assert page.evaluate("window.stays")
    finally:
        admin.client.cancel(job["id"])


def test_a_job_is_left_out(person, trained, other):
    admin = person("admin")
    third = admin.client.submit({**TRAIN, "queue": "jetson", "name": "third"})
    page = admin.page(f"/dashboard/compare?jobs={trained},{other},{third['id']}")
    page.get_by_role("link", name="Remove third").click()
    expect(page.get_by_role("heading", name="2 jobs compared")).to_be_visible()
    admin.client.cancel(third["id"])


def test_a_strangers_job_is_not_found(person, trained, other):
    stranger = person()
    page = stranger.page(f"/dashboard/compare?jobs={trained},{other}")
    expect(page.get_by_text(f"jobs {trained}, ")).to_be_visible()
    stranger.complaints.clear()  # the browser says that this was a 404


def test_the_comparison_has_no_barrier_and_fits_the_screen(person, trained, other, picture, look):
    page = person("admin", **look.context).page(f"/dashboard/compare?jobs={trained},{other}")
    expect(page.locator("#charts canvas").first).to_be_visible()
    page.wait_for_function("[...document.images].every(image => image.complete)")
    assert_readable(page)
    assert_fits(page)
    assert loaded_bytes(page) < MOST_BYTES
    picture(page, f"compare-{look.name}")
    page.goto(page.url.partition("?")[0])
    assert_readable(page)
    picture(page, f"compare-few-{look.name}")
