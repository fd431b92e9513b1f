"""What pages do when things break: the service goes away and comes back, a session ends, somebody forges a change."""

from __future__ import annotations

import re
import signal

import pytest
from playwright.sync_api import expect

from ganforge.stack.home import Home
from ganforge.stack.ports import free_port
from tests.browser.conftest import DESK, TRAIN, Person, Stack
from tests.browser.pages import agree
from tests.ganforge.conftest import Commands
from tests.waiting import until

pytestmark = pytest.mark.slow

RESTART_MS = 90_000


@pytest.fixture
def commands(tmp_path):
    """Return commands on a home of this test's own, whose service it may stop."""
    made = Commands(tmp_path)
    yield made
    made.close()


def start(commands, port):
    """Start the service; return its process and where it is."""
    process = commands.up(GANFORGE_THREADS="1", GANFORGE_PORT=port)
    home = Home(commands.home)
    url = home.read_stack()["api"]
    return process, Stack(commands, url, home.admin_key_file.read_text().strip(), commands.client())


def test_a_page_recovers_when_the_service_was_restarted_under_it(commands, browser):
    port = str(free_port())  # one that no other service here would choose meanwhile
    process, stack = start(commands, port)
    admin = Person(stack, "admin", stack.admin_key, browser.new_context(viewport=DESK), stack.client)
    admin.client.close()
    admin.sign_in()
    page = admin.page("/dashboard/queues")
    mark = page.locator("#connection")
    expect(mark).to_have_attribute("data-state", "live")
    page.evaluate("window.stays = true")

    process.send_signal(signal.SIGTERM)
    process.wait(60)
    expect(mark).not_to_have_attribute("data-state", "live")
    pause = page.locator("#queue-jetson").get_by_role("button", name="Pause")
    pause.click()
    agree(page)
    expect(page.locator("#toasts")).to_contain_text("service not responding")
    expect(pause).to_be_enabled()
    expect(pause).to_be_focused()

    _, stack = start(commands, port)
    expect(mark).to_have_attribute("data-state", "live", timeout=RESTART_MS)
    with stack.client as client:
        job = client.submit({**TRAIN, "queue": "jetson", "name": "after-all"})
    expect(page.locator(f"#next-{job['id']}")).to_contain_text("after-all")
    pause.click()
    agree(page)
    expect(page.locator("#queue-jetson")).to_contain_text("paused")
    assert page.evaluate("window.stays")
    # the browser says what it could not reach; nothing of ours threw
    assert all("Failed to load resource" in line or "ERR_" in line for line in admin.complaints), admin.complaints
    admin.context.close()


def test_a_press_after_the_session_has_ended_leads_to_the_login_and_back(person):
    admin = person("admin")
    page = admin.page("/dashboard/queues?")
    other = admin.page("/dashboard")
    other.get_by_role("button", name="Sign out").click()
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    page.locator("#queue-jetson").get_by_role("button", name="Pause").click()
    agree(page)
    expect(page).to_have_url(re.compile(r"/dashboard/login\?next="))
    expect(page.get_by_text("Sign in to continue.")).to_be_visible()
    page.get_by_label("Access key").fill(admin.key)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile("/dashboard/queues$"))
    # what was pressed too late was not done
    expect(page.locator("#queue-jetson").get_by_role("button", name="Pause")).to_be_visible()
    admin.complaints.clear()  # the browser says that this was a 401


def test_a_page_that_only_listens_learns_that_its_session_has_ended(person):
    alice = person()
    page, other = alice.page("/dashboard"), alice.page("/dashboard/queues")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    other.get_by_role("button", name="Sign out").click()
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    alice.client.submit({**TRAIN, "queue": "jetson"})
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=60_000)
    alice.complaints.clear()


def test_a_button_keeps_the_focus_and_is_pressed_once_while_its_call_is_under_way(person):
    alice = person()
    job = alice.client.submit({**TRAIN, "queue": "jetson"})["id"]
    page = alice.page(f"/dashboard/jobs/{job}")
    asked = []

    def gateway(route):
        asked.append(route)

    page.route("**/cancel", gateway)
    cancel = page.locator("#job-actions").get_by_role("button", name="Cancel")
    cancel.focus()
    page.keyboard.press("Enter")
    agree(page)
    expect(cancel).to_have_attribute("aria-disabled", "true")
    expect(cancel).to_be_focused()
    page.keyboard.press("Enter")
    until(lambda: page.evaluate("true") and asked, what="the call")  # the browser's news come while it is asked
    # what stands before the service does not answer as it does
    asked[0].fulfill(status=502, content_type="text/html", body="<h1>Bad Gateway</h1>")
    expect(page.locator("#toasts")).to_contain_text("502 Bad Gateway")
    expect(cancel).to_be_focused()
    assert len(asked) == 1
    alice.client.cancel(job)
    alice.complaints.clear()


def test_a_change_without_the_pages_token_is_refused(person):
    alice = person()
    job = alice.client.submit({**TRAIN, "queue": "jetson"})
    page = alice.page("/dashboard")
    forged = """async ([path, headers]) => (await fetch(path, { method: "POST", headers })).status"""
    for headers in ({}, {"X-CSRF-Token": "0" * 64}):
        assert page.evaluate(forged, [f"/v1/jobs/{job['id']}/cancel", headers]) == 403
    assert alice.client.job(job["id"])["state"] == "queued"
    alice.client.cancel(job["id"])
    alice.complaints.clear()  # the browser says that these were 403


def test_without_scripts_the_pages_can_be_read(person):
    alice = person()
    alice.client.submit({**TRAIN, "queue": "jetson", "name": "plain"})
    bare = person("user", alice.owner, java_script_enabled=False)
    page = bare.page("/dashboard")
    expect(page.locator("#needs")).to_contain_text("1 job waits in jetson")
    page.get_by_role("navigation").get_by_role("link", name="Queues").click()
    expect(page.locator("#queue-jetson")).to_contain_text("plain")
