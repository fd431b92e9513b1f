"""Who is let in to the pages, for how long, and that nobody acts in their name."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from api.dashboard import site

HTML = {"Accept": "text/html"}


def test_the_address_of_the_service_leads_to_the_dashboard_and_that_to_the_login(app):
    client = app.test_client()
    assert client.get("/").headers["Location"] == "/dashboard"
    assert client.get("/dashboard/").headers["Location"] == "/dashboard"
    answer = client.get("/dashboard?a=b&c=d")
    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        "/dashboard/login?next=/dashboard%3Fa%3Db%26c%3Dd",
    )


def test_every_page_asks_strangers_to_sign_in(app):
    client = app.test_client()
    pages = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("page_")]
    assert len(pages) >= 12
    for rule in pages:
        if rule.endpoint != "page_login":
            answer = client.get(rule.rule.replace("<", "").replace(">", ""), headers=HTML)
            assert answer.headers["Location"].startswith("/dashboard/login?next=/dashboard"), rule


def test_a_key_opens_a_session_whose_cookie_no_script_can_read(app, alice):
    answer = app.test_client().post(
        "/dashboard/login", data={"key": alice.key, "next": "/dashboard/jobs?state=running"}
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/dashboard/jobs?state=running")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert alice.key not in cookie


@pytest.mark.parametrize(
    "where",
    [
        "https://elsewhere.example/",
        "//elsewhere.example",
        "/dashboard/\\elsewhere",
        "/v1/jobs",
        "/dashboard/login",
        "/dashboard/logout",
    ],
)
def test_the_login_leads_to_pages_of_ours_only(app, alice, where):
    answer = app.test_client().post("/dashboard/login", data={"key": alice.key, "next": where})
    assert answer.headers["Location"] == "/dashboard"


@pytest.mark.parametrize("key", ["", "gf_wrong", "<script>alert(1)</script>", "gf_\0"])
def test_a_wrong_key_is_said_on_the_page_and_opens_nothing(app, key):
    answer = app.test_client().post("/dashboard/login", data={"key": key})
    assert answer.status_code == 401
    assert "invalid or revoked access key" in answer.text
    assert "Set-Cookie" not in answer.headers
    assert "<script>alert" not in answer.text


def test_another_site_can_neither_sign_in_nor_out(app, alice, enter):
    foreign = {"Sec-Fetch-Site": "cross-site"}
    answer = app.test_client().post("/dashboard/login", data={"key": alice.key}, headers=foreign)
    assert answer.status_code == 403
    reader = enter(alice)
    assert reader.client.post("/dashboard/logout").status_code == 403
    reader.see("/dashboard")


def test_a_change_with_a_session_needs_the_token_of_the_page(alice, enter):
    job = alice.submit()
    reader = enter(alice)
    path = f"/v1/jobs/{job['id']}/cancel"
    for headers in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "0" * 64}, {"X-CSRF-Token": "ä"}):
        answer = reader.client.post(path, headers=headers)
        assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
    assert reader.client.get(f"/v1/jobs/{job['id']}").json["state"] == "queued"
    assert reader.call("POST", path).status_code == 202


def test_a_token_belongs_to_one_session(alice, bob, enter):
    job = alice.submit()
    stolen = enter(bob).csrf
    answer = enter(alice).client.post(f"/v1/jobs/{job['id']}/cancel", headers={"X-CSRF-Token": stolen})
    assert answer.status_code == 403


def test_a_session_ends_with_its_key_with_time_and_by_signing_out(app, admin, alice, bob, carol, enter, stores):
    revoked, late, gone, stays = enter(alice), enter(bob), enter(carol), enter(admin)
    assert admin.ask("DELETE", f"/v1/keys/{alice.key_id}").status_code == 204
    with stores.infra.engine.begin() as connection:
        connection.execute(
            text("UPDATE sessions SET expires_at = now() - interval '1 second' WHERE key_id = :key"),
            {"key": bob.key_id},
        )
    assert gone.client.post("/dashboard/logout", data={"csrf_token": gone.csrf}).status_code == 303
    for reader in (revoked, late, gone):
        assert reader.client.get("/dashboard", headers=HTML).status_code == 303
        answer = reader.client.get("/v1/jobs")
        assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated")
    stays.see("/dashboard")
    assert stores.accounts.sessions.forget_ended() == 1


def test_who_signs_in_again_ends_the_session_before(app, alice, bob, enter):
    reader = enter(alice)
    before = reader.client.get_cookie("ganforge_session").value
    assert reader.client.post("/dashboard/login", data={"key": "gf_wrong"}).status_code == 401
    reader.see("/dashboard")
    assert reader.client.post("/dashboard/login", data={"key": bob.key}).status_code == 303
    other = app.test_client()
    other.set_cookie("ganforge_session", before)
    assert other.get("/v1/jobs").status_code == 401
    reader.see("/dashboard")


def test_a_session_that_is_used_stays_open(alice, enter, stores):
    reader = enter(alice)
    left = text("SELECT extract(epoch FROM expires_at - now()) FROM sessions")
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE sessions SET expires_at = now() + interval '1 minute'"))
    reader.see("/dashboard")
    with stores.infra.engine.connect() as connection:
        assert 43_100 < connection.scalar(left) <= 43_200


def test_who_may_not_see_a_page_is_still_signed_in_and_gets_the_way_to_others(alice, enter):
    page = enter(alice).see("/dashboard/audit", 403)
    assert "administrators only" in page.lower()
    assert 'href="/dashboard/jobs"' in page
    assert "/dashboard/login" not in page


def test_a_viewer_acts_as_little_through_pages_as_through_the_api(alice, carol, enter):
    job = alice.submit()
    answer = enter(carol).call("POST", f"/v1/jobs/{job['id']}/cancel")
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")


def test_pages_are_shut_to_other_sites_and_to_scripts_of_others(alice, enter):
    answer = enter(alice).client.get("/dashboard", headers=HTML)
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "<script>" not in answer.text
    assert " style=" not in answer.text
    assert " onclick=" not in answer.text


def test_a_person_who_is_lost_gets_a_page_and_a_program_a_problem(alice, enter):
    reader = enter(alice)
    page = reader.see("/dashboard/nowhere", 404)
    assert "there is nothing at this address" in page
    assert 'href="/dashboard"' in page
    assert 'href="/dashboard/login"' not in page
    assert 'href="/dashboard/jobs">Clear all filters' in reader.see("/dashboard/jobs?state=lost", 422)
    answer = reader.client.get("/dashboard/nowhere", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


@pytest.mark.parametrize("packed", ["gzip", "deflate", "br"])
def test_styles_and_scripts_come_packed_however_the_client_unpacks(app, alice, enter, packed):
    sheet = re.search(r'href="([^"]+/style\.css)"', enter(alice).see("/dashboard"))
    assert sheet
    with app.test_client().get(sheet[1], headers={"Accept-Encoding": packed}) as answer:
        assert answer.headers["Content-Encoding"] == packed
        assert len(answer.data) < 5000
    with app.test_client().get(
        sheet[1], headers={"Accept-Encoding": packed, "If-None-Match": answer.headers["ETag"]}
    ) as again:
        assert (again.status_code, again.data) == (304, b"")


def test_a_packed_file_is_kept_once_however_its_address_is_written(app, alice, enter):
    sheet = re.search(r'href="([^"]+/style\.css)"', enter(alice).see("/dashboard"))
    assert sheet
    folder = sheet[1].removesuffix("style.css")
    site._packed.cache_clear()
    for address in (sheet[1], f"{folder}./style.css", f"{folder}././style.css", f"{folder}vendor/../style.css"):
        with app.test_client().get(address, headers={"Accept-Encoding": "br"}) as answer:
            assert answer.status_code == 200, address
            assert answer.headers["Content-Encoding"] == "br"
    assert site._packed.cache_info().currsize == 1


def test_pages_speak_the_language_of_the_browser_or_the_one_that_was_chosen(alice, enter):
    reader = enter(alice)
    assert '<html lang="en"' in reader.see("/dashboard")
    for asked, tag in (("zh-TW,zh;q=0.9", "zh-Hant"), ("zh-CN", "zh-Hans"), ("zh-HK", "zh-Hant"), ("fr,de", "en")):
        assert f'<html lang="{tag}"' in reader.see("/dashboard", headers={"Accept-Language": asked})
    answer = reader.client.post("/dashboard/language", data={"language": "zh-Hans", "next": "/dashboard/jobs"})
    assert answer.headers["Location"] == "/dashboard/jobs"
    assert '<html lang="zh-Hans"' in reader.see("/dashboard", headers={"Accept-Language": "en"})


FROM_WHERE = [
    ({}, 303),  # no browser
    ({"Origin": "http://localhost"}, 303),
    ({"Origin": "http://LOCALHOST"}, 303),
    ({"Origin": "https://localhost"}, 303),  # a proxy with TLS that is not trusted
    ({"Origin": "http://elsewhere.example"}, 403),
    ({"Origin": "http://localhost.elsewhere.example"}, 403),
    ({"Origin": "http://elsewhere.example", "Referer": "http://localhost/dashboard/login"}, 403),
    ({"Origin": "http://localhost:8001"}, 403),
    ({"Origin": "null"}, 403),
    ({"Origin": ""}, 403),
    ({"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}, 303),
    ({"Sec-Fetch-Site": "none"}, 303),
    ({"Sec-Fetch-Site": "same-site"}, 403),
    ({"Sec-Fetch-Site": "cross-site"}, 403),
    ({"Sec-Fetch-Site": ""}, 403),
]


def test_a_login_or_a_change_that_comes_from_another_site_is_refused(app, alice, enter):
    reader = enter(alice)
    for headers, status in FROM_WHERE:
        answer = app.test_client().post("/dashboard/login", data={"key": alice.key}, headers=headers)
        assert answer.status_code == status, headers
        assert ("Set-Cookie" in answer.headers) == (status == 303), headers
        path = f"/v1/jobs/{alice.submit()['id']}/cancel"
        changed = reader.client.post(path, headers={"X-CSRF-Token": reader.csrf, **headers})
        assert changed.status_code == (202 if status == 303 else 403), headers
        with_a_key = alice.post(path, headers=headers)  # which needs no origin
        assert with_a_key.status_code == (200 if status == 303 else 202), headers


def test_a_session_ends_after_a_day_however_much_it_is_used(alice, enter, stores):
    reader = enter(alice)
    older = text("UPDATE sessions SET created_at = created_at - interval '1 hour' * :hours")
    left = text("SELECT extract(epoch FROM expires_at - now()) FROM sessions")
    with stores.infra.engine.begin() as connection:
        connection.execute(older, {"hours": 23})
        connection.execute(text("UPDATE sessions SET expires_at = now() + interval '1 minute'"))
    reader.see("/dashboard")
    with stores.infra.engine.begin() as connection:
        assert 3500 < connection.scalar(left) <= 3600, "extended to a day after its beginning, not further"
        hashes = set(connection.scalars(text("SELECT hash FROM sessions")))
        assert stores.accounts.sessions.in_force(hashes) == hashes
        connection.execute(older, {"hours": 2})
        connection.execute(text("UPDATE sessions SET expires_at = now() + interval '1 hour'"))
    assert stores.accounts.sessions.in_force(hashes) == set()
    assert reader.client.get("/v1/jobs").status_code == 401
    assert reader.client.get("/dashboard", headers=HTML).status_code == 303
