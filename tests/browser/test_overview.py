"""The overview in a browser: it follows what happens."""

from __future__ import annotations

import re

import pytest
from PIL import Image
from playwright.sync_api import expect

from models.ids import new_id
from models.states import Outcome
from stores.jobs.attempts import NewArtifact
from stores.jobs.transitions import Ending
from tests.browser.conftest import DESK, TRAIN
from tests.browser.pages import assert_clear, assert_fits

pytestmark = pytest.mark.slow


def test_what_needs_a_person_comes_and_goes_without_a_reload(person):
    alice = person()
    page = alice.page()
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    expect(page.get_by_text("All clear")).to_be_visible()
    page.evaluate("window.stays = true")
    job = alice.client.submit({**TRAIN, "queue": "jetson", "name": "stuck"})
    need = page.locator("#needs li")
    expect(need).to_contain_text("1 job waits in jetson, which no worker serves.")
    need.get_by_role("link", name="Waiting jobs").focus()
    alice.client.cancel(job["id"])
    expect(page.get_by_text("All clear")).to_be_visible()
    expect(page.locator("#ended")).to_contain_text("stuck")
    # There are no alerts: their card takes one line below, and no column.
    ended, alerts = page.locator("#ended").bounding_box(), page.locator("#alerts").bounding_box()
    assert ended["width"] == alerts["width"]
    assert ended["y"] + ended["height"] <= alerts["y"]
    assert page.evaluate("window.stays")


def test_a_running_job_is_followed_to_its_end(person):
    alice = person()
    page = alice.page()
    params = {"width": 16, "epochs": 2, "metrics_every": {"steps": 20}}
    alice.client.submit({**TRAIN, "name": "quick", "params": params})
    expect(page.locator("#running").get_by_role("link", name="quick")).to_be_visible()
    expect(page.locator("#ended")).to_contain_text("succeeded", timeout=60_000)
    expect(page.locator("#running")).to_contain_text("No running jobs.")


def test_what_needs_attention_and_the_newest_images_stand_above_queues_and_workers(person, stores, tmp_path, picture):
    alice = person()
    job = alice.client.submit({**TRAIN, "queue": "jetson", "name": "drawing", "priority": 100})["id"]
    worker = stores.fleet.workers.register("by hand", "jetson", {"kind": "cpu"})
    claim = stores.jobs.claim("jetson", worker, "jetson")
    stores.fleet.workers.stop(worker)
    assert claim.job_id == job
    image = tmp_path / "grid.png"
    Image.effect_noise((256, 256), 80).save(image, "PNG")
    made = new_id("art")
    stores.infra.blobs.put(f"jobs/{job}/{made}", image, "image/png")
    size = image.stat().st_size
    grid = NewArtifact(made, "grid", "grid.png", 1, 1, size, "0" * 64, "image/png", f"jobs/{job}/{made}")
    stores.jobs.add_artifact(claim, grid)
    page = alice.page()
    shown = page.locator(f"#thumb-{job}")
    expect(shown).to_have_attribute("src", re.compile(made))
    page.wait_for_function("(id) => document.getElementById(id).naturalWidth === 256", arg=f"thumb-{job}")
    for size in (DESK, {"width": 390, "height": 844}):
        page.set_viewport_size(size)
        places = [page.locator(part).bounding_box()["y"] for part in ("#needs", "#running", "#ended", "#queues")]
        assert places == sorted(places)
        assert shown.bounding_box()["y"] + 96 <= size["height"]  # in the first screen
        assert_fits(page)
    page.set_viewport_size(DESK)
    expect(page.locator("#needs")).to_contain_text("All clear")  # and maybe what waits of others, in lines of its own
    for part in ("#ended", "#alerts"):
        assert page.locator(part).bounding_box()["height"] < 60  # empty: one line
    picture(page, "overview-running")
    assert_clear(page)
    stores.jobs.finish(claim, Ending(Outcome.succeeded))


def test_another_owner_sees_nothing_of_it(person):
    alice, bob = person(), person()
    job = alice.client.submit({**TRAIN, "queue": "jetson", "name": "secret-plan"})
    page = bob.page()
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    expect(page.get_by_text("All clear")).to_be_visible()
    assert "secret-plan" not in page.content()
    assert page.get_by_role("link", name="Workers").count() == 0
    page.goto(f"{bob.stack.url}/dashboard/jobs/{job['id']}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Not found")
    bob.complaints.clear()  # the browser says that this was a 404
    alice.client.cancel(job["id"])


def test_rows_stay_under_the_pointer_until_it_has_left(person):
    alice = person()
    first = alice.client.submit({**TRAIN, "queue": "jetson", "name": "first"})
    page = alice.page("/dashboard/queues")
    line = page.locator("#line-jetson")
    line.get_by_role("link", name="first").hover()
    depth = page.locator("#state-jetson dd").first
    before = int(depth.inner_text())  # others' jobs wait there too
    second = alice.client.submit({**TRAIN, "queue": "jetson", "name": "second", "priority": 9})
    # what stands above tells that the page is up to date; the line waits
    expect(depth).to_have_text(str(before + 1))
    expect(line).not_to_contain_text("second")
    page.mouse.move(1, 1)
    expect(line).to_contain_text("second")
    for job in (first, second):
        alice.client.cancel(job["id"])


def test_a_reader_chooses_a_language_that_template_and_script_then_speak(person):
    page = person().page()
    page.get_by_role("button", name="繁體中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("總覽")
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hant")
    expect(page.locator("#connection")).to_have_attribute("title", "即時")
    page.get_by_role("button", name="简体中文").click()
    expect(page.locator("#connection")).to_have_attribute("title", "实时")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
