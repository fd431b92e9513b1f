"""Pages that ask for no more than somebody looks at, and say no more than somebody can listen to."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import TRAIN

pytestmark = pytest.mark.slow

# Keeps every stream that a page opens, so that a test can see whether it still holds one.
KEEP_STREAMS = """
window.streams = [];
window.EventSource = class extends window.EventSource {
    constructor(address) { super(address); window.streams.push(this); }
};
"""
HELD = "window.streams.filter((stream) => stream.readyState !== EventSource.CLOSED).length"
TURN = """(hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
SAY = """async (text) => {
    const script = [...document.querySelectorAll('script[type="module"]')].find(({ src }) => src.endsWith("/page.js"));
    (await import(script.src)).say(text);
}"""


def test_a_tab_holds_one_stream_and_none_while_it_is_hidden_and_then_catches_up(person):
    alice = person()
    alice.context.add_init_script(KEEP_STREAMS)
    page = alice.page("/dashboard/jobs")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    assert page.evaluate(HELD) == 1
    page.evaluate(TURN, True)
    assert page.evaluate(HELD) == 0
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    watching = alice.page("/dashboard/jobs")
    job = alice.client.submit({**TRAIN, "queue": "jetson", "name": "meanwhile"})["id"]
    expect(watching.get_by_role("link", name="meanwhile")).to_be_visible()  # a tab that is looked at has heard of it
    assert page.get_by_role("link", name="meanwhile").count() == 0
    assert asked == []
    page.evaluate(TURN, False)
    expect(page.get_by_role("link", name="meanwhile")).to_be_visible()
    assert page.evaluate(HELD) == 1
    alice.client.cancel(job)


def test_a_page_shows_what_happened_before_its_stream_opened(person):
    alice = person()
    made = []

    def submit_first(route):
        made.append(alice.client.submit({**TRAIN, "queue": "jetson", "name": "just before"})["id"])
        route.continue_()

    alice.context.route("**/v1/events", submit_first, times=1)
    page = alice.page("/dashboard/jobs")
    expect(page.get_by_role("link", name="just before")).to_be_visible()
    alice.client.cancel(*made)


def test_who_listens_to_a_page_hears_of_news_once_in_ten_seconds_and_the_newest(person):
    alice = person()
    alice.context.clock.install()
    page = alice.page("/dashboard/queues")
    status = page.get_by_role("status")
    for text in ("first", "second", "third"):
        page.evaluate(SAY, text)
    page.clock.run_for(50)
    expect(status).to_have_text("third")
    for text in ("fourth", "fifth"):
        page.evaluate(SAY, text)
    page.clock.run_for(5000)
    expect(status).to_have_text("third")
    page.clock.run_for(5500)
    expect(status).to_have_text("fifth")
