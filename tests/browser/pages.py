"""What every page must be: readable by all, no wider than a phone, quick to come."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

MOST_BYTES = 100_000

# Every text that can be seen, with too little contrast: 4.5 is needed, or 3 where it is large. Axe leaves out what is
# hovered or has just appeared in place of something else; this reads the styles as they are now.
FAINT = """(root) => {
    const parts = (text) => (text.match(/[0-9.]+/g) || []).map(Number);
    const over = ([r, g, b, a = 1], under) => [r, g, b].map((part, n) => part * a + under[n] * (1 - a));
    const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    const light = (colour) => {
        const [r, g, b] = colour.map((part) => linear(part / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (one) => {
        const layers = [];
        for (let place = one; place; place = place.parentElement) layers.unshift(getComputedStyle(place));
        const colours = layers.map((style) => parts(style.backgroundColor));
        return colours.reduce((under, layer) => over(layer, under), [255, 255, 255]);
    };
    const apart = ":disabled, [aria-disabled=true], .visually-hidden, .skip, script, svg, option";
    const seen = (one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true })
        && one.getClientRects().length && !one.closest(apart);
    const says = (one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    return [...document.querySelectorAll(`${root}, ${root} *`)].filter((one) => says(one) && seen(one)).map((one) => {
        const style = getComputedStyle(one);
        const under = ground(one);
        const [a, b] = [light(over(parts(style.color), under)), light(under)].sort((x, y) => y - x);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
        return { ratio: (a + 0.05) / (b + 0.05), least: large ? 3 : 4.5, text: one.outerHTML.slice(0, 120) };
    }).filter((one) => one.ratio < one.least);
}"""


def assert_readable(page: Page) -> None:
    """Fail when axe finds anything that keeps people from reading or using the page."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def assert_clear(page: Page, root: str = "body") -> None:
    """Fail when a text that shows now has too little contrast, in whatever state it is."""
    faint = page.evaluate(FAINT, root)
    assert not faint, faint[:5]


def assert_fits(page: Page) -> None:
    """Fail when the page is wider than the window; name what sticks out."""
    wide = page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth")
    sticks_out = """() => [...document.querySelectorAll("main *")]
        .filter((one) => one.getBoundingClientRect().right > window.innerWidth + 1)
        .map((one) => one.outerHTML.slice(0, 120))"""
    assert wide <= 0, (wide, page.evaluate(sticks_out)[:5])


def loaded_bytes(page: Page) -> int:
    """Return the bytes of this page for somebody whose browser has kept nothing, pictures apart: itself, its scripts,
    styles and data, as they are sent.
    """
    entries = """() => [
        ...performance.getEntriesByType("navigation"),
        ...performance.getEntriesByType("resource").filter((one) => !["img", "image"].includes(one.initiatorType)),
    ].reduce((sum, one) => sum + one.encodedBodySize, 0)"""
    return int(page.evaluate(entries))


def more(page: Page) -> None:
    """Open the menu of further actions of a job."""
    page.locator("#job-actions .menu > summary").click()


def agree(page: Page) -> str:
    """Agree to the question that a pressed button asks; return the question."""
    box = page.get_by_role("alertdialog")
    question = box.locator("p").inner_text()
    box.get_by_role("button").last.click()
    return question
