"""What every page must be: readable by all, no wider than a phone, quick to come."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

MOST_BYTES = 100_000


def assert_readable(page: Page) -> None:
    """Fail when axe finds anything that keeps people from reading or using the page."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def assert_fits(page: Page) -> None:
    """Fail when the page is wider than the window; name what sticks out."""
    wide = page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth")
    sticks_out = """() => [...document.querySelectorAll("main *")]
        .filter((one) => one.getBoundingClientRect().right > window.innerWidth + 1)
        .map((one) => one.outerHTML.slice(0, 120))"""
    assert wide <= 0, (wide, page.evaluate(sticks_out)[:5])


def loaded_bytes(page: Page) -> int:
    """Return the bytes that came over the wire for this page, pictures apart: itself, its scripts, styles and data."""
    entries = """() => [
        ...performance.getEntriesByType("navigation"),
        ...performance.getEntriesByType("resource").filter((one) => !["img", "image"].includes(one.initiatorType)),
    ].reduce((sum, one) => sum + one.transferSize, 0)"""
    return int(page.evaluate(entries))


def more(page: Page) -> None:
    """Open the menu of further actions of a job."""
    page.locator("#job-actions .menu > summary").click()
