"""The walk over the pages in a real browser: what a page loads by itself, as every role, is never refused."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import expect

from api.app import NOUNS
from api.dashboard import site
from api.http.access import Access
from api.http.routes import RouteTable
from ganforge.client import Client

pytestmark = pytest.mark.slow

TABLE = RouteTable(route for noun in NOUNS for route in noun.routes.all)
# The pages by their addresses, with what must be there for a page of the same name to be shown.
PAGES = {page.path: {TABLE.of(view).access for view in page.asks} for noun in site.NOUNS for page in noun.pages.all}
SAFE = {"GET", "HEAD"}


class Visit:
    """One page in a tab of its own, and what was answered to what it asked for."""

    def __init__(self, who, path):
        self.page = who.page("/healthz")
        self.answers = []
        self.page.on("response", self._keep)
        self.status = self.page.goto(who.stack.url + path).status
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()

    def _keep(self, answer):
        self.answers.append(answer)

    def refused(self):
        """Return what the page asked for beside itself and did not get, or what it changed without being asked."""
        return [
            (answer.status, answer.request.method, answer.url)
            for answer in self.answers
            if not answer.request.is_navigation_request()
            and (
                answer.status >= 400 or (answer.request.method not in SAFE and not answer.url.endswith("?dry_run=true"))
            )
        ]


@pytest.mark.parametrize(("role", "own"), [("viewer", True), ("user", True), ("user", False), ("admin", False)])
def test_a_page_asks_for_nothing_that_its_reader_may_not_have(person, stack, trained, role, own):
    job = stack.client.job(trained)
    with Client(stack.url, stack.key(job["owner"])) as owner:
        webhook = owner.create_webhook("https://hook.invalid/", ["job.failed"])["id"]
    who, digits = person(role, job["owner"] if own else None), job["dataset"]
    allowed = {"viewer": {Access.read}, "user": {Access.read, Access.change}, "admin": set(Access)}[role]
    for path, asks in PAGES.items():
        # The built-in data set is everybody's; alice's job is not.
        visit = Visit(
            who, path.replace("{job_id}", trained).replace("{dataset_id}", digits).replace("{webhook_id}", webhook)
        )
        there = not {"{job_id}", "{webhook_id}"}.intersection(path.split("/")) or own or role == "admin"
        expected = 403 if not asks <= allowed | {Access.public} else 200 if there else 404
        assert (path, visit.status, visit.refused()) == (path, expected, [])
        if not there:
            assert "digits" not in visit.page.inner_text("main")  # the name of the job
        if role == "viewer":
            assert visit.page.locator("main [data-call], main [data-order], main form[data-job]").count() == 0
        visit.page.close()
    # The browser says which pages were refused; nothing else may have been.
    assert all("status of 403" in line or "status of 404" in line for line in who.complaints), who.complaints
    who.complaints.clear()


def test_a_foreign_id_is_as_unknown_to_a_script_as_one_that_never_was(person, trained):
    bob = person()
    page = bob.page()
    never = "job_01980000-0000-7000-8000-000000000000"
    ask = """async (path) => {
        const token = document.querySelector('meta[name="csrf-token"]').content;
        const headers = { "X-CSRF-Token": token };
        const body = async (one) => (await one.text()).replaceAll(/(job|req)_[0-9a-f-]+/g, "");
        const answers = [await fetch(path), await fetch(path + "/cancel", { method: "POST", headers })];
        return Promise.all(answers.map(async (one) => [one.status, await body(one)]));
    }"""
    foreign, unknown = (page.evaluate(ask, f"/v1/jobs/{job}") for job in (trained, never))
    assert [status for status, _ in foreign] == [404, 404]
    assert foreign == unknown
    bob.complaints.clear()  # the browser says that these were 404s


def test_pages_whose_key_is_revoked_lead_to_the_login_and_their_streams_end(person, stack):
    alice = person()
    admin = {"Authorization": f"Bearer {stack.admin_key}"}
    (key_id,) = (
        key["id"]
        for key in httpx.get(f"{stack.url}/v1/keys", headers=admin).json()["data"]
        if key["owner"] == alice.owner
    )
    tabs = [alice.page("/dashboard"), alice.page("/dashboard/jobs")]
    for tab in tabs:
        expect(tab.locator("#connection")).to_have_attribute("data-state", "live")
    with httpx.stream(
        "GET", f"{stack.url}/v1/events", headers={"Authorization": f"Bearer {alice.key}"}, timeout=60
    ) as stream:
        pieces = stream.iter_bytes()
        assert next(pieces)
        assert httpx.delete(f"{stack.url}/v1/keys/{key_id}", headers=admin).status_code == 204
        rest = b"".join(pieces)  # it ends; otherwise reading would time out
    assert b"data:" not in rest
    for tab in tabs:
        expect(tab.get_by_role("heading", name="Sign in")).to_be_visible()
    alice.complaints.clear()  # the browser says that the streams were 401s
