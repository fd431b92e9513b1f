"""Names, owners and labels hold nothing that steers a terminal. Older ones that do are masked in a retry."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from stores.container import Stores
from stores.infra.settings import Settings
from tests.api.conftest import TRAIN, Finished, Person, Pointers

TITLE = "\x1b]0;owned\x07"
STEERING = [TITLE, "a\rb", "a\nb", "a\tb", "a\x7f", "a\x9b2J", "a\u2028b", "a\u202eb", "a\u2066b"]


@pytest.mark.parametrize("name", STEERING)
def test_a_job_takes_no_name_that_steers_a_terminal(alice: Person, pointers: Pointers, name: str) -> None:
    job = alice.submit()["id"]
    refused = f"must not contain U+{ord(name.lstrip('a')[0]):04X}, which is invisible or changes the text beside it"
    assert pointers(alice.post("/v1/jobs", json={**TRAIN, "name": name})) == {"/name": refused}
    assert pointers(alice.ask("PATCH", f"/v1/jobs/{job}", json={"name": name})) == {"/name": refused}


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/jobs", {**TRAIN, "labels": {"team": TITLE}}, "/labels/team"),
        ("/v1/jobs", {**TRAIN, "labels": {TITLE: "a"}}, "/labels"),
        ("/v1/keys", {"name": TITLE}, "/name"),
        ("/v1/keys", {"name": "a", "owner": TITLE}, "/owner"),
    ],
)
def test_labels_keys_and_owners_are_plain_too(
    admin: Person, pointers: Pointers, path: str, body: dict[str, Any], field: str
) -> None:
    ((pointer, detail),) = pointers(admin.post(path, json=body)).items()
    assert pointer.startswith(field)
    assert "must not contain U+001B" in detail


@pytest.mark.parametrize("name", ["digits, 5 epochs", "می‌خواهم", "👩‍🔬 क्‍ष", "数字 3", "naïve – “x”"])
def test_words_of_all_people_are_plain(alice: Person, admin: Person, name: str) -> None:
    assert alice.submit(name=name, labels={name: name})["labels"] == {name: name}
    assert admin.post("/v1/keys", json={"name": name}).json["owner"] == name  # type: ignore[index]


def test_a_job_of_an_older_version_can_be_retried_and_its_texts_are_masked(
    finished: Finished, alice: Person, stores: Stores
) -> None:
    with stores.infra.engine.begin() as connection:
        values = {"name": TITLE, "labels": '{"te\\u001bam": "a\\u009bb"}'}
        connection.execute(text("UPDATE jobs SET name = :name, labels = CAST(:labels AS jsonb)"), values)
    again = alice.post(f"/v1/jobs/{finished.id}/retry", json={})
    assert again.status_code == 201, again.text
    assert again.json["name"] == "\ufffd]0;owned\ufffd"  # type: ignore[index]
    assert again.json["labels"] == {"te\ufffdam": "a\ufffdb"}  # type: ignore[index]
    order = {"action": "retry", "filter": {"state": "succeeded"}, "expected": 1}
    assert alice.post("/v1/jobs/bulk", json=order).json["changed"] == 1  # type: ignore[index]


def test_a_worker_takes_no_name_that_steers_a_terminal(settings: Settings) -> None:
    with pytest.raises(ValidationError, match=r"must not contain U\+001B"):
        Settings(**{**settings.model_dump(), "worker_name": TITLE})
