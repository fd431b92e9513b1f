"""The curves of a job: values beside the cursor, axes, scales, and values to take away; its images enlarged."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SMALL
from tests.browser.pages import assert_fits, assert_readable
from tests.browser.test_job import open_job, shown

pytestmark = pytest.mark.slow


def options(page: Page) -> None:
    """Open the menu of the curves."""
    page.locator("#curve-options > summary").click()


def test_step_and_values_stand_beside_the_pointer_and_beside_the_focus(person, trained, picture):
    page = open_job(person("admin"), trained)
    losses = page.locator("[data-group=losses]")
    tip = losses.locator(".chart-tip")
    expect(tip).to_be_hidden()
    box = losses.locator(".u-over").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
    expect(tip).to_be_visible()
    expect(tip).to_have_text(re.compile(r"^Step 14\d d_loss 1\.\d+ g_loss 0\.\d+$"))
    expect(page.locator("[data-group=judgement] .chart-tip")).to_be_hidden()  # one box, where one points
    picture(page, "job-tip")
    page.mouse.move(5, 5)
    expect(tip).to_be_hidden()
    page.keyboard.press("Tab")
    losses.get_by_role("slider").focus()
    page.keyboard.press("Home")
    expect(tip).to_have_text(re.compile(r"^Step [12] d_loss"))
    page.keyboard.press("ArrowRight")
    expect(tip).to_have_text(re.compile(r"^Step [234] d_loss"))
    page.get_by_label("Smoothing", exact=True).focus()
    expect(tip).to_be_hidden()


def test_curves_go_over_images_and_time_and_the_images_stay_tied_to_them(person, stack, trained):
    page = open_job(person("admin"), trained)
    losses = page.get_by_role("slider", name="Losses")
    options(page)
    page.get_by_label("Horizontal axis").select_option("images")
    expect(losses).to_have_attribute("aria-valuetext", re.compile("^Images 35.84 k: d_loss"))
    expect(losses).to_have_attribute("aria-valuemax", re.compile(r"^35840(\.\d+)?$"))
    page.get_by_label("Horizontal axis").select_option("time")
    expect(losses).to_have_attribute("aria-valuetext", re.compile("^Time .* s: d_loss"))
    expect(losses).to_have_attribute("aria-valuemax", re.compile(r"^\d{1,3}(\.\d+)?$"))  # drawn over seconds
    page.get_by_role("heading", name="Curves").click()  # beside the menu, which closes
    expect(page.get_by_label("Horizontal axis")).to_be_hidden()
    losses.focus()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(page.locator("#grid-place")).to_have_text("epoch 0 · step 0")
    options(page)
    page.get_by_label("Horizontal axis").select_option("steps")
    expect(losses).to_have_attribute("aria-valuemax", "280")


def test_a_logarithmic_scale_is_for_positive_values_and_a_smoothed_line_shows_where_it_comes_from(person, trained):
    page = open_job(person("admin"), trained)
    options(page)
    assert_readable(page)
    page.get_by_label("Logarithmic scale").check()
    page.get_by_label("Smoothing", exact=True).fill("0.9")
    canvas = page.locator("[data-group=losses] canvas")
    expect(canvas).to_be_visible()
    page.set_viewport_size(SMALL)
    assert_fits(page)
    page.get_by_label("Logarithmic scale").uncheck()
    expect(page.get_by_role("slider", name="Losses")).to_have_attribute("aria-valuemax", "280")


@pytest.mark.parametrize(("scheme", "colour"), [("light", "#2f5fd0"), ("dark", "#82aaff")])
def test_curves_have_the_colours_of_their_ground(person, trained, scheme, colour):
    page = open_job(person("admin", color_scheme=scheme), trained)
    read = "getComputedStyle(document.documentElement).getPropertyValue('--curve-1').trim()"
    assert page.evaluate(read) == colour


def test_the_values_are_saved_as_csv(person, trained, tmp_path):
    page = open_job(person("admin"), trained)
    options(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download values (CSV)").click()
    assert download.value.suggested_filename == f"{trained}-metrics.csv"
    download.value.save_as(tmp_path / "values.csv")
    head, *lines = (tmp_path / "values.csv").read_text().splitlines()
    assert "d_loss" in head
    assert len(lines) >= 140


def test_the_images_are_enlarged_and_arrows_go_through_them(person, trained, picture):
    page = open_job(person("admin"), trained)
    shown(page.locator("#grid-image"))
    page.get_by_role("button", name="Enlarge the images").click()
    box = page.get_by_role("dialog", name="Images")
    expect(box).to_contain_text("epoch 4 · step 280")
    last = box.locator("img").get_attribute("src")
    assert box.locator("img").bounding_box()["width"] > page.locator("#grid-image").bounding_box()["width"] * 1.5
    page.keyboard.press("ArrowLeft")
    expect(box).to_contain_text("epoch 3 · step 210")
    expect(box.locator("img")).not_to_have_attribute("src", str(last))
    box.get_by_role("button", name="Next").click()
    expect(box).to_contain_text("epoch 4 · step 280")
    assert_readable(page)
    for size in ({"width": 1280, "height": 900}, SMALL):
        page.set_viewport_size(size)
        assert_fits(page)
        picture(page, f"job-lightbox-{size['width']}")
    page.keyboard.press("ArrowLeft")
    expect(box).to_contain_text("epoch 3")
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    expect(page.get_by_role("button", name="Enlarge the images")).to_be_focused()
    expect(page.locator("#grid-place")).to_have_text("epoch 3 · step 210")  # the page shows the same
