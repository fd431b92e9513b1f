"""Every list and mapping of a request has a maximum."""

from __future__ import annotations

import itertools
import json
import string
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.dialects import postgresql

from api.http.parsing import MAX_VALUES
from models.rows import Job
from stores.jobs.filter import JobFilter
from tests.api.conftest import TRAIN, Finished, Person, Pointers

NAMES = ["".join(letters) for letters in itertools.product(string.ascii_letters, repeat=3)]
TOO_MANY = "must have at most 100 entries"
JOB = "job_01980000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("path", "term"),
    [
        ("/v1/jobs", "label=team:{n}"),
        ("/v1/jobs", "label=team{n}:a"),
        ("/v1/jobs", "recipe=r{n}"),
        ("/v1/jobs", "state=queued"),
        ("/v1/jobs", f"parent={JOB}"),
        ("/v1/audit", "action=job.cancel"),
        ("/v1/audit", "subject=jobs"),
        ("/v1/jobs/{job}/artifacts", "kind=grid"),
    ],
)
def test_a_parameter_is_given_100_times_but_not_101(
    finished: Finished, admin: Person, pointers: Pointers, path: str, term: str
) -> None:
    def ask(count: int) -> Any:
        query = "&".join(term.format(n=n) for n in range(count))
        return admin.get(f"{path.format(job=finished.id)}?{query}")

    assert ask(100).status_code == 200
    assert pointers(ask(101)) == {f"/query/{term.partition('=')[0]}": TOO_MANY}


@pytest.mark.parametrize(("name", "entry"), [("label", "team:{n}"), ("label", "k{n}:a"), ("recipe", "r{n}")])
def test_a_bulk_filter_takes_100_entries_but_not_101(alice: Person, pointers: Pointers, name: str, entry: str) -> None:
    def order(count: int) -> Any:
        entries = [entry.format(n=n) for n in range(count)]
        return alice.post("/v1/jobs/bulk", json={"action": "cancel", "filter": {name: entries}, "expected": 0})

    answer = order(100)
    assert (answer.status_code, answer.json["matched"]) == (202, 0)
    assert pointers(order(101)) == {f"/filter/{name}": TOO_MANY}


@pytest.mark.parametrize("count", [33, 101])
def test_a_job_has_32_labels_at_most(alice: Person, pointers: Pointers, count: int) -> None:
    assert len(alice.submit(labels={f"k{n}": "a" for n in range(32)})["labels"]) == 32
    labels = {f"k{n}": "a" for n in range(count)}
    assert pointers(alice.post("/v1/jobs", json={**TRAIN, "labels": labels})) == {
        "/labels": "must have at most 32 entries"
    }


def test_parameters_of_jobs_and_retries_are_100_at_most(finished: Finished, alice: Person, pointers: Pointers) -> None:
    params = {f"p{n}": 1 for n in range(101)}
    assert pointers(alice.post("/v1/jobs", json={**TRAIN, "params": params})) == {"/params": TOO_MANY}
    assert pointers(alice.post(f"/v1/jobs/{finished.id}/retry", json={"params": params})) == {"/params": TOO_MANY}


def test_100_metrics_are_named_but_not_101(finished: Finished, alice: Person, pointers: Pointers) -> None:
    def names(count: int) -> str:
        return f"/v1/jobs/{finished.id}/metrics?names=" + ",".join(["g_loss", *(f"m{n}" for n in range(1, count))])

    series = alice.get(names(100)).json["series"]
    assert len(series) == 100
    assert series["g_loss"] == {"steps": [1, 2], "values": [1.1, 1.2]}
    assert series["m99"] == {"steps": [], "values": []}
    assert pointers(alice.get(names(101))) == {"/query/names": TOO_MANY}


@pytest.mark.parametrize("count", [21, 300])
def test_an_answer_names_20_errors_and_counts_all(alice: Person, count: int) -> None:
    answer = alice.post("/v1/jobs", json={**TRAIN, **{f"x{n:03}": 1 for n in range(count)}})
    assert answer.status_code == 422
    assert answer.json["detail"] == f"{count} fields are not valid"
    assert [one["pointer"] for one in answer.json["errors"]] == [f"/x{n:03}" for n in range(20)]
    query = "&".join(f"x{n:03}=1" for n in range(count))
    answer = alice.get(f"/v1/jobs?{query}")
    assert answer.json["detail"] == f"{count} fields are not valid"
    assert [one["parameter"] for one in answer.json["errors"]] == [f"x{n:03}" for n in range(20)]


def test_values_of_the_wrong_kind_are_20_errors(alice: Person) -> None:
    for labels in ({f"k{n}": 1 for n in range(101)}, {f"k{n}": "\0" for n in range(101)}):
        answer = alice.post("/v1/jobs", json={**TRAIN, "labels": labels})
        assert (answer.status_code, len(answer.json["errors"])) == (422, 20)


@pytest.mark.parametrize(
    "body",
    [
        dict.fromkeys(NAMES[:105_000], 1),
        {**TRAIN, "params": {f"x{n}": 1 for n in range(MAX_VALUES)}},
        {**TRAIN, "params": {"groups": [[[]] * 9] * 300}},
        {"action": "cancel", "filter": {"label": ["team:a"] * 62_000}, "expected": 0},
        [[1] * 100] * 1000,
    ],
)
def test_a_body_of_very_many_values_is_one_error(alice: Person, pointers: Pointers, body: Any) -> None:
    words = "the objects and lists of the body hold more than 2,000 values together; send fewer"
    path = "/v1/jobs/bulk" if "filter" in body else "/v1/jobs"
    sent = json.dumps(body, separators=(",", ":"))
    assert pointers(alice.post(path, data=sent, content_type="application/json")) == {"": words}


@pytest.mark.parametrize("name", [',"' * MAX_VALUES, 'a\\",' * MAX_VALUES])
def test_commas_inside_a_text_are_no_values(alice: Person, pointers: Pointers, name: str) -> None:
    found = pointers(alice.post("/v1/jobs", json={**TRAIN, "name": name}))
    assert list(found) == ["/name"]
    assert "at most" in found["/name"]


def test_a_body_of_commas_without_an_end_is_refused_before_it_is_decoded(alice: Person, pointers: Pointers) -> None:
    for body in (
        "[" + "0," * (MAX_VALUES + 1),
        '["' + '","' * (MAX_VALUES + 1),
        "[" + '"\\""' * 3 * MAX_VALUES + "," * 2001,
    ):
        assert list(pointers(alice.post("/v1/jobs", data=body, content_type="application/json"))) == [""]


def test_a_very_long_name_of_a_field_is_refused_without_being_repeated(alice: Person, pointers: Pointers) -> None:
    answer = alice.post("/v1/jobs", json={**TRAIN, "params": {"x" * 256: 1}})
    assert pointers(answer) == {"/params": "has a field whose name has more than 255 characters"}
    assert list(pointers(alice.post("/v1/jobs", json={**TRAIN, "params": {"x" * 255: 1}}))) == [f"/params/{'x' * 255}"]


@pytest.mark.parametrize("count", [105_000, MAX_VALUES - len(TRAIN) - len(TRAIN["params"])])  # type: ignore[arg-type]
def test_many_unknown_fields_take_less_than_100_times_as_long_as_one(alice: Person, count: int) -> None:
    def took(fields: int) -> float:
        body = json.dumps({**TRAIN, **dict.fromkeys(NAMES[:fields], 1)}, separators=(",", ":"))
        began = time.perf_counter()
        answer = alice.post("/v1/jobs", data=body, content_type="application/json")
        assert (answer.status_code, len(answer.json["errors"])) == (422, 20 if 1 < fields <= MAX_VALUES else 1)
        return time.perf_counter() - began

    took(1)
    one, many = (min(took(fields) for _ in range(5)) for fields in (1, count))
    # A megabyte of JSON takes some 50 ms to read, a request some 3 ms. Without the maximum it was 3 s.
    assert many < 100 * one, f"{many:.3f} s against {one:.4f} s"


def test_more_labels_of_one_key_do_not_make_a_longer_statement() -> None:
    def statement(count: int) -> str:
        chosen = JobFilter(labels={"team": [str(n) for n in range(count)]}).apply(select(Job.id))
        return str(chosen.compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]

    assert statement(100) == statement(1)


def test_labels_are_found_by_any_value_of_each_key(alice: Person) -> None:
    quoted = 'it\'s "a", {b}\\'
    first = alice.submit(labels={"team": quoted})["id"]
    alice.submit(labels={"team": "a"})
    alice.submit()
    order = {"action": "pause", "filter": {"label": [f"team:{quoted}", "team:NULL"]}, "expected": 1}
    assert alice.post("/v1/jobs/bulk", json=order).json["changed"] == 1
    assert alice.get(f"/v1/jobs/{first}").json["state"] == "paused"


def test_the_document_tells_every_maximum(app: Flask) -> None:
    document = app.test_client().get("/openapi.json").json
    schemas = document["components"]["schemas"]
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    roots = [parameter["schema"] for operation in operations for parameter in operation["parameters"]]
    roots += [part["schema"] for one in operations for part in one.get("requestBody", {}).get("content", {}).values()]
    open_ended = [part for part in _parts(roots, schemas, set()) if _holds_any_number(part)]
    assert open_ended == []


def _holds_any_number(schema: Any) -> bool:
    if schema.get("type") == "array":
        return "maxItems" not in schema
    return bool(schema.get("additionalProperties")) and "maxProperties" not in schema


def _parts(schema: Any, schemas: Any, seen: set[str]) -> Iterator[Any]:
    """Yield a schema and all schemas inside it, each shared one once."""
    if isinstance(schema, list):
        for part in schema:
            yield from _parts(part, schemas, seen)
    elif isinstance(schema, dict):
        yield schema
        for name, part in schema.items():
            if name == "$ref" and part not in seen:
                seen.add(part)
                yield from _parts(schemas[part.rpartition("/")[2]], schemas, seen)
            elif name != "default":
                yield from _parts(part, schemas, seen)


def test_a_byte_order_mark_before_json_is_passed_over(alice: Person) -> None:
    for mark in (b"", b"\xef\xbb\xbf"):
        body = mark + json.dumps(TRAIN).encode()
        assert alice.post("/v1/jobs", data=body, content_type="application/json").status_code == 201
    twice = alice.post("/v1/jobs", data=b"\xef\xbb\xbf" * 2 + b"{}", content_type="application/json")
    assert (twice.status_code, twice.json["code"]) == (400, "malformed")
