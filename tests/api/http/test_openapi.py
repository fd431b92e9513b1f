"""The OpenAPI document, the page, and whether the service does what they say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from flask import Flask
from pydantic import TypeAdapter
from schemathesis import Case

from api.app import NOUNS
from api.http import docs_page
from api.schemas import answers
from models.recipes import RECIPES
from tests.api.conftest import Bench, Finished, Person
from tests.api.generated import CHECKS, CHECKS_UNCHANGED, aim, generated, right_and_wrong
from tests.api.http.test_access import rules

OPERATIONS = [route.name for noun in NOUNS for route in noun.routes.all if route.name != "follow_all_jobs"]
EXAMPLES = 25
# What clients of this version rely on. A field may be added here; none may go or change.
CONTRACT = Path(__file__).with_name("contract.json")


def test_the_document_describes_every_route(app: Flask) -> None:
    document = app.test_client().get("/openapi.json").json
    assert document["openapi"] == "3.1.0"
    described = {(m.upper(), re.sub(r"{(\w+)}", r"<\1>", p)) for p, ms in document["paths"].items() for m in ms}
    served = {(method, path) for method, path, _ in rules(app)}
    assert described == served


def test_every_operation_documents_its_problems(app: Flask) -> None:
    document = app.test_client().get("/openapi.json").json
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            codes = set(operation["responses"])
            assert {"422", "500", "503"} <= codes, f"{method} {path}"
            if operation.get("security") != []:
                assert {"401", "429"} <= codes, f"{method} {path}"
            if "requestBody" in operation:
                assert {"400", "413", "415"} <= codes, f"{method} {path}"
            if "{" in path:
                assert "404" in codes, f"{method} {path}"
    for response in document["components"]["responses"].values():
        assert list(response["content"]) == ["application/problem+json"]


def test_a_new_job_is_one_of_three_kinds(app: Flask) -> None:
    schemas = app.test_client().get("/openapi.json").json["components"]["schemas"]
    body = schemas["NewJobBody"]
    assert body["discriminator"]["propertyName"] == "kind"
    kinds = ["TrainRequest", "SampleRequest", "EvaluateRequest"]
    assert [ref["$ref"].rpartition("/")[2] for ref in body["oneOf"]] == kinds
    params = schemas["TrainRequest"]["properties"]["params"]["anyOf"]
    assert [ref["$ref"].rpartition("/")[2] for ref in params] == [r.params.__name__ for r in RECIPES.values()]
    assert schemas["DcganParams"]["properties"]["epochs"]["default"] == 20


def test_the_document_holds_no_secret_and_every_reference_leads_somewhere(app: Flask) -> None:
    page = app.test_client().get("/openapi.json")
    document = page.json
    for section, name in re.findall(r'"#/components/(\w+)/([^"]+)"', page.text):
        assert name in document["components"][section]
    assert not re.search(r"gf_[A-Za-z0-9_-]{10}", page.text)


def test_the_page_needs_nothing_from_elsewhere(app: Flask) -> None:
    answer = app.test_client().get("/docs")
    assert answer.mimetype == "text/html"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<style|url\(|style=|onclick=", answer.text)
    assert all(
        found.startswith("/dashboard/static/")
        for found in re.findall(r'(?:src|link rel="\w+" href)="([^"]+)"', answer.text)
    )
    for route in (route for noun in NOUNS for route in noun.routes.all):
        assert f'id="{route.name}"' in answer.text


def test_the_page_shows_descriptions_as_text_and_requests_to_the_address_it_was_asked_at(app: Flask) -> None:
    page = app.test_client().get("/docs", base_url="https://gan.example.org").text
    assert "<code>application/problem+json</code>" in page
    assert not re.search(r"<p>[^<]*`", page)  # a raw backtick
    assert "https://gan.example.org/v1/jobs" in page
    assert '<a href="/dashboard">' in page
    dark = app.test_client()
    dark.set_cookie("ganforge_theme", "dark")
    assert 'data-theme="dark"' in dark.get("/docs").text
    dark.set_cookie("ganforge_theme", '"><script>')
    assert "<script>" not in dark.get("/docs").text


def test_the_bodies_of_the_examples_are_what_the_routes_take() -> None:
    routes = {route.name: route for noun in NOUNS for route in noun.routes.all}
    for name, body in docs_page.BODIES.items():
        model = routes[name].body
        assert model is not None
        model.model_validate(body)


def test_what_is_answered_has_exactly_the_documented_fields(finished: Finished, alice: Person) -> None:
    assert set(alice.get(f"/v1/jobs/{finished.id}").json) == set(answers.Job.__annotations__)
    assert set(alice.get(f"/v1/artifacts/{finished.grid}").json) == set(answers.Artifact.__annotations__)


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/v1/jobs", answers.Job),
        ("/v1/jobs/{job}/attempts", answers.Attempt),
        ("/v1/jobs/{job}/events", answers.Event),
        ("/v1/jobs/{job}/artifacts", answers.Artifact),
        ("/v1/jobs/{job}/share", answers.Share),
        ("/v1/datasets", answers.Dataset),
        ("/v1/queues", answers.Queue),
        ("/v1/workers", answers.Worker),
        ("/v1/keys", answers.Key),
        ("/v1/webhooks", answers.Webhook),
        ("/v1/webhooks/{webhook}/deliveries", answers.Delivery),
        ("/v1/audit", answers.AuditEntry),
    ],
)
def test_every_entry_of_a_list_is_of_the_class_that_is_documented(
    finished: Finished, admin: Person, alice: Person, path: str, shape: type
) -> None:
    alice.submit()
    alice.post(f"/v1/jobs/{finished.id}/share")
    webhook = admin.post("/v1/webhooks", json={"url": "https://hooks.example.org", "events": ["job.alert"]}).json["id"]
    admin.post(f"/v1/webhooks/{webhook}/test")
    entries = admin.get(path.format(job=finished.id, webhook=webhook)).json["data"]
    assert entries
    TypeAdapter(list[shape]).validate_python(entries)  # type: ignore[valid-type]


def test_the_schemas_of_the_answers_are_those_of_the_contract(app: Flask) -> None:
    schemas = app.test_client().get("/openapi.json").json["components"]["schemas"]
    contract = json.loads(CONTRACT.read_text())
    assert {name: without_words(schemas[name]) for name in contract} == contract


def without_words(schema: Any) -> Any:
    """Return a schema without its descriptions, which may change at any time."""
    if isinstance(schema, list):
        return [without_words(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: without_words(part) for name, part in schema.items() if not is_text(name, part)}


def is_text(name: str, part: Any) -> bool:
    """Tell a description from a field that is called so."""
    return name == "description" and isinstance(part, str)


@pytest.fixture
def known(finished: Finished, alice: Person, admin: Person, bench: Bench) -> dict[str, list[str]]:
    """Return ids that name something, so that requests do not all end in 404."""
    waiting = alice.submit()["id"]
    running = alice.submit()["id"]
    bench.claim()
    spare = admin.post("/v1/keys", json={"name": "spare"}).json["id"]
    dataset = alice.get("/v1/datasets").json["data"][0]["id"]
    webhook = alice.post("/v1/webhooks", json={"url": "https://hooks.example.org", "events": ["job.alert"]}).json["id"]
    delivery = alice.post(f"/v1/webhooks/{webhook}/test").json["id"]
    return {
        "job_id": [finished.id, waiting, running],
        "artifact_id": [finished.checkpoint, finished.grid],
        "key_id": [spare],
        "dataset_id": [dataset],
        "name": list(RECIPES),
        "queue": ["cpu", "gpu"],
        "worker_id": [bench.worker],
        "webhook_id": [webhook],
        "delivery_id": [delivery],
        "share_id": [alice.post(f"/v1/jobs/{finished.id}/share").json["id"]],
    }


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_service_does_what_the_document_says(
    app: Flask, admin: Person, known: dict[str, list[str]], operation: str
) -> None:
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app)
    chosen = schema.find_operation_by_id(operation)
    count = iter(range(10**9))

    @generated(EXAMPLES, seed=20140610)
    @hypothesis.given(case=right_and_wrong(chosen))
    def go(case: Case) -> None:
        checks = CHECKS if aim(case, known, next(count)) else CHECKS_UNCHANGED
        # In one process nothing unpacks an answer.
        headers = {"Authorization": f"Bearer {admin.key}", "Accept-Encoding": "identity"}
        case.validate_response(case.call(headers=headers), checks=checks)

    go()
