"""The page of the usage of devices."""

from __future__ import annotations

import re

from sqlalchemy import text

from tests.api.dashboard.test_job import words


def test_the_page_shows_ones_own_usage_of_the_last_days(alice, bob, enter, finished, stores):
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE attempts SET started_at = ended_at - interval '2 h', energy_wh = 1500"))
    page = words(enter(alice).see("/dashboard/usage"))
    assert "By project and queue" in page
    assert "none cpu 1 1 2 h" in page
    assert "1.5 kWh" in page
    assert "alice none" not in page
    assert "No job ran in this period." in words(enter(bob).see("/dashboard/usage?days=1"))


def test_admins_see_owners_and_unknown_energy_is_a_dash(admin, enter, finished):
    page = words(enter(admin).see("/dashboard/usage?days=7"))
    assert "By owner, project and queue" in page
    assert "alice none cpu 1 1" in page
    assert "Wh" not in page


def test_a_project_leads_to_its_jobs(alice, enter, finished, stores):
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET project = 'digits & more'"))
    page = enter(alice).see("/dashboard/usage")
    assert re.search(r'<a [^>]*href="/dashboard/jobs\?project=digits\+%26\+more">digits &amp; more</a>', page)
    assert finished.id in enter(alice).see("/dashboard/jobs?project=digits+%26+more")


def test_a_period_that_is_no_number_of_days_is_refused(alice, enter):
    reader = enter(alice)
    for days in ("0", "x", "-1", "4000"):
        reader.see(f"/dashboard/usage?days={days}", 422)
