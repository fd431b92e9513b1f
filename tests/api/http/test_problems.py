"""Every answer that is an error has one form, whatever went wrong and wherever."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from pydantic import SecretStr
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from api.app import create_app
from stores.infra.settings import Settings
from tests.api.conftest import Person


def check(answer: TestResponse, status: int, code: str) -> dict[str, object]:
    """Check the form of a problem; return it."""
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    problem = json.loads(answer.data)
    assert {"type", "title", "status", "code", "detail", "request_id"} <= set(problem)
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"] == f"https://ganforge.dev/problems/{code}"
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    return dict(problem)


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/jobs/", "//v1/jobs", "/nope", "/v1/%2e%2e", "/\ufffd"])
def test_unknown_addresses_are_problems(app: Flask, path: str) -> None:
    check(app.test_client().get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/jobs", "GET, HEAD, POST"),
        ("POST", "/healthz", "GET, HEAD"),
        ("GET", "/v1/jobs/x/cancel", "POST"),
        ("OPTIONS", "/v1/jobs", "GET, HEAD, POST"),
        ("BREW", "/v1/jobs", "GET, HEAD, POST"),
    ],
)
def test_a_wrong_method_names_the_right_ones(app: Flask, method: str, path: str, allowed: str) -> None:
    answer = app.test_client().open(path, method=method)
    check(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == allowed


def test_a_crash_tells_nothing_but_its_number(app: Flask, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise ZeroDivisionError("secret inside")

    monkeypatch.setattr(type(app.extensions["ganforge"].stores.queries.jobs), "jobs", crash)
    with capture_logs() as logs:
        answer = alice.get("/v1/jobs")
    problem = check(answer, 500, "internal")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert any(line["event"] == "request_crashed" for line in logs)
    assert problem["detail"]


@pytest.mark.parametrize("given", ["abc-1.2_3:4", "x" * 128])
def test_a_request_id_comes_back(app: Flask, given: str) -> None:
    answer = app.test_client().get("/nope", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "\u00e9", '"'])
def test_a_strange_request_id_is_replaced(app: Flask, given: str) -> None:
    answer = app.test_client().get("/healthz", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"].startswith("req_")


def test_keys_never_reach_the_log(alice: Person) -> None:
    with capture_logs() as logs:
        alice.get("/v1/jobs")
    assert alice.key not in str(logs)
    assert any(line["event"] == "request" and line["status"] == 200 for line in logs)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Return a port of this machine where nobody listens."""
    with socket.socket() as held:  # bound, so that nobody else takes it, and deaf
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def test_silent_parts_are_named(settings: Settings, closed_port: int, tmp_path: Path) -> None:
    nowhere = f"127.0.0.1:{closed_port}"
    silent = settings.model_copy(
        update={
            "database_url": SecretStr(f"postgresql+psycopg://x:y@{nowhere}/z"),
            "redis_url": SecretStr(f"redis://{nowhere}/0"),
            "s3_url": f"http://{nowhere}",
        }
    )
    client = create_app(silent).test_client()
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    problem = check(answer, 503, "unavailable")
    assert set(problem["checks"]) == {"database", "broker", "object_store"}  # type: ignore[call-overload]
    assert "ok" not in problem["checks"].values()  # type: ignore[attr-defined]
    jobs = client.get("/v1/jobs", headers={"Authorization": "Bearer gf_x"})
    check(jobs, 503, "unavailable")
    assert int(jobs.headers["Retry-After"]) > 0


def test_a_submission_survives_a_silent_broker(settings: Settings, alice: Person, closed_port: int) -> None:
    deaf = settings.model_copy(update={"redis_url": SecretStr(f"redis://127.0.0.1:{closed_port}/0")})
    app = create_app(deaf)
    client = app.test_client()
    body = {"kind": "train", "recipe": "mlp_gan", "dataset": "mnist-10k"}
    began = time.monotonic()
    answer = client.post("/v1/jobs", json=body, headers={"Authorization": f"Bearer {alice.key}"})
    assert answer.status_code == 201
    assert time.monotonic() - began < 10
    assert alice.get(f"/v1/jobs/{answer.json['id']}").status_code == 200
    app.extensions["ganforge"].stores.close()


def test_ready_names_each_part(app: Flask) -> None:
    answer = app.test_client().get("/readyz")
    assert answer.json == {"status": "ready", "checks": {"database": "ok", "broker": "ok", "object_store": "ok"}}
