"""Bringing pictures and taking them away, in a browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.api.uploads.archives import pictures, zipped
from tests.browser.pages import agree, assert_fits, assert_readable
from tests.waiting import until

pytestmark = pytest.mark.slow

PETS = zipped({**pictures(20, "cat/", size=(28, 28), mode="L"), **pictures(20, "dog/", size=(28, 28), mode="L")})
DROP = """([bytes, name]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(bytes)], name));
    const carried = {dataTransfer: transfer, bubbles: true, cancelable: true};
    for (const type of ["dragenter", "dragover", "drop"])
        document.getElementById("drop").dispatchEvent(new DragEvent(type, carried));
}"""


def choose(page, content=PETS, name="pets.zip"):
    """Choose an archive by the file button."""
    page.get_by_label("Archive").set_input_files({"name": name, "mimeType": "application/zip", "buffer": content})


def press(page):
    """Press the button of the form."""
    page.get_by_role("button", name="Upload").click()


def first(page):
    """Return the newest upload's row."""
    return page.locator("#uploads li").first


def test_an_upload_is_sent_followed_and_shown_and_then_trained_on(person, picture):
    alice = person()
    page = alice.page("/dashboard/datasets")
    page.evaluate("window.stays = true")
    choose(page, name="pets.tar.gz")
    expect(page.get_by_label("Name")).to_have_value("pets")
    page.get_by_label("Name").fill("my pets")
    press(page)
    expect(first(page)).to_have_attribute("data-state", "ready")
    expect(first(page)).to_contain_text("Ready: 40 images.")
    card = page.locator(".dataset", has_text="my pets")
    expect(card).to_contain_text("2 classes")
    card.get_by_text("2 classes").click()
    expect(card.get_by_text("dog 20", exact=True)).to_be_visible()
    image = card.get_by_role("img", name="Pictures of my pets")
    expect(image).to_be_visible()
    page.wait_for_function("image => image.naturalWidth === 8 * 28", arg=image.element_handle())
    assert page.evaluate("window.stays")
    expect(page.get_by_label("Name")).to_have_value("")
    picture(page, "datasets-uploaded")
    first(page).get_by_role("link", name="Train on it").click()
    expect(page.locator("#dataset")).to_have_value("my pets")
    expect(page.locator("#plan")).to_contain_text("28\N{MULTIPLICATION SIGN}28 pixels")
    page.locator("summary", has_text="Advanced").click()
    page.locator('[data-param="batch_size"] [data-value]').fill("64")
    expect(page.locator("#plan")).to_contain_text("Fix ")  # so few pictures make no batch
    alice.complaints.clear()  # the browser says that this was a 422


def test_a_dropped_archive_is_taken_and_waits_for_its_name(person):
    page = person().page("/dashboard/datasets")
    page.evaluate(DROP, [list(PETS), "dropped.zip"])
    expect(page.get_by_label("Name")).to_be_focused()
    expect(page.get_by_label("Name")).to_have_value("dropped")
    assert page.evaluate("document.getElementById('file').files[0].name") == "dropped.zip"
    page.keyboard.type("pets")
    page.keyboard.press("Enter")
    expect(first(page)).to_contain_text("Ready: 40 images.")
    expect(page.locator("h3", has_text="pets")).to_be_visible()


def test_an_upload_shows_how_far_it_is_and_can_be_canceled(person):
    alice = person()
    page = alice.page("/dashboard/datasets")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 100_000}
    alice.context.new_cdp_session(page).send("Network.emulateNetworkConditions", slow)
    choose(page, zipped(pictures(100, size=(100, 100))))  # 3 MB
    press(page)
    expect(first(page)).to_contain_text(re.compile(r"Uploading: [1-9]\d? %"))
    assert 0 < float(first(page).locator("progress").get_attribute("value")) < 1
    first(page).get_by_role("button", name="Cancel pets").click()
    expect(first(page)).to_have_attribute("data-state", "canceled")
    expect(page.get_by_role("heading", name="Upload pictures")).to_be_focused()
    first(page).get_by_role("button", name="Close").click()
    expect(page.locator("#uploads li")).to_have_count(0)
    assert "pets" not in [one["name"] for one in alice.client.datasets()]


def test_what_is_refused_says_why_and_stands_in_the_form_again(person):
    alice = person()
    page = alice.page("/dashboard/datasets")
    choose(page, b"no archive at all", "broken.zip")
    page.get_by_label("Image size (px)").fill("32")
    press(page)
    expect(first(page)).to_have_attribute("data-state", "failed")
    expect(page.locator("#drop .problem")).to_have_text("the file is neither zip nor tar")
    expect(page.get_by_label("Name")).to_have_value("broken")
    expect(page.get_by_label("Image size (px)")).to_have_value("32")
    choose(page)
    press(page)
    expect(first(page)).to_have_attribute("data-state", "ready")
    expect(page.locator("#drop .problem")).to_have_count(0)
    alice.complaints.clear()  # the browser says that there was a 422


def test_a_name_that_is_taken_is_said_beside_it_before_anything_is_sent(person):
    alice = person()
    page = alice.page("/dashboard/datasets")
    choose(page)
    page.get_by_label("Name").fill("mnist-10k")
    press(page)
    expect(page.get_by_text("A data set with this name exists")).to_be_visible()
    expect(page.get_by_label("Name")).to_be_focused()
    expect(page.locator("#uploads li")).to_have_count(0)
    # Of a name that is kept for a data set which is not here, only the service knows.
    page.get_by_label("Name").fill("celeba")
    press(page)
    expect(page.locator(".problem[id=problem-name]")).to_contain_text("a shared data set")
    alice.complaints.clear()


def test_what_is_too_large_is_not_sent_at_all(person):
    page = person().page("/dashboard/datasets")
    page.evaluate("document.getElementById('upload').dataset.limit = 1000")
    choose(page)
    press(page)
    expect(page.locator("#drop .problem")).to_contain_text("the limit is 1 kB")
    expect(page.locator("#uploads li")).to_have_count(0)


def test_a_form_without_an_archive_or_name_says_so(person):
    page = person().page("/dashboard/datasets")
    press(page)
    expect(page.get_by_label("Archive")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Name")).to_have_attribute("aria-invalid", "true")


def test_a_connection_that_breaks_is_said(person):
    alice = person()
    page = alice.page("/dashboard/datasets")
    page.route("**/v1/datasets", lambda route: route.abort())
    choose(page)
    press(page)
    expect(first(page)).to_contain_text("Connection lost; nothing was stored.")
    alice.complaints.clear()


def test_what_a_job_needs_stays_and_else_a_data_set_is_deleted(person):
    alice = person()
    page = alice.page("/dashboard/datasets")
    choose(page)
    press(page)
    card = page.locator(".dataset", has_text="pets")
    expect(card).to_be_visible()
    wanted = {"recipe": "mlp_gan", "dataset": "pets", "queue": "jetson", "params": {"batch_size": 8}}
    job = alice.client.submit({"kind": "train", **wanted})
    delete = card.get_by_role("button", name="Delete pets")
    delete.click()
    assert agree(page).startswith("Delete the data set “pets”?")
    expect(page.locator(".toast")).to_contain_text("1 unfinished job needs this data set")
    alice.client.cancel(job["id"])
    delete.click()
    agree(page)
    expect(card).to_have_count(0)
    expect(page.get_by_role("heading", name="Available data sets")).to_be_focused()
    alice.complaints.clear()  # the browser says that there was a 409


def test_a_viewer_looks_and_presses_nothing(person, stack):
    page = person("viewer").page("/dashboard/datasets")
    expect(page.get_by_role("heading", name="mnist-10k")).to_be_visible()
    expect(page.locator("main button, main input")).to_have_count(0)


def test_the_page_is_for_everybody_at_any_width(person, picture, look):
    alice = person(**look.context)
    page = alice.page("/dashboard/datasets")
    choose(page)
    press(page)
    expect(first(page)).to_have_attribute("data-state", "ready")
    expect(page.locator(".dataset", has_text="pets")).to_be_visible()
    choose(page, b"x", "a-rather-long-name-of-an-archive-that-holds-nothing.zip")
    press(page)
    expect(first(page)).to_have_attribute("data-state", "failed")
    page.get_by_text("Supported formats").click()
    picture(page, f"datasets-{look.name}")
    assert_readable(page)
    assert_fits(page)
    alice.complaints.clear()  # the browser says that this was a 422


def test_the_digits_that_come_with_the_service_are_shown_and_counted_without_an_upload(person):
    alice = person()
    until(lambda: alice.client.dataset("mnist-10k")["preview"], 60, "the preview that is made at the start")
    page = alice.page("/dashboard/datasets")
    card = page.locator(".dataset", has_text="mnist-10k")
    image = card.get_by_role("img", name="Pictures of mnist-10k")
    expect(image).to_be_visible()
    page.wait_for_function("image => image.naturalWidth === 10 * 28", arg=image.element_handle())
    expect(card).to_contain_text("863 to 1,127 images per class")
    card.get_by_text("10 classes").click()
    expect(card.locator(".classes .badge").first).to_have_text("0 1,001")
