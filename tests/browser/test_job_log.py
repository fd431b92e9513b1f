"""The log on the page of a job: its last lines, a search, and what comes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.pages import assert_fits, assert_readable

pytestmark = pytest.mark.slow


def test_the_log_of_a_job_opens_is_searched_and_is_downloaded(person, trained):
    page = person("admin").page(f"/dashboard/jobs/{trained}")
    lines, said = page.locator("#log-lines p"), page.locator("#log-said")
    expect(lines).to_have_count(0)
    page.locator("#log summary").focus()
    page.keyboard.press("Enter")
    expect(said).to_have_text("This is the end of the log.")
    expect(page.locator("#log-lines p", has_text="[epoch]")).to_have_count(4)
    expect(lines.last).to_have_text(re.compile(r"^\[epoch\] 4 step 280: "))
    field = page.get_by_role("searchbox", name="Search the log")
    field.fill("EPOCH] 3")
    field.press("Enter")
    expect(said).to_have_text("Lines found: 1")
    expect(lines).to_have_count(1)
    expect(lines).to_contain_text("[epoch] 3 step 210")
    assert_readable(page)
    assert_fits(page)
    page.get_by_role("button", name="Follow").click()
    expect(said).to_have_text("This is the end of the log.")
    assert field.input_value() == ""
    with page.expect_download() as download:
        page.locator("section:has(#log-title)").get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == f"{trained}.log"
