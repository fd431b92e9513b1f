"""The page of the audit, for admins: who did what, before and after."""

from __future__ import annotations

import ast
import html
from pathlib import Path

import pytest

from api.dashboard.audit import ACTIONS, changes

ROOT = Path(__file__).parents[3]


def test_the_audit_is_for_admins(alice, carol, enter):
    for person in (alice, carol):
        assert "administrators only" in enter(person).see("/dashboard/audit", 403)


def test_a_line_says_who_did_what_to_what_and_the_difference(admin, alice, enter):
    job = alice.submit(name="<digits>")
    alice.post(f"/v1/jobs/{job['id']}/cancel")
    page = enter(admin).see("/dashboard/audit")
    newest = page[page.index('<li id="line-') :].partition("</li>")[0]
    assert "<strong>alice</strong> canceled a job" in newest
    assert f'href="/dashboard/jobs/{job["id"]}"' in newest
    assert "before: </span>queued</del>" in newest
    assert "after: </span>canceled</ins>" in newest
    assert "&lt;digits&gt;" in page
    assert "<digits>" not in page


def test_filters_stand_in_the_address_and_empty_ones_mean_nothing(admin, alice, enter):
    job = alice.submit()
    admin.post("/v1/queues/gpu/pause")
    reader = enter(admin)
    page = reader.see("/dashboard/audit?action=queue.pause&owner=&subject=")
    assert "paused a queue</option>" in page
    assert '<option value="queue.pause" selected>' in page
    assert job["id"] not in page
    assert 'href="/dashboard/queues#queue-gpu"' in page
    assert job["id"] in reader.see(f"/dashboard/audit?subject={job['id']}")
    assert "No entries match these filters." in reader.see("/dashboard/audit?owner=nobody")
    assert "Request is not valid" in reader.see("/dashboard/audit?subject=no%20id", 422)
    assert "Request is not valid" in reader.see("/dashboard/audit?whatever=1", 422)


def test_older_lines_come_by_a_link_that_keeps_the_filters(admin, enter, stores):
    for n in range(26):
        for verb in ("pause", "resume"):
            admin.post(f"/v1/queues/gpu/{verb}")
        stores.accounts.keys.create(f"noise {n}", "noise", "user")
    reader = enter(admin)
    page = reader.see("/dashboard/audit?action=queue.pause&action=queue.resume")
    assert page.count('<li id="line-') == 50
    following = html.unescape(page.partition('rel="next" href="')[2].partition('"')[0])
    older = reader.see(following)
    assert older.count('<li id="line-') == 2
    assert "noise" not in older
    assert 'href="/dashboard/audit?action=queue.pause&amp;action=queue.resume">Newest' in older


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"state": "queued", "same": 1}, {"state": "paused", "same": 1}, [("state", "queued", "paused")]),
        (None, {"name": "a", "none": None}, [("name", None, "a")]),
        ({"name": "a"}, None, [("name", "a", None)]),
        ({"labels": {"team": "a"}}, {"labels": {"team": "b"}}, [("labels.team", "a", "b")]),
        ({"priority": 0}, {"priority": 5}, [("priority", "0", "5")]),
        ({"on": True}, {"on": False}, [("on", "true", "false")]),
        (None, None, []),
    ],
)
def test_a_difference_is_told_fact_by_fact(before, after, found):
    assert [(one["name"], one["was"], one["now"]) for one in changes(before, after)] == found


def test_every_change_that_is_written_down_has_words(admin, enter):
    """What stores write as `Entry("thing.verb", …)` must stand in the list of actions."""
    written = {
        node.args[0].value
        for path in (ROOT / "stores").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Entry"
        if isinstance(node.args[0], ast.Constant)
    }
    assert written <= set(ACTIONS)
    page = enter(admin).see("/dashboard/audit")
    for action in ACTIONS:
        words = page.partition(f'<option value="{action}">')[2].partition("<")[0]
        assert words, action
        assert words != action
