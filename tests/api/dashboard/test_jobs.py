"""The list of jobs: what it shows, to whom, and what its addresses mean."""

from __future__ import annotations

import html
import json
import re
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from models.states import Outcome
from tests.api.conftest import Bench, Finished, Person

PATH = "/dashboard/jobs"


def listed(page: str) -> list[str]:
    """Return the ids of the jobs in a page, in its order."""
    return re.findall(r'<tr id="(job_[0-9a-f-]+)"', page)


def link(page: str, rel: str) -> str | None:
    """Return the address that leads on, or back."""
    found = re.search(rf'rel="{rel}" href="([^"]+)"', page)
    return html.unescape(found[1]) if found else None


def ids(person: Person, count: int) -> list[str]:
    """Submit jobs; return their ids, newest first."""
    return [person.submit(name=f"number {n}")["id"] for n in range(count)][::-1]


def test_a_row_shows_the_first_labels_and_how_many_more_there_are(alice, enter):
    alice.submit(labels={f"label-{n}": "x" for n in range(9)})
    page = enter(alice).see(PATH)
    assert page.count('class="label"') == 7
    assert ">+3</a>" in page


def test_jobs_are_shown_with_what_tells_them_apart(finished: Finished, alice: Person, enter):
    queued = alice.submit(priority=7, labels={"<b>": "x&y"})
    page = enter(alice).see(PATH)
    assert listed(page) == [queued["id"], finished.id]
    for words in (
        "digits",
        "mnist-10k",
        "icons.svg#succeeded",
        "succeeded",
        "team=a",
        "next in queue",
        "priority 7",
    ):
        assert words in page
    assert re.search(r">ran \d+ m?s<", page)
    assert f"/v1/artifacts/{finished.grid}/content?redirect=false" in page
    assert "&lt;b&gt;=x&amp;y" in page
    assert "<b>=x" not in page
    assert "2 jobs" in page


def test_the_newest_picture_of_each_job_is_shown_and_drawn_samples_are_pictures_too(alice: Person, bench: Bench, enter):
    for kind in ("grid", "samples"):
        alice.submit(name=kind)
        claim = bench.claim()
        old = bench.artifact(claim, kind, "old.png", b"old", "image/png")
        new = bench.artifact(claim, kind, "new.png", b"new", "image/png")
        archive = bench.artifact(claim, "samples", "all.zip", b"zip", "application/zip")
        bench.finish(claim)
        page = enter(alice).see(PATH)
        assert f"/v1/artifacts/{new}/content" in page
        assert old not in page
        assert archive not in page


def test_people_see_their_jobs_and_an_admin_all_with_their_owners(alice: Person, bob: Person, admin: Person, enter):
    mine, others = alice.submit()["id"], bob.submit()["id"]
    assert listed(enter(alice).see(PATH)) == [mine]
    assert listed(enter(bob).see(PATH)) == [others]
    page = enter(admin).see(PATH)
    assert listed(page) == [others, mine]
    assert re.search(r'<td class="owner">\s*<span class="name" dir="auto" title="alice">alice</span>', page)
    assert 'class="owner"' not in enter(alice).see(PATH)


def test_a_viewer_sees_the_jobs_and_no_button_that_changes_them(alice: Person, carol: Person, enter):
    job = alice.submit()["id"]
    reader = enter(carol)
    page = reader.see(PATH)
    assert listed(page) == [job]
    for words in ("data-call", "data-bulk", "/dashboard/new", "bulk.js"):
        assert words not in page
    assert "data-bulk" in enter(alice).see(PATH)
    reader.see(f"{PATH}/bulk?action=cancel", 403)


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("state=queued", True),
        ("state=running", False),
        ("state=queued&state=running", True),
        ("kind=train", True),
        ("kind=sample", False),
        ("recipe=mlp_gan", True),
        ("recipe=wgan", False),
        ("queue=cpu", True),
        ("queue=jetson", False),
        ("label=team:a", True),
        ("label=team:b", False),
        ("created_after=2020-01-31", True),
        ("created_after=2999-01-31T00:00", False),
        ("created_before=2999-01-31T00:00:00", True),
        ("created_before=2020-01-31T00:00:00Z", False),
        # As a form sends it, with what was left empty.
        ("state=&kind=&recipe=&queue=&label=&parent=&created_after=&created_before=&cursor=", True),
    ],
)
def test_the_address_holds_the_filters(alice: Person, enter, query: str, fits: bool):
    job = alice.submit(labels={"team": "a"})["id"]
    page = enter(alice).see(f"{PATH}?{query}")
    assert listed(page) == ([job] if fits else [])
    assert ("No jobs match these filters." in page) is not fits


def test_a_filter_that_means_nothing_is_a_problem_that_names_it(alice: Person, enter):
    reader = enter(alice)
    for query in (
        "state=dreaming",
        "created_after=yesterday",
        "cursor=x",
        "label=team",
        "created_before=2026-13-01",
    ):
        page = reader.see(f"{PATH}?{query}", 422)
        assert query.partition("=")[0] in page


def test_each_filter_can_be_taken_away_by_itself_and_all_at_once(alice: Person, enter):
    page = enter(alice).see(f"{PATH}?state=queued&recipe=wgan&label=team:a&created_after=2026-01-31T12:00")
    without = [
        dict(parse_qsl(urlsplit(html.unescape(address)).query))
        for address in re.findall(r'class="chip" href="([^"]+)"', page)
    ]
    on = {"state": "queued", "recipe": "wgan", "label": "team:a", "created_after": "2026-01-31T12:00:00.000000Z"}
    assert without == [{k: v for k, v in on.items() if k != name} for name in ("recipe", "label", "created_after")]
    assert 'value="2026-01-31T12:00:00"' in page  # in the form too
    assert f'<a href="{PATH}">Clear all filters</a>' in page


def test_states_are_turned_on_and_off_and_other_filters_stay(alice: Person, enter):
    page = enter(alice).see(f"{PATH}?state=failed&queue=cpu")
    assert f'<a id="state-running" href="{PATH}?state=running&amp;state=failed&amp;queue=cpu">' in page
    assert f'<a id="state-failed" href="{PATH}?queue=cpu" aria-current="true">' in page


def test_the_list_is_read_forth_and_back_without_losing_or_repeating_a_job(alice: Person, enter):
    every = ids(alice, 7)
    reader = enter(alice)
    shown, address, way = [], f"{PATH}?limit=3&state=queued", []
    while address:
        page = reader.see(address)
        shown.append(listed(page))
        way.append(address)
        address = link(page, "next")
    assert shown == [every[:3], every[3:6], every[6:]]
    back = link(reader.see(way[-1]), "prev")
    assert back
    assert listed(reader.see(back)) == every[3:6]
    first = link(reader.see(back), "prev")
    assert first
    assert listed(reader.see(first)) == every[:3]
    assert link(reader.see(first), "prev") is None


def test_an_empty_list_says_what_to_do(alice: Person, carol: Person, enter):
    assert "Train the first model" in enter(alice).see(PATH)
    assert "Train the first model" not in enter(carol).see(PATH)


def test_a_large_number_of_jobs_is_not_counted_to_its_end(alice: Person, enter, monkeypatch):
    monkeypatch.setattr("api.dashboard.jobs.COUNTED", 3)
    ids(alice, 4)
    assert "more than 3 jobs" in enter(alice).see(f"{PATH}?limit=1")
    assert "4 jobs" in enter(alice).see(PATH)


def test_a_row_offers_what_its_job_allows(alice: Person, bench: Bench, enter):
    def offered() -> list[str]:
        return re.findall(rf'data-call="POST /v1/jobs/{job}/(\w+)"', enter(alice).see(PATH))

    job = alice.submit()["id"]
    assert offered() == ["pause", "cancel"]
    alice.post(f"/v1/jobs/{job}/pause")
    assert offered() == ["resume", "cancel"]
    alice.post(f"/v1/jobs/{job}/resume")
    claim = bench.claim()
    assert offered() == ["pause", "cancel"]
    alice.post(f"/v1/jobs/{job}/pause")
    assert offered() == ["resume", "cancel"]
    alice.post(f"/v1/jobs/{job}/cancel")
    assert offered() == []
    bench.finish(claim, Outcome.canceled)
    assert offered() == []


def test_an_order_shows_how_many_jobs_of_which_state_it_would_change(alice: Person, bob: Person, bench: Bench, enter):
    bob.submit()
    bob.post(f"/v1/jobs/{bob.get('/v1/jobs').json['data'][0]['id']}/cancel")
    ids(alice, 3)
    bench.claim()
    alice.post(f"/v1/jobs/{alice.get('/v1/jobs').json['data'][0]['id']}/pause")
    changing = {"cancel": 3, "pause": 2, "resume": 1, "retry": 0, "reprioritize": 3}
    for action, count in changing.items():
        page = enter(alice).see(f"{PATH}/bulk?action={action}&kind=train")
        found = re.search(r'data-order="([^"]+)"', page)
        assert found
        assert json.loads(html.unescape(found[1])) == {"action": action, "filter": {"kind": ["train"]}, "expected": 3}
        assert (f"({count})</button>" in page) is (count > 0)
        assert ("No effect: no job" in page) is (count == 0)
        assert "type the number of affected jobs" not in page


def test_what_an_order_says_is_what_the_api_takes(alice: Person, enter):
    ids(alice, 2)
    reader = enter(alice)
    query = "state=queued&recipe=mlp_gan&queue=cpu&label=&created_after=2020-01-01&created_before=2999-01-01T00:00"
    page = reader.see(f"{PATH}/bulk?action=cancel&{query}")
    found = re.search(r'data-order="([^"]+)"', page)
    assert found
    answer = reader.call("POST", "/v1/jobs/bulk", json=json.loads(html.unescape(found[1])))
    assert (answer.status_code, answer.json["changed"]) == (202, 2)


def test_more_than_twenty_jobs_are_confirmed_by_typing_how_many(alice: Person, enter):
    ids(alice, 20)
    reader = enter(alice)
    assert 'name="typed"' not in reader.see(f"{PATH}/bulk?action=cancel")
    alice.submit()
    assert "type the number of affected jobs: 21" in reader.see(f"{PATH}/bulk?action=cancel")


def test_an_order_is_about_the_selected_jobs_alone(alice: Person, bob: Person, enter):
    first, second, third = ids(alice, 3)
    reader = enter(alice)
    page = reader.see(f"{PATH}/bulk?action=cancel&id={first}&id={second}&id={bob.submit()['id']}")
    assert "2 selected jobs" in page
    order = json.loads(html.unescape(re.search(r'data-order="([^"]+)"', page)[1]))
    assert order["expected"] == 2
    assert reader.call("POST", "/v1/jobs/bulk", json=order).json["changed"] == 2
    states = {job["id"]: job["state"] for job in alice.get("/v1/jobs").json["data"]}
    assert states == {first: "canceled", second: "canceled", third: "queued"}


def test_only_the_jobs_that_change_are_typed(alice: Person, enter):
    first = ids(alice, 21)[0]
    alice.post(f"/v1/jobs/{first}/cancel")
    assert 'name="typed"' not in enter(alice).see(f"{PATH}/bulk?action=cancel")  # 20 change, one stays


def test_states_have_the_number_of_their_jobs_whatever_state_is_shown(alice: Person, bob: Person, enter, monkeypatch):
    monkeypatch.setattr("api.dashboard.jobs.COUNTED", 2)
    bob.submit()
    for n, job in enumerate(ids(alice, 4)):
        if not n:
            alice.post(f"/v1/jobs/{job}/cancel")

    def counts(query: str) -> dict[str, str]:
        found = re.findall(r'id="state-(\w+)".*?<span class="n">([^<]+)<', enter(alice).see(f"{PATH}?{query}"))
        return {state: n for state, n in found if n != "0"}

    assert counts("") == {"queued": "2+", "canceled": "1"}
    assert counts("state=canceled") == {"queued": "2+", "canceled": "1"}
    assert counts("recipe=wgan") == {}


def test_an_owner_narrows_an_admins_list_and_opens_no_others(alice: Person, bob: Person, admin: Person, enter):
    mine, others = alice.submit()["id"], bob.submit()["id"]
    page = enter(admin).see(f"{PATH}?owner=bob")
    assert listed(page) == [others]
    assert re.search(r'name="owner"[^>]+value="bob"', page)  # the filter shows in its field
    assert listed(enter(alice).see(f"{PATH}?owner=bob")) == []
    assert listed(enter(alice).see(f"{PATH}?owner=alice")) == [mine]
    assert alice.get(f"/v1/jobs?id={others}").json["data"] == []


def test_the_fields_of_the_filter_show_what_is_on(alice: Person, enter):
    page = enter(alice).see(f"{PATH}?label=team:a&label=stage:b&dataset=mnist-10k")
    assert re.search(r'name="label"[^>]+value="team=a"', page)
    assert '<input type="hidden" name="label" value="stage:b">' in page
    assert re.search(r'name="dataset"[^>]+value="mnist-10k"', page)


def test_rows_are_as_high_as_the_reader_chose(alice: Person, enter):
    alice.submit()
    reader = enter(alice)
    assert 'class="list comfortable"' in reader.see(PATH)
    answer = reader.client.post("/dashboard/appearance", data={"rows": "compact", "theme": "x", "next": PATH})
    assert (answer.status_code, answer.headers["Location"]) == (303, PATH)
    page = reader.see(PATH)
    assert 'class="list compact"' in page
    assert 'data-theme="system"' in page
    away = reader.client.post("/dashboard/appearance", data={"rows": "compact", "next": "//evil.example"})
    assert away.headers["Location"] == "/dashboard"
    other = reader.client.post(
        "/dashboard/appearance", data={"rows": "compact"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert other.status_code == 403


def test_an_order_beyond_what_one_may_mean_is_not_offered(alice: Person, enter, monkeypatch):
    ids(alice, 2)
    monkeypatch.setattr("api.dashboard.jobs.MAX_BULK_JOBS", 1)
    page = enter(alice).see(f"{PATH}/bulk?action=cancel")
    assert "Narrow the filters" in page
    assert 'class="danger"' not in page


def test_an_order_that_does_not_exist_is_a_problem(alice: Person, enter):
    assert "action" in enter(alice).see(f"{PATH}/bulk?action=explode", 422)


def test_a_search_narrows_the_list_and_stands_in_its_links(alice: Person, enter) -> None:
    wanted = alice.submit(name="digits", project="one")["id"]
    alice.submit(name="letters")
    page = enter(alice).see(f"{PATH}?q=digits")
    assert listed(page) == [wanted]
    assert 'value="digits"' in page
    assert "action=cancel" in page
    (cancel,) = {html.unescape(found) for found in re.findall(r'href="([^"]+action=cancel[^"]*)"', page)}
    assert ("q", "digits") in parse_qsl(urlsplit(cancel).query)
    bulk = enter(alice).see(cancel)
    order = json.loads(html.unescape(re.search(r'data-order="([^"]+)"', bulk)[1]))
    assert order == {"action": "cancel", "filter": {"q": "digits"}, "expected": 1}
    assert 'href="/dashboard/jobs?project=one"' in page


def test_a_wrong_search_shows_its_place_and_lists_nothing(alice: Person, enter) -> None:
    alice.submit(name="<b>")
    page = enter(alice).see(f"{PATH}?q=%3Cb%3E+recpie:x")
    assert listed(page) == []
    assert "did you mean <code>recipe</code>" in page
    assert "&lt;b&gt; <mark>r</mark>ecpie:x" in page
    assert "data-bulk" not in page
    assert enter(alice).see(f"{PATH}?q=%22").count("<mark>") == 1


def test_heads_turn_the_order_and_keep_the_filters(alice: Person, enter) -> None:
    alice.submit(name="a")
    page = enter(alice).see(f"{PATH}?q=a&sort=name")
    heads = {
        parse_qsl(urlsplit(html.unescape(found)).query)[-1]
        for found in re.findall(r'aria-sort="\w+"><a href="([^"]+)"', page)
    }
    assert heads == {("sort", "-name"), ("sort", "-duration"), ("q", "a")}
    assert 'aria-sort="ascending"' in page


def test_stars_are_buttons_for_those_who_may_change_jobs(alice: Person, carol: Person, enter) -> None:
    job = alice.submit()["id"]
    alice.ask("PATCH", f"/v1/jobs/{job}", json={"starred": True})
    page = enter(alice).see(f"{PATH}?starred=true")
    assert listed(page) == [job]
    assert f'data-call="PATCH /v1/jobs/{job}" data-body="{{&#34;starred&#34;: false}}"' in page
    assert listed(enter(alice).see(f"{PATH}?starred=false")) == []
    assert "PATCH" not in enter(carol).see(PATH)


def test_saved_views_are_links_to_their_lists_with_their_columns(alice: Person, carol: Person, enter) -> None:
    alice.submit(name="digits", params={"epochs": 2, "batch_size": 96})
    view = {
        "name": "<mine>",
        "filter": {"q": "digits", "state": "queued"},
        "sort": "name",
        "columns": ["params.batch_size"],
    }
    made = alice.post("/v1/views", json=view).json["id"]
    page = enter(alice).see(PATH)
    found = re.search(rf'<li id="{made}"><a class="chip" href="([^"]+)"', page)
    assert found
    assert "&lt;mine&gt;" in page
    there = enter(alice).see(html.unescape(found[1]))
    assert "<code>params.batch_size</code>" in there
    assert re.search(r'data-label="params.batch_size">\s*96\s*<', there)
    assert 'aria-current="page"' in there
    kept = json.loads(html.unescape(re.search(r'data-view="([^"]+)"', there)[1]))
    assert kept == {"filter": {"q": "digits", "state": ["queued"]}, "sort": "name", "columns": ["params.batch_size"]}
    assert 'id="keep-view"' in there
    seen = enter(carol).see(PATH)
    assert made in seen
    assert "keep-view" not in seen
    assert f"DELETE /v1/views/{made}" not in seen


def test_every_further_column_can_be_shown(alice: Person, enter) -> None:
    alice.submit(name="digits", project="one")
    columns = (
        "kind",
        "recipe",
        "dataset",
        "project",
        "seed",
        "kid",
        "finished_at",
        "params.epochs",
        "params.grid_every",
    )
    page = enter(alice).see(f"{PATH}?{urlencode([('columns', name) for name in (*columns, 'params.x', 'last.y')])}")
    assert page.count('class="extra"') == 11
