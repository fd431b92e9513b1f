"""Scripts write figures as the server does, so that nothing changes its look when a page becomes live."""

from __future__ import annotations

import pytest
from flask import Flask, g
from playwright.sync_api import Page

from api.dashboard import formats
from tests.browser.conftest import Cast

pytestmark = pytest.mark.slow

ASK = """async ([name, values]) => {
    const script = document.querySelector('script[type="module"]').src;
    const figures = await import(script.replace(/[^/]+$/, "figures.js"));
    return values.map(figures[name]);
}"""
NUMBERS = [0, 1, 999, 1000, 35_840, 1_234_567, 0.5, 0.03333, 2.5, 99.96, 999.4, 999.6, 1234.5, -12.25]
MEASURED = [*NUMBERS, 0.69314718, 1e-4, -1.2345e-4, 23_456_789, 1e7, 12_345.67]
SIZES = [0, 1, 999, 1000, 1234, 99_960, 999_499, 999_600, 24e6, 1.5e9, 7e12, 5e15]
SECONDS = [0, 0.4, 59.4, 59.6, 60, 61, 185, 3599, 3600, 7800, 86_399, 86_400, 273_600, -3]


def ask(page: Page, name: str, values: list[float]) -> list[str]:
    """Return how the scripts of a page write these."""
    return list(page.evaluate(ASK, [name, values]))


@pytest.mark.parametrize("locale", ["en-GB", "zh-TW", "zh-CN"])
def test_scripts_write_as_the_server_does(person: Cast, locale: str) -> None:
    page = person(locale=locale).page()
    tag = page.evaluate("document.documentElement.lang")
    with Flask(__name__).test_request_context():
        g.language = tag
        assert ask(page, "number", NUMBERS) == [formats.number(one) for one in NUMBERS]
        assert ask(page, "figure", MEASURED) == [formats.figure(one) for one in MEASURED]
        assert ask(page, "size", SIZES) == [formats.size(one) for one in SIZES]
        assert ask(page, "duration", SECONDS) == [formats.duration(one) for one in SECONDS]


TOLD = """async (texts) => {
    const script = document.querySelector('script[type="module"]').src;
    const words = await import(script.replace(/[^/]+$/, "words.js"));
    return [await words.told(texts), await words.told([]), words.t("Changed: {n}", { n: 14203 })];
}"""


def test_scripts_ask_what_the_service_has_told(person: Cast) -> None:
    texts = ["there is no such job", "the data set\nis not ours", "must be at least 3"]
    said = ["沒有這個工作", "the data set is not ours", "必須至少為 3"]
    assert person(locale="zh-TW").page().evaluate(TOLD, texts) == [said, [], "Changed: 14,203"]
    assert person(locale="en-GB").page().evaluate(TOLD, texts) == [texts, [], "Changed: 14,203"]
