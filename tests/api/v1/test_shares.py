"""Links that show one job without a key: what they open, to whom, and until when."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from structlog.testing import capture_logs
from werkzeug.test import Client, TestResponse

from api.app import NOUNS
from api.dashboard import site
from api.http.access import COOKIE
from stores.container import Stores
from tests.api.conftest import Bench, Finished, Person, Pointers
from tests.evaluations import evaluated
from tests.waiting import until

DAY_S = 86_400
HTML = {"Accept": "text/html"}


@pytest.fixture
def guest(app: Flask) -> Client:
    """Somebody without a key."""
    return app.test_client()


def share(person: Person, job: str, **body: Any) -> dict[str, Any]:
    """Make a link; return it with the path of its page."""
    answer = person.post(f"/v1/jobs/{job}/share", json=body)
    assert answer.status_code == 201, answer.text
    made = dict(answer.json or {})
    return {**made, "path": made["url"].removeprefix("http://localhost")}


def test_a_link_shows_the_job_and_its_images_and_curves_without_a_key(
    alice: Person, guest: Client, finished: Finished
) -> None:
    link = share(alice, finished.id)
    assert re.fullmatch(r"/s/[A-Za-z0-9_-]{43}", link["path"])
    page = guest.get(link["path"], headers=HTML)
    assert page.status_code == 200
    assert "digits" in page.text
    assert "team=a" in page.text
    assert f'src="{link["path"]}/images/{finished.grid}"' in page.text
    curves = guest.get(f"{link['path']}/metrics?max_points=1000").json
    assert curves["series"]["d_loss"] == {"steps": [1, 2], "values": [0.7, 0.6]}
    image = guest.get(f"{link['path']}/images/{finished.grid}")
    assert (image.data, image.mimetype) == (b"picture", "image/png")


def test_the_page_tells_nothing_of_owner_worker_key_and_other_jobs(
    alice: Person, admin: Person, guest: Client, finished: Finished, bench: Bench
) -> None:
    child = alice.post(f"/v1/jobs/{finished.id}/retry").json["id"]
    job = alice.get(f"/v1/jobs/{finished.id}").json
    page = guest.get(share(admin, finished.id)["path"], headers=HTML).text
    for secret in ("alice", "root", alice.key_id, bench.worker, "bench", child, finished.id, finished.checkpoint):
        assert secret not in page, secret
    assert job["worker"] is None or job["worker"] not in page
    assert "/v1/" not in page
    assert not re.search(r'href="/dashboard/(?!static)', page)


def test_an_error_is_told_by_its_kind_without_its_detail(alice: Person, guest: Client, stores: Stores) -> None:
    job = alice.submit()["id"]
    with stores.infra.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE jobs SET state = 'failed', finished_at = now(), error_code = 'internal',"
            " error_detail = 'on host gpu-7' WHERE id = %s",
            (job,),
        )
    page = guest.get(share(alice, job)["path"], headers=HTML).text
    assert "Internal error" in page
    assert "gpu-7" not in page


def test_the_report_card_of_an_evaluation_is_shown(
    alice: Person, guest: Client, bench: Bench, finished: Finished
) -> None:
    page = guest.get(share(alice, evaluated(alice, bench, finished.id))["path"], headers=HTML).text
    assert "Report card" in page
    assert 'id="group-copying"' in page
    assert finished.id not in page
    assert "/v1/" not in page


def test_answers_are_kept_by_nobody_found_by_no_search_engine_and_leak_no_address(
    alice: Person, guest: Client, finished: Finished
) -> None:
    path = share(alice, finished.id)["path"]
    for rest in ("", "/metrics", f"/images/{finished.grid}", "/images/art_x"):
        answer = guest.get(path + rest)
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        kept = "private, no-cache" if rest == f"/images/{finished.grid}" else "no-store"
        assert answer.headers["Cache-Control"] == kept
        assert "Set-Cookie" not in answer.headers
    assert 'name="robots" content="noindex' in guest.get(path, headers=HTML).text


def test_an_image_is_asked_for_again_and_sent_once(alice: Person, guest: Client, finished: Finished) -> None:
    path = f"{share(alice, finished.id)['path']}/images/{finished.grid}"
    etag = guest.get(path).headers["ETag"]
    again = guest.get(path, headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
    alice.ask("DELETE", f"/v1/jobs/{finished.id}/share")
    assert guest.get(path, headers={"If-None-Match": etag}).status_code == 404


def pieces(path: str, finished: Finished) -> list[str]:
    """Return the addresses of a shared page."""
    return [path, f"{path}/metrics", f"{path}/images/{finished.grid}"]


Ends = Callable[[Person, Person, Stores, str, dict[str, Any]], None]


def _expire(_alice: Person, _admin: Person, stores: Stores, _job: str, link: dict[str, Any]) -> None:
    with stores.infra.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE shares SET expires_at = now() WHERE id = %s", (link["id"],))


ENDS: dict[str, Ends] = {
    "revoked with all others": lambda a, _b, _c, job, _d: _done(a.ask("DELETE", f"/v1/jobs/{job}/share")),
    "revoked alone": lambda a, _b, _c, job, link: _done(a.ask("DELETE", f"/v1/jobs/{job}/share/{link['id']}")),
    "its key was revoked": lambda a, admin, _c, _d, _e: _done(admin.ask("DELETE", f"/v1/keys/{a.key_id}")),
    "its time is over": _expire,
}


def _done(answer: TestResponse) -> None:
    assert answer.status_code == 204, answer.text


@pytest.mark.parametrize("how", ENDS)
def test_a_link_that_has_ended_opens_nothing_at_once(
    alice: Person, admin: Person, guest: Client, stores: Stores, finished: Finished, how: str
) -> None:
    link = share(alice, finished.id)
    assert [guest.get(one).status_code for one in pieces(link["path"], finished)] == [200, 200, 200]
    ENDS[how](alice, admin, stores, finished.id, link)
    assert [guest.get(one).status_code for one in pieces(link["path"], finished)] == [404, 404, 404]
    page = guest.get(link["path"], headers=HTML)
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert "this link has expired or was revoked" in page.text
    assert 'href="/dashboard/login"' not in page.text


def test_a_job_in_the_trash_shows_nothing_and_is_shared_no_more_until_it_is_restored(
    alice: Person, guest: Client, finished: Finished
) -> None:
    link = share(alice, finished.id)
    _done(alice.ask("DELETE", f"/v1/jobs/{finished.id}"))
    assert [guest.get(one).status_code for one in pieces(link["path"], finished)] == [404, 404, 404]
    refused = alice.post(f"/v1/jobs/{finished.id}/share")
    assert (refused.status_code, "restore it first" in refused.json["detail"]) == (409, True)
    assert alice.post(f"/v1/jobs/{finished.id}/restore").status_code == 200
    assert guest.get(link["path"]).status_code == 200
    _done(alice.ask("DELETE", f"/v1/jobs/{finished.id}?purge=true"))
    assert guest.get(link["path"]).status_code == 404
    assert alice.post(f"/v1/jobs/{finished.id}/share").status_code == 404


def test_revoking_one_link_leaves_the_others(alice: Person, guest: Client, finished: Finished) -> None:
    first, second = share(alice, finished.id), share(alice, finished.id)
    listed = alice.get(f"/v1/jobs/{finished.id}/share").json["data"]
    assert [one["id"] for one in listed] == [first["id"], second["id"]]
    assert all("url" not in one and "hash" not in one for one in listed)
    _done(alice.ask("DELETE", f"/v1/jobs/{finished.id}/share/{first['id']}"))
    assert guest.get(first["path"]).status_code == 404
    assert guest.get(second["path"]).status_code == 200
    assert alice.ask("DELETE", f"/v1/jobs/{finished.id}/share/{first['id']}").status_code == 404


def test_revoking_where_there_is_no_link_is_no_error(alice: Person, finished: Finished) -> None:
    _done(alice.ask("DELETE", f"/v1/jobs/{finished.id}/share"))


def test_a_link_lasts_a_week_unless_asked_otherwise(alice: Person, stores: Stores, finished: Finished) -> None:
    week, day = share(alice, finished.id), share(alice, finished.id, expires_in_s=DAY_S)
    assert alice.post(f"/v1/jobs/{finished.id}/share").status_code == 201  # without a body
    with stores.infra.engine.connect() as connection:
        lasts = dict(
            connection.exec_driver_sql("SELECT id, extract(epoch FROM expires_at - created_at)::int FROM shares").all()
        )
    assert (lasts[week["id"]], lasts[day["id"]]) == (7 * DAY_S, DAY_S)


@pytest.mark.parametrize("value", [0, -1, 90 * DAY_S + 1, 1.5, "60", None, True, 10**30])
def test_a_time_that_is_wrong_is_named(alice: Person, pointers: Pointers, finished: Finished, value: object) -> None:
    answer = alice.post(f"/v1/jobs/{finished.id}/share", json={"expires_in_s": value})
    assert list(pointers(answer)) == ["/expires_in_s"]


def test_a_stranger_and_a_viewer_share_nothing(
    alice: Person, bob: Person, carol: Person, guest: Client, finished: Finished
) -> None:
    link = share(alice, finished.id)
    for method, path in (
        ("POST", ""),
        ("GET", ""),
        ("DELETE", ""),
        ("DELETE", f"/{link['id']}"),
        ("DELETE", "/shr_x"),
    ):
        assert bob.ask(method, f"/v1/jobs/{finished.id}/share{path}").status_code == 404
        if method != "GET":
            assert carol.ask(method, f"/v1/jobs/{finished.id}/share{path}").status_code == 403
    assert [one["id"] for one in carol.get(f"/v1/jobs/{finished.id}/share").json["data"]] == [link["id"]]
    assert guest.get(link["path"]).status_code == 200


def test_a_link_of_one_job_cannot_be_revoked_by_another(alice: Person, bob: Person, finished: Finished) -> None:
    link, other = share(alice, finished.id), bob.submit()["id"]
    assert bob.ask("DELETE", f"/v1/jobs/{other}/share/{link['id']}").status_code == 404
    assert bob.ask("DELETE", f"/v1/jobs/{other}/share").status_code == 204
    assert len(alice.get(f"/v1/jobs/{finished.id}/share").json["data"]) == 1


def test_a_job_has_twenty_links_at_most(alice: Person, finished: Finished) -> None:
    for _ in range(20):
        share(alice, finished.id)
    refused = alice.post(f"/v1/jobs/{finished.id}/share")
    assert (refused.status_code, refused.json["code"]) == (409, "conflict")
    assert "revoke one" in refused.json["detail"]


def test_only_images_of_that_job_are_sent(alice: Person, guest: Client, bench: Bench, finished: Finished) -> None:
    other = alice.submit()["id"]
    claim = bench.claim()
    foreign = bench.artifact(claim, "grid", "epoch-1.png", b"another", "image/png")
    page = bench.artifact(claim, "figure", "page.html", b"<script>", "text/html")
    link = share(alice, finished.id)["path"]
    for artifact in (foreign, finished.checkpoint, "art_01980000-0000-7000-8000-000000000000", "..", "%00"):
        assert guest.get(f"{link}/images/{artifact}").status_code == 404
    assert guest.get(f"{share(alice, other)['path']}/images/{page}").status_code == 404


def addresses(finished: Finished, link: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield every route that needs a key and every page, with the ids of the shared job."""
    ids = {"job_id": finished.id, "artifact_id": finished.grid, "share_id": link["id"]}

    def fill(path: str) -> str:
        return re.sub(r"{(\w+)}", lambda found: ids.get(found[1], "x"), path)

    for noun in NOUNS:
        yield from ((route.method, fill(route.path)) for route in noun.routes.all if route.access.value != "public")
    for pages in site.NOUNS:
        yield from (("GET", fill(page.path)) for page in pages.pages.all)


def test_a_token_opens_no_other_address(app: Flask, alice: Person, finished: Finished) -> None:
    link = share(alice, finished.id)
    token = link["path"].removeprefix("/s/")
    carried: list[dict[str, Any]] = [
        {"headers": {"Authorization": f"Bearer {token}"}},
        {"headers": {"Cookie": f"{COOKIE}={token}", "X-CSRF-Token": token}},
        {"headers": {"Authorization": f"Bearer gf_{token}"}},
        {"query_string": {"token": token, "key": token}},
    ]
    app.extensions["ganforge"].door._wrong._limit = 10**9
    for method, path in addresses(finished, link):
        for request in carried:
            answer = app.test_client().open(path, method=method, **request)
            login = answer.status_code == 303 and answer.headers["Location"].startswith("/dashboard/login")
            assert answer.status_code == 401 or login, (method, path, request, answer.status_code)
    for path in (f"/s/{token}/..", f"/s/{token}/v1/jobs", f"/s/{token}/", f"/s/{token}/metrics/x", f"/s//{token}"):
        assert app.test_client().get(path).status_code == 404, path
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert app.test_client().open(link["path"], method=method).status_code == 405


@pytest.mark.parametrize("token", ["x", "a" * 43, "a" * 44, "%00" * 43, "é" * 43, "%2e%2e"])
def test_what_is_no_token_opens_nothing(guest: Client, token: str) -> None:
    assert guest.get(f"/s/{token}").status_code == 404


def test_no_log_holds_the_token_and_no_row_does(
    alice: Person, guest: Client, stores: Stores, finished: Finished
) -> None:
    with capture_logs() as lines:
        path = share(alice, finished.id)["path"]
        for one in (*pieces(path, finished), f"{path}/nothing"):
            guest.get(one)
    token = path.removeprefix("/s/")
    assert "/s/…/metrics" in [line.get("path") for line in lines]
    assert token not in str(lines)
    with stores.infra.engine.connect() as connection:
        for table in ("shares", "audit"):
            assert token not in str(connection.exec_driver_sql(f"SELECT {table}::text FROM {table}").all())


def test_making_and_revoking_are_in_the_audit_log(alice: Person, admin: Person, finished: Finished) -> None:
    link = share(alice, finished.id)
    alice.ask("DELETE", f"/v1/jobs/{finished.id}/share")
    made, gone = admin.get(f"/v1/audit?subject={finished.id}&limit=2").json["data"][::-1]
    facts = {"share": link["id"], "expires_at": link["expires_at"]}
    assert (made["action"], made["owner"], made["before"], made["after"]) == ("job.share", "alice", None, facts)
    assert (gone["action"], gone["before"], gone["after"]) == ("job.unshare", facts, None)


def test_one_address_asks_too_often_and_is_told_to_wait(
    app: Flask, alice: Person, guest: Client, finished: Finished
) -> None:
    path = share(alice, finished.id)["path"]
    app.extensions["ganforge"].door._guests._limit = 3
    answers = [guest.get(path) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[-1].json["code"] == "rate_limited"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 10
    elsewhere = guest.get(path, environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
    assert elsewhere.status_code == 200
    assert alice.get("/v1/jobs").status_code == 200  # counted apart from keys


def test_the_page_is_in_the_readers_language_who_may_choose_another(
    alice: Person, guest: Client, finished: Finished
) -> None:
    path = share(alice, finished.id)["path"]
    page = guest.get(path, headers={**HTML, "Accept-Language": "zh-TW"})
    assert '<html lang="zh-Hant"' in page.text
    chosen = guest.post("/dashboard/language", data={"next": path, "language": "zh-Hans"})
    assert (chosen.status_code, chosen.headers["Location"]) == (303, path)
    assert '<html lang="zh-Hans"' in guest.get(path, headers=HTML).text
    elsewhere = guest.post("/dashboard/language", data={"next": "/s/a//evil.example", "language": "en"})
    assert elsewhere.headers["Location"] == "/dashboard"


def test_ended_links_are_forgotten(alice: Person, admin: Person, stores: Stores, finished: Finished) -> None:
    share(alice, finished.id)
    short = share(admin, finished.id, expires_in_s=1)
    until(lambda: stores.accounts.shares.forget_ended() == 1, 10, "the end of the short one")
    assert short["id"] not in [one["id"] for one in alice.get(f"/v1/jobs/{finished.id}/share").json["data"]]
    assert admin.ask("DELETE", f"/v1/keys/{alice.key_id}").status_code == 204
    assert stores.accounts.shares.forget_ended() == 1
