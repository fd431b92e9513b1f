"""A job is shared by a link, looked at without a key, and shown no more once the link is revoked."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESK, SMALL
from tests.browser.pages import agree, assert_fits, assert_readable, more

pytestmark = pytest.mark.slow


def make_link(page: Page) -> str:
    """Make a link in the open dialog; return its address."""
    page.get_by_role("button", name="Create link").click()
    link = page.locator("#share-link")
    expect(link).to_have_text(re.compile(r"^http://.*/s/[A-Za-z0-9_-]{43}$"))
    return str(link.text_content())


def test_a_link_is_made_looked_at_by_a_guest_and_revoked(person, trained, picture):
    admin, guest = person("admin"), person(signed_in=False)
    page = admin.page(f"/dashboard/jobs/{trained}")
    more(page)
    page.get_by_role("button", name="Share…").click()
    dialog = page.get_by_role("dialog", name="Share this job")
    expect(dialog).to_be_visible()
    address = make_link(page)
    expect(dialog.get_by_role("listitem")).to_have_count(1)
    for size in (SMALL, DESK):
        page.set_viewport_size(size)
        assert_readable(page)
        assert_fits(page)
    picture(page, "share-dialog")

    seen = guest.page(address.removeprefix(guest.stack.url))
    expect(seen.get_by_role("heading", level=1)).to_have_text("digits")
    expect(seen.locator("[data-group=losses] canvas")).to_be_visible()
    expect(seen.locator("#grid-place")).to_have_text("epoch 4 · step 280")
    last = seen.locator("#grid-image").get_attribute("src")
    seen.get_by_role("button", name="Previous").click()
    expect(seen.locator("#grid-place")).to_have_text("epoch 3 · step 210")
    expect(seen.locator("#grid-image")).not_to_have_attribute("src", str(last))
    for size in (SMALL, DESK):
        seen.set_viewport_size(size)
        for colours in ("light", "dark"):
            seen.emulate_media(color_scheme=colours)
            assert_fits(seen)
            assert_readable(seen)
            picture(seen, f"shared-{size['width']}-{colours}")

    dialog.get_by_role("button", name="Revoke").click()
    agree(page)
    expect(dialog.get_by_role("listitem")).to_have_count(0)
    dialog.get_by_role("button", name="Close").click()
    expect(page.locator("#share-link")).to_be_empty()
    seen.reload()
    expect(seen.get_by_text("this link has expired or was revoked")).to_be_visible()
    assert "status of 404" in guest.complaints.pop()


def test_the_open_page_of_an_unfinished_job_follows_it_and_goes_blank_with_the_link(person, stack):
    job = stack.client.submit(
        {"kind": "train", "recipe": "mlp_gan", "dataset": "mnist-10k", "queue": "gpu", "name": "later"}
    )
    guest = person(signed_in=False)
    link = stack.client.share(job["id"])
    page = guest.page(link["url"].removeprefix(stack.url))
    expect(page.locator("#job-head .state")).to_have_text("queued")
    stack.client.update(job["id"], name="renamed")
    expect(page.get_by_role("heading", level=1)).to_have_text("renamed")
    stack.client.revoke_shares(job["id"])
    expect(page.get_by_text("this link has expired or was revoked")).to_be_visible()
    assert "renamed" not in page.content()
    stack.client.cancel(job["id"])
    assert all("404" in line for line in guest.complaints), guest.complaints
    guest.complaints.clear()
