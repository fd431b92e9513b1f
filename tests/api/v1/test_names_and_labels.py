"""Labels that no filter could find are refused where they are given."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from stores.container import Stores
from tests.api.conftest import TRAIN, Finished, Person, Pointers

SEPARATED = "must not contain {}, which separates name and text in filters (`name:text`)"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("git:ref", SEPARATED.format(":")),
        ("git=ref", SEPARATED.format("=")),
        (":", SEPARATED.format(":")),
        ("a=b:c", SEPARATED.format("=")),
        (" team", "must not begin or end with spaces"),
        ("team\u3000", "must not begin or end with spaces"),
        (" ", "must not begin or end with spaces"),
        ("", "must not be empty"),
    ],
)
def test_a_label_that_no_filter_can_find_is_refused(alice: Person, pointers: Pointers, name: str, reason: str) -> None:
    job = alice.submit()
    for answer in (
        alice.post("/v1/jobs", json={**TRAIN, "labels": {name: "x"}}),
        alice.post("/v1/jobs?dry_run=true", json={**TRAIN, "labels": {name: "x", "team": "a"}}),
        alice.ask("PATCH", f"/v1/jobs/{job['id']}", json={"labels": {name: "x"}}),
    ):
        assert pointers(answer) == {f"/labels/{name}": reason}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("team", "a:b=c"),
        ("git/ref", ":"),
        ("x" * 63, "y" * 255),
        ("a b", ""),
        ("隊伍", "甲"),
        ("a,b", "c,d"),
        ("%3A", "&#?+"),
    ],
)
def test_a_label_that_is_taken_is_found_by_both_forms_of_a_filter(alice: Person, name: str, value: str) -> None:
    job = alice.submit(labels={name: value})
    alice.submit(labels={name: value + "!"} if len(value) < 255 else {})
    for separator in (":", "="):
        found = alice.get("/v1/jobs", query_string={"label": f"{name}{separator}{value}"}).json["data"]
        assert [one["id"] for one in found] == [job["id"]]


def test_a_job_of_an_older_version_with_such_labels_can_be_retried_and_found(
    finished: Finished, alice: Person, stores: Stores
) -> None:
    with stores.infra.engine.begin() as connection:
        labels = '{"git:ref": "x", "a=b": "y", " ": "z"}'
        connection.execute(text("UPDATE jobs SET labels = CAST(:labels AS jsonb)"), {"labels": labels})
    again = alice.post(f"/v1/jobs/{finished.id}/retry", json={})
    assert again.status_code == 201, again.text
    assert again.json["labels"] == {"git-ref": "x", "a-b": "y", "\ufffd": "z"}  # type: ignore[index]
    assert len(alice.get("/v1/jobs?label=git-ref:x").json["data"]) == 1  # type: ignore[index]
