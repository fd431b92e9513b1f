"""Drawing from a job's checkpoints, and what was drawn from them, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SMALL, TRAIN
from tests.browser.pages import assert_fits, assert_readable
from tests.browser.test_job import open_job, shown
from tests.waiting import until

pytestmark = pytest.mark.slow

# Trained in a second or two: that it translates badly is nothing to the page.
TRANSLATOR = {"images": 32, "batch_size": 4, "width": 4, "blocks": 1}


def fill(page, **fields):
    """Write into the form, by its labels; it is closed at first."""
    if not page.locator("#sample-form").is_visible():
        page.locator("#draw > summary").click()
    for name, value in fields.items():
        page.locator(f"#sample-{name}").fill(str(value))


def draw(page):
    """Press the button."""
    page.get_by_role("button", name="Generate", exact=True).click()


def test_images_and_a_walk_between_seeds_are_drawn_in_place_and_are_there_after_a_reload(person, trained, picture):
    page = open_job(person("admin"), trained)
    page.evaluate("window.stays = true")
    before = page.locator("#drawn li").count()
    fill(page, count=16, seed=501)
    draw(page)
    sheet = page.get_by_role("img", name="image grid · seed 501")
    expect(sheet).to_be_visible(timeout=60_000)
    first = shown(sheet)
    page.get_by_label("Output", exact=True).select_option("interpolation")
    page.get_by_role("button", name="Generate with the next seed").click()
    walk = page.get_by_role("img", name="interpolation between seeds · seed 502")
    expect(walk).to_be_visible(timeout=60_000)
    shown(walk)
    assert walk.evaluate("image => image.naturalWidth / image.naturalHeight") > 10, "it is no strip"
    assert page.evaluate("window.stays"), "the page was loaded again"
    expect(page.locator("#drawn li")).to_have_count(before + 2)

    page.reload()
    expect(page.locator("#drawn li")).to_have_count(before + 2)
    assert page.locator("#drawn img").first.get_attribute("alt").startswith("interpolation"), (
        "the newest is not the first"
    )
    assert shown(sheet) == first
    picture(page, "job-samples")
    page.locator("#drawn").get_by_role("link", name="interpolation between seeds · seed 502").click()
    strip = page.locator("#job-samples img")
    shown(strip)
    until(lambda: strip.evaluate("image => image.offsetHeight") >= 60, 60, "a strip that is large enough to see")
    picture(page, "job-of-samples")


def test_a_sample_that_was_asked_for_before_a_reload_appears_by_itself(person, trained):
    admin = person("admin")
    job = admin.client.submit({"kind": "sample", "source": {"job": trained, "checkpoint": "best"}, "queue": "jetson"})
    page = open_job(admin, trained)
    sample = page.locator(f"#sample-{job['id']}")
    expect(sample).to_contain_text("queued")
    expect(sample).to_contain_text("Generating…")
    expect(sample).to_contain_text("no worker serves this queue")
    admin.client.cancel(job["id"])
    expect(sample).to_contain_text("canceled")
    expect(sample).to_contain_text("No images generated.")


def test_the_same_wish_is_drawn_once(person, trained):
    page = open_job(person("admin"), trained)
    fill(page, count=4, seed=77)
    before = page.locator("#drawn li").count()
    draw(page)
    expect(page.get_by_role("img", name="image grid · seed 77")).to_be_visible(timeout=60_000)
    with page.expect_response("**/v1/jobs") as answer:
        draw(page)
    assert answer.value.headers["idempotency-replayed"] == "true"
    expect(page.locator("#drawn li")).to_have_count(before + 1)


def test_a_translator_translates_a_data_set_either_way(person, picture):
    alice = person()
    job = alice.client.submit({**TRAIN, "recipe": "cyclegan", "name": "digits ⇄ digits", "params": TRANSLATOR})["id"]
    alice.client.wait(job)
    page = open_job(alice, job)
    expect(page.locator("#sample-seed, #sample-next")).to_have_count(0)  # what is translated needs no noise
    fill(page, count=6)
    page.get_by_label("Direction").select_option("b_to_a")
    page.get_by_label("Data set").fill("no such set")
    draw(page)
    expect(page.locator("#sample-dataset + .problem")).to_contain_text("there is no such data set")
    expect(page.get_by_label("Data set")).to_be_focused()
    alice.complaints.clear()  # the browser says that this was a 422
    page.get_by_label("Data set").fill("")
    draw(page)
    pairs = page.get_by_role("img", name="translated images · B → A")
    expect(pairs).to_be_visible(timeout=60_000)
    shown(pairs)
    sample = page.locator("#drawn li")
    expect(sample).to_contain_text("6 images · mnist-10k")
    with page.expect_download() as download:
        sample.get_by_role("link", name="Download b_to_a.zip").click()
    assert download.value.suggested_filename == "b_to_a.zip"
    picture(page, "job-translated")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_the_samples_and_a_viewer_too(stack, person, trained, picture, scheme):
    for output in ("images", "interpolation", "grid"):
        params = {"output": output, "seed": 5, "count": 16}
        asked = {"kind": "sample", "source": {"job": trained, "checkpoint": "best"}, "params": params, "queue": "cpu"}
        stack.client.wait(stack.client.submit(asked)["id"])
    looks = person("viewer", owner="admin", color_scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    page = open_job(looks, trained)
    expect(page.locator("#drawn-title")).to_be_visible()
    expect(page.locator("#sample-form")).to_have_count(0)
    page.locator("#drawn li").last.scroll_into_view_if_needed()
    for name in ("job-drawn", "job-drawn-small"):
        assert_readable(page)
        assert_fits(page)
        picture(page, f"{name}-{scheme}")
        page.set_viewport_size(SMALL)
