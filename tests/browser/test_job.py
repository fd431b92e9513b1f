"""The page of one job, in a real browser: curves and images that belong together, and what one can do."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import QUICK, SMALL, TRAIN, Person
from tests.browser.pages import assert_fits, assert_readable, more
from tests.waiting import until

pytestmark = pytest.mark.slow

# Keeps what the button of the images and the line below them have said.
KEEP_TEXTS = """() => {
    window.texts = [];
    const [play, place] = ["grid-play", "grid-place"].map((id) => document.getElementById(id));
    const keep = () => window.texts.push(`${play.title} ${place.textContent}`);
    new MutationObserver(keep).observe(document.body, { subtree: true, childList: true, attributes: true });
}"""


def open_job(who: Person, job: str) -> Page:
    """Open the page of a job, whose curves and images are there."""
    page = who.page(f"/dashboard/jobs/{job}")
    expect(page.locator("[data-group=losses] canvas")).to_be_visible()
    expect(page.locator("#grid-image")).to_be_visible()
    return page


def values(page: Page) -> str:
    """Return what the curve of the losses says at its mark."""
    return str(page.locator("[data-group=losses] [role=slider]").get_attribute("aria-valuetext"))


def shown(image: Locator) -> str:
    """Return the address of a picture that has arrived."""
    until(lambda: image.evaluate("image => image.complete && image.naturalWidth > 0"), 60, "the picture")
    return str(image.get_attribute("src"))


def test_moving_the_slider_shows_another_picture_and_the_same_step_on_the_curves(person, trained):
    page = open_job(person("admin"), trained)
    slider, image = page.locator("#grid-slider"), page.locator("#grid-image")
    last = shown(image)
    expect(page.locator("#grid-place")).to_have_text("epoch 4 · step 280")
    mark = page.locator("[data-group=losses] [role=slider]")
    expect(mark).to_have_attribute("aria-valuetext", re.compile("^Step 280:"))
    slider.focus()
    slider.press("ArrowLeft")
    expect(page.locator("#grid-place")).to_have_text("epoch 3 · step 210")
    expect(slider).to_have_attribute("aria-valuetext", "epoch 3 · step 210")
    expect(image).not_to_have_attribute("src", last)
    expect(mark).to_have_attribute("aria-valuetext", re.compile(r"^Step 210: d_loss 1\."))
    slider.press("Home")
    expect(page.locator("#grid-place")).to_have_text("epoch 0 · step 0")
    expect(page.get_by_role("button", name="Previous")).to_be_disabled()
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.locator("#grid-place")).to_have_text("epoch 1 · step 70")
    assert shown(image) != last


def test_how_to_read_curves_is_said_where_there_are_any(person, trained):
    alice = person()
    waits = alice.client.submit({**TRAIN, "queue": "jetson"})
    page = alice.page(f"/dashboard/jobs/{waits['id']}")
    expect(page.get_by_text("Curves appear here once training starts.")).to_be_visible()
    for part in ("#curves-help", "#smoothing"):
        expect(page.locator(part)).to_be_hidden()
    page = open_job(person("admin"), trained)
    for part in ("#curves-help", "#smoothing"):
        expect(page.locator(part)).to_be_visible()


def test_a_click_on_a_curve_shows_the_images_of_that_step_and_so_does_enter(person, trained):
    page = open_job(person("admin"), trained)
    plot = page.locator("[data-group=losses] .u-over")
    box = plot.bounding_box()
    plot.click(position={"x": box["width"] * 0.52, "y": 40})
    expect(page.locator("#grid-place")).to_have_text("epoch 2 · step 140")
    curve = page.get_by_role("slider", name="Losses")
    curve.focus()
    curve.press("Home")
    curve.press("Enter")
    expect(page.locator("#grid-place")).to_have_text("epoch 0 · step 0")


def test_the_curves_zoom_together_by_dragging_and_by_keys_and_all_is_shown_again(person, trained):
    page = open_job(person("admin"), trained)
    reset = page.get_by_role("button", name="Show all")
    expect(reset.first).to_be_disabled()
    plot = page.locator("[data-group=losses] .u-over")
    box = plot.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 250, box["y"] + 50, steps=5)
    page.mouse.up()
    for one in reset.all():
        expect(one).to_be_enabled()
    plot.dblclick()
    expect(reset.first).to_be_disabled()
    page.locator("#more-curves > summary").click()
    expect(page.locator("[data-group=wait] canvas")).to_be_visible()
    page.get_by_role("slider", name="Learning rate").press("+")
    expect(reset.first).to_be_enabled()
    page.get_by_role("slider", name="Learning rate").press("0")
    expect(reset.first).to_be_disabled()


def test_a_curve_can_be_hidden_smoothed_and_read_as_a_table(person, trained):
    page = open_job(person("admin"), trained)
    losses = page.locator("[data-group=losses]")
    button = losses.get_by_role("button", name=re.compile("g_loss"))
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    losses.get_by_text("Data table").click()
    expect(losses.locator("thead th")).to_have_text(["Step", "d_loss", "g_loss"])
    expect(losses.locator("tbody tr")).to_have_count(25)
    before = values(page)
    page.get_by_label("Smoothing", exact=True).fill("0.9")
    until(lambda: values(page) != before, 60, "smoother values")


def test_play_goes_through_the_images_to_the_end_and_stops(person, trained):
    page = open_job(person("admin"), trained)
    page.evaluate(KEEP_TEXTS)
    page.get_by_role("button", name="Play").click()
    # They are kept, since on a busy machine one that is there for a moment may be gone before it is looked for.
    for text in ("Stop", "epoch 1 · step 70"):
        until(lambda text=text: any(text in said for said in page.evaluate("window.texts")), what=text)
    expect(page.locator("#grid-place")).to_have_text("epoch 4 · step 280")
    expect(page.get_by_role("button", name="Play")).to_be_visible()


def test_a_job_is_tried_again_with_changes_and_errors_stand_beside_their_fields(person):
    alice = person()
    job = alice.client.submit({**TRAIN, "params": {**QUICK, "epochs": 1}})["id"]
    alice.client.wait(job)
    page = open_job(alice, job)
    page.get_by_role("button", name="Retry…").click()
    dialog = page.get_by_role("dialog")
    epochs, width = dialog.locator("#retry-epochs"), dialog.locator("#retry-width")
    expect(epochs).to_have_value("1")
    epochs.fill("0")
    dialog.get_by_role("button", name="Retry").click()
    expect(epochs).to_have_attribute("aria-invalid", "true")
    expect(epochs).to_be_focused()
    epochs.fill("2")
    width.fill("32")
    dialog.get_by_label("Start").select_option("latest")
    dialog.get_by_role("button", name="Retry").click()
    expect(dialog.locator("#retry-width + .problem")).to_contain_text("must stay 16 to match the checkpoint")
    dialog.get_by_role("button", name="16 – reset width").click()
    dialog.get_by_role("button", name="Retry").click()
    page.wait_for_url(lambda address: job not in address)
    expect(page.get_by_text("its latest checkpoint")).to_be_visible()
    alice.complaints.clear()  # the browser says that two answers were 422
    made = alice.client.job(page.url.rpartition("/")[2])
    assert (made["parent"], made["params"]["epochs"], made["params"]["width"]) == (job, 2, 16)
    alice.client.wait(made["id"])


def test_a_job_gets_another_name_priority_and_labels(person):
    alice = person()
    job = alice.client.submit({**TRAIN, "queue": "jetson"})["id"]
    page = alice.page(f"/dashboard/jobs/{job}")
    more(page)
    page.get_by_role("button", name="Edit…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("other <name>")
    dialog.get_by_label("Priority").fill("7")
    dialog.get_by_label("Labels").fill("nonsense")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_text("write each as key=value")).to_be_visible()
    dialog.get_by_label("Labels").fill("team=a=b\n")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("heading", level=1)).to_have_text("other <name>")
    expect(page.locator("#job-head .brief")).to_contain_text("priority 7")
    expect(page.get_by_role("link", name="team=a=b")).to_be_visible()
    alice.client.cancel(job)


def test_layers_and_the_report_open_as_tables_and_commands_are_copied(person, trained):
    page = open_job(person("admin"), trained)
    page.get_by_text("Layers of the networks").click()
    expect(page.locator("#layers-shown table")).to_have_count(2)
    expect(page.locator("#layers-shown tr.total").first).to_contain_text("total")
    page.get_by_text("Run report").click()
    expect(page.locator("#report-shown dl")).to_contain_text("images_per_second")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_text("Reproduce this job").click()
    page.get_by_role("button", name="Copy: Command line").click()
    expect(page.locator("#toasts")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()").startswith("ganforge train mlp_gan --dataset mnist-10k")


THIN = """async () => {
  const page = [...document.scripts].find((script) => script.src.endsWith("/job.js")).src;
  const { thin, smooth } = await import(page.replace("job.js", "job_curves.js"));
  const x = Array.from({ length: 100000 }, (_, n) => n);
  const y = x.map((n) => (n === 77777 ? 9 : n === 33333 ? -9 : n === 50000 ? null : Math.sin(n)));
  const few = thin({ x, y }, 1000);
  const at = (step) => (few.x.includes(step) ? few.y[few.x.indexOf(step)] : "left out");
  const rising = few.x.every((step, n) => n === 0 || step > few.x[n - 1]);
  const round = (value) => value && Math.round(value * 1e6) / 1e6;
  const flat = smooth({ x: [1, 2, 3, 4], y: [5, 5, null, 5] }, 0.9).y.map(round);
  const ends = [few.x[0], few.x.at(-1)];
  return { count: few.x.length, ends, peaks: [at(77777), at(33333), at(50000)], rising, flat };
}"""


def test_a_hundred_thousand_points_are_thinned_and_keep_their_peaks_and_gaps(person, trained):
    found = open_job(person("admin"), trained).evaluate(THIN)
    assert found["count"] <= 1003
    assert found["ends"] == [0, 99_999]
    assert found["peaks"] == [9, -9, None]
    assert found["rising"]
    assert found["flat"] == [5, 5, None, 5]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_the_page(person, trained, picture, scheme):
    admin = person("admin", color_scheme=scheme, bypass_csp=True, reduced_motion="reduce")
    page = open_job(admin, trained)
    shown(page.locator("#grid-image"))
    for text in (
        "All parameters (",
        "Layers of the networks",
        "Run report",
        "Files",
        "Checkpoints (",
        "Timeline",
        "Generate images",
    ):
        page.locator("summary", has_text=text).click()
    for summary in (page.get_by_text("Data table").first, *page.locator(".alert summary").all()):
        summary.click()
    expect(page.locator("#layers-shown table")).to_have_count(2)
    for name in ("job", "job-small"):
        assert_readable(page)
        assert_fits(page)
        picture(page, f"{name}-{scheme}")
        page.set_viewport_size(SMALL)
    more(page)
    page.get_by_role("button", name="Retry…").click()
    assert_readable(page)
    picture(page, f"job-retry-{scheme}")
