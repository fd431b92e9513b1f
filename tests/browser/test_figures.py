"""Scripts write figures as the server does, so that nothing changes its look when a page becomes live."""

from __future__ import annotations

import pytest
from flask import Flask, g
from playwright.sync_api import Page

from api.dashboard import formats
from api.http.language import catalogue
from models.messages.training import Alerts
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


SAY = """async ([english, message]) => {
    const script = document.querySelector('script[type="module"]').src;
    const words = await import(script.replace(/[^/]+$/, "words.js"));
    const unknown = { code: "of_a_later_version", params: {} };
    const said = [message, unknown, undefined].map((one) => words.say(english, one));
    return [...said, words.t("Changed: {n}", { n: 14203 })];
}"""


@pytest.mark.parametrize(("locale", "language"), [("zh-TW", "zh-Hant"), ("zh-CN", "zh-Hans"), ("en-GB", None)])
def test_scripts_say_a_message_by_its_code_and_what_they_do_not_know_in_english(
    person: Cast, locale: str, language: str | None
) -> None:
    halved = Alerts.batch_halved(size=64, step=100, half=32)
    said = str(halved) if language is None else halved.put(catalogue(language))
    page = person(locale=locale).page()
    assert page.evaluate(SAY, [str(halved), halved.as_json()]) == [said, str(halved), str(halved), "Changed: 14,203"]
    assert (said == str(halved)) is (language is None)
