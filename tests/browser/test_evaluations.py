"""Report cards, rankings and comparisons of evaluations, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_job import open_job

pytestmark = pytest.mark.slow


def test_a_training_is_evaluated_from_its_page(person, trained, picture):
    page = open_job(person("admin", "root"), trained)
    page.get_by_text("Evaluate a checkpoint").click()
    page.locator("#evaluate-count").fill("100")
    page.get_by_role("button", name="Evaluate", exact=True).click()
    expect(page.locator("#evaluate-count:invalid")).to_be_visible()
    page.locator("#evaluate-count").fill("200")
    page.get_by_role("button", name="Evaluate", exact=True).click()
    expect(page.locator("#verdict")).to_be_visible(timeout=90_000)
    expect(page.locator("#figure-fd_ratio svg[role=img]")).to_be_visible()
    job = page.url.rpartition("/")[2]
    picture(page, "job-evaluated")
    page.locator(".facts .source a").click()
    expect(page).to_have_url(re.compile(trained))
    row = page.locator(f"#evaluation-{job}")
    expect(row).to_contain_text("200")
    row.get_by_role("link").click()
    expect(page.locator("#verdict")).to_be_visible()


def test_a_report_card_can_be_read_by_everybody(person, judged):
    page = person("viewer", owner="admin").page(f"/dashboard/jobs/{judged['both']}")
    expect(page.locator("#verdict")).to_contain_text("do not look real enough")
    ratio = page.get_by_role("img", name=re.compile("^Fréchet ratio: 12.9; .*; worse than real images$"))
    expect(ratio).to_be_visible()
    # The mark is drawn right of the band of real images.
    band, mark = (page.locator(f"#figure-fd_ratio .{part}").bounding_box() for part in ("real", "judged"))
    assert mark["x"] > band["x"] + band["width"]
    expect(page.get_by_role("row", name=re.compile("^3 hardly any"))).to_be_visible()
    # Each pair is two squares, cut from one sheet.
    expect(page.get_by_role("img", name=re.compile("^Pair 1: distance 0.02, nearer"))).to_be_visible()
    above, below = (one.bounding_box() for one in page.locator(".pairs li").first.locator("svg[viewBox]").all()[:2])
    assert above["width"] == pytest.approx(above["height"], abs=1)
    assert below["x"] >= above["x"] + above["width"]


def test_the_ranking_of_a_data_set_leads_to_the_report_cards(stack, person, judged):
    address = f"/dashboard/datasets/{stack.client.dataset('mnist-10k')['id']}/ranking"
    page = person("admin", "root").page(f"{address}?extractor={'a' * 64}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Generators of mnist-10k, best first")
    first = page.locator("#ranking tbody tr").first
    expect(first).to_contain_text("Copying")
    first.get_by_role("link", name="Report card").click()
    expect(page.locator("#verdict")).to_contain_text("Training images are copied")


def test_evaluations_are_compared_by_their_figures(person, judged):
    page = person("admin", "root").page(f"/dashboard/compare?jobs={judged['both']},{judged['copies']}")
    row = page.locator("#quality").get_by_role("row", name=re.compile("^Fréchet ratio"))
    expect(row).to_contain_text("12.9")
    expect(page.locator("#quality").get_by_role("img")).to_have_count(2)
