"""Searching, sorting, notes, projects and stars over the API."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import pytest

from models.limits import MAX_NOTES
from stores.container import Stores
from tests.api.conftest import TRAIN, Bench, Person, Pointers


def listed(person: Person, **query: str) -> list[str]:
    """Return the names of all pages, two jobs on each."""
    found, cursor = [], None
    while True:
        page = person.get(
            f"/v1/jobs?{urlencode({**query, 'limit': 2, **({} if cursor is None else {'cursor': cursor})})}"
        )
        assert page.status_code == 200, page.text
        found += [job["name"] for job in page.json["data"]]
        cursor = page.json["next_cursor"]
        if cursor is None:
            return found


def change(person: Person, job: str, **changes: object) -> dict[str, object]:
    """Change a job; return it."""
    answer = person.ask("PATCH", f"/v1/jobs/{job}", json=changes)
    assert answer.status_code == 200, answer.text
    return dict(answer.json)


def test_a_search_finds_what_it_describes_among_ones_own_jobs(alice: Person, bob: Person, admin: Person) -> None:
    alice.submit(name="digits one", params={"epochs": 2, "batch_size": 256})
    alice.submit(name="digits two", labels={"team": "a"})
    bob.submit(name="digits of bob")
    assert listed(alice, q="digits") == ["digits two", "digits one"]
    assert listed(alice, q="digits params.batch_size>200") == ["digits one"]
    assert listed(alice, q="-team") == ["digits one"]
    assert listed(alice, q="owner:bob") == []
    assert listed(admin, q="digits owner:bob") == ["digits of bob"]
    assert listed(alice, q="two", state="queued") == ["digits two"]
    assert listed(alice, q="") == listed(alice, q="  ") == listed(alice)


def test_a_wrong_term_is_refused_with_its_place(alice: Person) -> None:
    answer = alice.get(f"/v1/jobs?q={quote('digits recpie:dcgan')}")
    assert answer.status_code == 422
    (error,) = answer.json["errors"]
    assert (error["pointer"], error["position"]) == ("/query/q", 8)
    assert "did you mean `recipe`" in error["detail"]
    order = {"action": "cancel", "filter": {"q": "state:done"}, "expected": 1}
    (error,) = alice.post("/v1/jobs/bulk", json=order).json["errors"]
    assert (error["pointer"], error["position"]) == ("/filter/q", 7)


@pytest.mark.parametrize(
    "query", ["q=" + "a" * 1001, "q=a&q=b", "q=%00", "starred=yes", "project=" + "a" * 256, "sort=notes"]
)
def test_wrong_parameters_are_refused(alice: Person, query: str) -> None:
    assert alice.get(f"/v1/jobs?{query}").status_code == 422


def test_lists_are_sorted_and_their_pages_follow_each_other(alice: Person, bench: Bench) -> None:
    for name, priority in (("b", 1), ("C", 3), ("a", 2), (None, 1)):
        alice.submit(name=name, priority=priority)
    assert listed(alice, sort="name") == ["a", "b", "C", None]
    assert listed(alice, sort="-name") == ["C", "b", "a", None]
    assert listed(alice, sort="priority") == ["b", None, "a", "C"]
    assert listed(alice, sort="-priority") == ["C", "a", None, "b"]
    assert listed(alice, sort="finished_at") == listed(alice, sort="-duration") == [None, "a", "C", "b"]
    for _ in range(2):
        bench.finish(bench.claim())  # the highest priority first: C, then a
    assert listed(alice, sort="finished_at") == ["C", "a", None, "b"]
    assert listed(alice, sort="-finished_at") == ["a", "C", None, "b"]
    took = listed(alice, sort="duration")
    assert sorted(took[:2]) == ["C", "a"]
    assert listed(alice, sort="-duration") == [*took[1::-1], None, "b"]


def test_a_bulk_action_is_about_what_the_list_shows(alice: Person) -> None:
    keep = alice.submit(name="keep", project="one")["id"]
    away = alice.submit(name="away", project="one")["id"]
    change(alice, away, starred=True)
    order = {"action": "cancel", "filter": {"q": "away", "project": "one", "starred": True}, "expected": 1}
    answer = alice.post("/v1/jobs/bulk", json=order)
    assert (answer.status_code, answer.json["changed"]) == (202, 1)
    assert [alice.get(f"/v1/jobs/{job}").json["state"] for job in (keep, away)] == ["queued", "canceled"]


def test_notes_projects_and_stars_are_kept_with_a_job(alice: Person, admin: Person) -> None:
    job = alice.submit(project="digits")
    assert (job["project"], job["notes"], job["starred"]) == ("digits", None, False)
    changed = change(alice, job["id"], notes="# Good\r\n\tat *first*", project="letters", starred=True)
    assert (changed["notes"], changed["project"], changed["starred"]) == ("# Good\n\tat *first*", "letters", True)
    assert listed(alice, project="letters") == listed(alice, starred="true") == [None]
    assert listed(alice, project="digits") == listed(alice, starred="false") == []
    line = admin.get("/v1/audit?action=job.change").json["data"][0]
    assert line["before"] == {"notes": None, "project": "digits", "starred": False}
    assert line["after"] == {"notes": "# Good\n\tat *first*", "project": "letters", "starred": True}
    changed = change(alice, job["id"], notes=None, project=None, starred=False)
    assert (changed["notes"], changed["project"], changed["starred"]) == (None, None, False)


def test_a_new_job_takes_notes_which_searches_find_and_its_attempts_leave_alone(alice: Person, bench: Bench) -> None:
    job = alice.submit(notes="# Why\r\n*lower* rate")
    assert job["notes"] == "# Why\n*lower* rate"
    bench.finish(bench.claim())
    assert alice.get(f"/v1/jobs/{job['id']}").json["notes"] == "# Why\n*lower* rate"
    assert [found["id"] for found in alice.get("/v1/jobs?q=lower").json["data"]] == [job["id"]]


@pytest.mark.parametrize(
    ("notes", "reason"),
    [("a" * (MAX_NOTES + 1), "at most 10000 characters"), ("a\x1bb", "U+001B"), (1, "must be text")],
)
def test_a_new_job_with_wrong_notes_is_refused(alice: Person, pointers: Pointers, notes: object, reason: str) -> None:
    told = pointers(alice.post("/v1/jobs", json={**TRAIN, "notes": notes}))
    assert reason in told["/notes"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"notes": "a" * (MAX_NOTES + 1)}, "at most 10000 characters"),
        ({"notes": "a\x1bb"}, "U+001B"),
        ({"notes": 1}, "must be text"),
        ({"project": ""}, "must not be empty"),
        ({"project": " a"}, "spaces"),
        ({"project": "a" * 65}, "at most 64 characters"),
        ({"project": "a\nb"}, "U+000A"),
        ({"starred": "yes"}, "true or false"),
        ({"starred": None}, "true or false"),
    ],
)  # fmt: skip
def test_wrong_changes_are_refused(alice: Person, pointers: Pointers, changes: dict[str, object], reason: str) -> None:
    job = alice.submit()["id"]
    (told,) = pointers(alice.ask("PATCH", f"/v1/jobs/{job}", json=changes)).values()
    assert reason in told


def test_strangers_and_viewers_change_nothing(alice: Person, bob: Person, carol: Person) -> None:
    job = alice.submit()["id"]
    assert bob.ask("PATCH", f"/v1/jobs/{job}", json={"notes": "x"}).status_code == 404
    assert carol.ask("PATCH", f"/v1/jobs/{job}", json={"starred": True}).status_code == 403
    assert carol.get("/v1/jobs?q=mlp_gan%20is:starred").status_code == 200


def test_a_retry_is_of_the_same_project_but_has_no_notes(alice: Person, bench: Bench, stores: Stores) -> None:
    job = alice.submit(project="digits")["id"]
    change(alice, job, notes="mine", starred=True)
    bench.finish(bench.claim())
    new = alice.post(f"/v1/jobs/{job}/retry").json
    assert (new["project"], new["notes"], new["starred"]) == ("digits", None, False)


def test_a_wrong_project_of_a_new_job_is_refused(alice: Person, pointers: Pointers) -> None:
    assert "/project" in pointers(alice.post("/v1/jobs", json={**TRAIN, "project": "\u202e"}))
