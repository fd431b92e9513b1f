"""Who may come in. Routes are taken from the application itself, so that a new one can't be forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask

from api.app import NOUNS
from api.http.routes import Route
from stores.infra.settings import Settings
from tests.api.conftest import Finished, Person, Upload
from tests.api.uploads.archives import pictures, zipped

PUBLIC = {"/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"}
BODIES = {
    "create_job": {"kind": "train", "recipe": "mlp_gan", "dataset": "mnist-10k"},
    "change_job": {"name": "mine"},
    "create_key": {"name": "new"},
    "create_view": {"name": "new"},
    "order_many": {"action": "cancel", "filter": {}, "expected": 0},
}


def rules(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Yield method, path and endpoint of everything the application answers to programs; pages are for people."""
    for rule in app.url_map.iter_rules():
        if rule.rule == "/" or rule.rule.startswith(("/dashboard", "/s/")):
            continue
        for method in sorted(rule.methods - {"HEAD"}):
            yield method, rule.rule, rule.endpoint


def filled(path: str, finished: Finished, key_id: str, dataset_id: str) -> str:
    """Put alice's ids into a path."""
    ids = {"job_id": finished.id, "artifact_id": finished.grid, "key_id": key_id, "dataset_id": dataset_id}
    return re.sub(r"<(\w+)>", lambda match: ids.get(match[1], "mlp_gan"), path)


def test_every_answered_address_is_a_declared_route(app: Flask) -> None:
    declared = {(route.method, route.name) for noun in NOUNS for route in noun.routes.all}
    assert {(method, endpoint) for method, _, endpoint in rules(app)} == declared


def test_without_a_key_only_the_public_pages_answer(app: Flask, finished: Finished, alice: Person) -> None:
    for method, path, endpoint in rules(app):
        address = filled(path, finished, alice.key_id, "ds")
        answer = app.test_client().open(address, method=method, json=BODIES.get(endpoint))
        assert answer.status_code == (200 if path in PUBLIC else 401), f"{method} {path}"
        if path not in PUBLIC:
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert answer.json["code"] == "unauthenticated"


@pytest.mark.parametrize("header", ["Bearer gf_wrong", "Bearer", "Basic Zm9vOmJhcg==", "gf_x", "Bearer \u00e9"])
def test_a_wrong_key_opens_nothing(app: Flask, finished: Finished, alice: Person, header: str) -> None:
    for method, path, endpoint in rules(app):
        if path not in PUBLIC:
            address = filled(path, finished, alice.key_id, "ds")
            headers = {"Authorization": header}
            answer = app.test_client().open(address, method=method, json=BODIES.get(endpoint), headers=headers)
            assert answer.status_code == 401, f"{method} {path}"


def test_a_strangers_things_are_not_there(
    app: Flask, finished: Finished, alice: Person, bob: Person, upload: Upload
) -> None:
    dataset = upload(alice, zipped(pictures(16))).json["id"]
    for method, path, endpoint in rules(app):
        if not re.search("<(job|artifact|dataset)_id>", path):
            continue
        address = filled(path, finished, alice.key_id, dataset)
        theirs = bob.ask(method, address, json=BODIES.get(endpoint))
        assert (theirs.status_code, theirs.json["code"]) == (404, "not_found"), f"{method} {path}"
        stream = bob.ask(method, address, json=BODIES.get(endpoint), headers={"Accept": "text/event-stream"})
        assert stream.status_code == 404, f"{method} {path} as a stream"
    assert alice.get(f"/v1/datasets/{dataset}").status_code == 200


def test_lists_show_nothing_of_a_stranger(finished: Finished, bob: Person) -> None:
    assert bob.get("/v1/jobs").json["data"] == []
    assert bob.get(f"/v1/jobs?parent={finished.id}").json["data"] == []


def test_a_stranger_learns_nothing_from_a_sampling_job(finished: Finished, bob: Person) -> None:
    answer = bob.post("/v1/jobs", json={"kind": "sample", "source": {"job": finished.id}})
    assert answer.status_code == 422
    assert answer.json["errors"] == [{"pointer": "/source/job", "detail": "job not found, or you have no access"}]


def test_a_viewer_reads_what_the_owner_reads_and_changes_nothing(
    app: Flask, finished: Finished, alice: Person, carol: Person
) -> None:
    assert carol.get(f"/v1/jobs/{finished.id}").json["id"] == finished.id
    for method, path, endpoint in rules(app):
        if method != "GET":
            address = filled(path, finished, alice.key_id, "ds")
            answer = carol.ask(method, address, json=BODIES.get(endpoint))
            assert (answer.status_code, answer.json["code"]) == (403, "forbidden"), f"{method} {path}"


def test_what_is_for_admins_is_for_admins(alice: Person, admin: Person) -> None:
    for path in ("/v1/workers", "/v1/audit"):
        assert alice.get(path).status_code == 403
        assert admin.get(path).status_code == 200
    for path in ("/v1/queues/cpu/pause", "/v1/queues/cpu/resume"):
        assert alice.post(path).status_code == 403
        assert admin.post(path).status_code == 200


def test_an_admin_sees_everybodys_things(finished: Finished, admin: Person) -> None:
    assert [job["id"] for job in admin.get("/v1/jobs").json["data"]] == [finished.id]
    assert admin.get(f"/v1/artifacts/{finished.grid}").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/v1/jobs/job_1", "/v1/jobs/%00", "/v1/jobs/../keys", "/v1/artifacts/art_x", "/v1/datasets/%00", "/v1/recipes/x"],
)
def test_malformed_ids_name_nothing(alice: Person, path: str) -> None:
    assert alice.get(path).status_code == 404


def test_a_key_that_asks_too_often_is_told_to_wait(settings: Settings, app: Flask, alice: Person) -> None:
    door = app.extensions["ganforge"].door
    door._rate._limit = 3
    answers = [alice.get("/v1/queues") for _ in range(5)]
    # A new second may begin within the five.
    assert [answer.status_code for answer in answers[:3]] == [200, 200, 200]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert refused[0].json["code"] == "rate_limited"
    assert refused[0].headers["Retry-After"] == "1"


def test_many_wrong_keys_are_cut_short(app: Flask, alice: Person) -> None:
    app.extensions["ganforge"].door._wrong._limit = 2
    wrong = {"Authorization": "Bearer gf_wrong"}
    codes = [app.test_client().get("/v1/jobs", headers=wrong).status_code for _ in range(4)]
    assert codes == [401, 401, 429, 429]
    assert alice.get("/v1/jobs").status_code == 200


def test_every_route_says_what_it_may_answer() -> None:
    routes: list[Route] = [route for noun in NOUNS for route in noun.routes.all]
    assert all(route.answers and route.view.__doc__ for route in routes)
