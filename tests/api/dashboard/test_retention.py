"""Retention policies on the page Storage, and the form that shows beforehand what is removed."""

from __future__ import annotations

import html
import json
import re

import pytest
from sqlalchemy import text

from tests.api.conftest import Finished, Person
from tests.api.dashboard.test_job import words
from tests.api.dashboard.test_trash_and_storage import calls

FORM = "/dashboard/storage/retention"


@pytest.fixture
def old(stores, finished: Finished) -> Finished:
    """Return a job of alice's project digits that ended two days ago."""
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET project = 'digits', finished_at = now() - interval '2 days'"))
    return finished


def test_the_form_shows_what_is_removed_before_the_policy_is_set(alice: Person, old: Finished, enter):
    reader = enter(alice)
    page = reader.see(f"{FORM}?project=digits&ended_after_days=1&keep_checkpoints=3&grids_after_days=")
    shown = words(page)
    assert "objects of 1 job" in shown
    assert f"/dashboard/jobs/{old.id}" in page
    assert calls(page) == ["POST /v1/retention"]
    body = json.loads(html.unescape(re.search(r'data-body="([^"]*)"', page)[1]))
    assert body == {"project": "digits", "ended_after_days": 1}
    assert "and 1 jobs move to the trash" in html.unescape(re.search(r'data-confirm="([^"]*)"', page)[1])
    # Focus of the question is on its way back where something is removed.
    assert '<button type="button" class="danger" data-call="POST /v1/retention"' in page
    assert reader.call("POST", "/v1/retention", json=body).status_code == 201
    page = reader.see(f"{FORM}?project=digits&ended_after_days=3")
    assert '<button type="button" class="primary" data-call="POST /v1/retention"' in page


def test_the_page_lists_policies_with_a_button_to_change_and_to_delete_each(
    alice: Person, bob: Person, carol: Person, admin: Person, enter
):
    asked = {"project": "a&b", "keep_checkpoints": 2, "checkpoints_after_days": 1, "failed_after_days": 30}
    policy = alice.post("/v1/retention", json=asked).json["id"]
    page = enter(alice).see("/dashboard/storage")
    assert "1 day after its end, a job keeps its best checkpoint and the newest 2." in words(page)
    assert "30 days after their end, failed and canceled jobs move to the trash." in words(page)
    assert f"DELETE /v1/retention/{policy}" in calls(page)
    change = html.unescape(re.search(rf'href="({FORM}[?][^"]*)"', page)[1])
    filled = enter(alice).see(change)
    assert 'value="a&amp;b"' in filled
    assert "nothing now" in filled
    assert "By owner" not in page
    assert f"DELETE /v1/retention/{policy}" in calls(enter(admin).see("/dashboard/storage"))
    seen = enter(carol).see("/dashboard/storage")
    assert "a&amp;b" in seen
    assert FORM not in seen
    assert calls(seen) == []
    enter(carol).see(FORM, 403)
    assert "a&amp;b" not in enter(bob).see("/dashboard/storage")


def test_an_empty_form_asks_for_a_rule_and_wrong_fields_are_refused(alice: Person, enter):
    reader = enter(alice)
    assert calls(reader.see(FORM)) == []
    page = reader.see(f"{FORM}?project=digits&keep_checkpoints=3")
    assert "Fill in at least one number of days." in page
    assert calls(page) == []
    for wrong in ("ended_after_days=0", "ended_after_days=x", "grids_after_days=4000", "project=a%00", "days=1"):
        reader.see(f"{FORM}?{wrong}", 422)
    reader.see(f"{FORM}?project=digits&ended_after_days=1&owner=bob", 403)


def test_admins_fill_in_an_owner(admin: Person, old: Finished, enter):
    page = enter(admin).see(f"{FORM}?project=digits&ended_after_days=1&owner=alice")
    assert "objects of 1 job" in words(page)
    assert json.loads(html.unescape(re.search(r'data-body="([^"]*)"', page)[1]))["owner"] == "alice"
