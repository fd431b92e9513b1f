"""The usage of devices: who sees what, over which period, as JSON, as a table and as a page."""

from __future__ import annotations

import csv
import io

import pytest
from sqlalchemy import text

from models.states import Outcome
from stores.container import Stores
from stores.jobs.transitions import Ending
from tests.api.conftest import Bench, Finished, Person, Pointers

# The attempt of the finished job, as if it had run from 10:00 to 12:00 that day and taken 100 Wh.
RAN = "UPDATE attempts SET started_at = '2026-01-31T10:00:00Z', ended_at = '2026-01-31T12:00:00Z', energy_wh = 100"
DAY = "from=2026-01-31T00:00:00Z&to=2026-02-01T00:00:00Z"


@pytest.fixture
def ran(stores: Stores, finished: Finished) -> Finished:
    """Return a job of alice's that ran for two hours on a day in January."""
    with stores.infra.engine.begin() as connection:
        connection.execute(text(RAN))
    return finished


def test_usage_is_the_time_and_energy_of_attempts_by_owner_project_and_queue(alice: Person, ran: Finished) -> None:
    answer = alice.get(f"/v1/usage?{DAY}").json
    assert (answer["from"], answer["to"]) == ("2026-01-31T00:00:00.000000Z", "2026-02-01T00:00:00.000000Z")
    row = {"owner": "alice", "project": None, "queue": "cpu", "jobs": 1, "attempts": 1}
    assert answer["data"] == [row | {"device_s": 7200.0, "energy_wh": 100.0}]
    (attempt,) = alice.get(f"/v1/jobs/{ran.id}/attempts").json["data"]
    assert (attempt["device_s"], attempt["energy_wh"]) == (7200.0, 100.0)


def test_each_project_of_an_owner_has_a_row_of_its_own(alice: Person, bench: Bench) -> None:
    for project in ("digits", "digits", None, "faces"):
        alice.submit(project=project)
        bench.claim()
    rows = alice.get("/v1/usage").json["data"]
    assert sorted((row["project"] or "", row["jobs"]) for row in rows) == [("", 1), ("digits", 2), ("faces", 1)]


def test_a_job_with_two_attempts_is_one_job(alice: Person, bench: Bench, stores: Stores) -> None:
    alice.submit()
    stores.jobs.finish(bench.claim(), Ending(Outcome.interrupted))
    bench.claim()
    (row,) = alice.get("/v1/usage").json["data"]
    assert (row["jobs"], row["attempts"]) == (1, 2)


@pytest.mark.usefixtures("ran")
def test_what_lies_outside_of_the_period_is_cut_off(alice: Person) -> None:
    period = "from=2026-01-31T11:30:00Z&to=2026-01-31T20:00:00Z"
    (row,) = alice.get(f"/v1/usage?{period}").json["data"]
    assert (row["device_s"], row["energy_wh"]) == (1800.0, 25.0)
    assert alice.get("/v1/usage?from=2026-01-31T12:00:00Z&to=2026-01-31T13:00:00Z").json["data"] == []


def test_a_running_attempt_counts_up_to_now_and_unknown_energy_is_null(
    alice: Person, bench: Bench, stores: Stores
) -> None:
    alice.submit()
    bench.claim()
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE attempts SET started_at = now() - interval '1 hour'"))
    (row,) = alice.get("/v1/usage").json["data"]
    assert 3600 <= row["device_s"] < 3900
    assert row["energy_wh"] is None


@pytest.mark.usefixtures("ran")
def test_people_see_their_own_usage_and_admins_everybodys(
    alice: Person, bob: Person, carol: Person, admin: Person
) -> None:
    seen = {name: len(who.get(f"/v1/usage?{DAY}").json["data"]) for name, who in
            {"alice": alice, "bob": bob, "carol": carol, "admin": admin}.items()}  # fmt: skip
    assert seen == {"alice": 1, "bob": 0, "carol": 1, "admin": 1}


@pytest.mark.usefixtures("ran")
def test_the_table_has_a_row_for_each_owner_project_and_queue(alice: Person, stores: Stores) -> None:
    answer = alice.get(f"/v1/usage?{DAY}", headers={"Accept": "text/csv"})
    assert answer.mimetype == "text/csv"
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows == [["owner", "project", "queue", "jobs", "attempts", "device_s", "energy_wh"],
                    ["alice", "", "cpu", "1", "1", "7200.0", "100.0"]]  # fmt: skip


@pytest.mark.usefixtures("ran")
def test_names_of_owners_and_projects_are_no_formulas_in_a_table(admin: Person, stores: Stores) -> None:
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET owner = '=cmd()', project = '+x'"))
    answer = admin.get(f"/v1/usage?{DAY}", headers={"Accept": "text/csv"})
    assert "'=cmd(),'+x," in answer.text


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("from=yesterday", "/query/from"),
        ("to=2026-01-31", "/query/to"),
        ("from=2026-02-01T00:00:00Z&to=2026-01-31T00:00:00Z", "/query/from"),
        ("since=2026-02-01T00:00:00Z", "/query/since"),
    ],
)
def test_a_period_that_is_wrong_is_named(alice: Person, pointers: Pointers, query: str, pointer: str) -> None:
    assert list(pointers(alice.get(f"/v1/usage?{query}"))) == [pointer]
