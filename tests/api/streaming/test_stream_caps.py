"""How many streams a key may have, and what counts as one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from stores.infra.settings import Settings
from tests.api.conftest import Person
from tests.waiting import until

CAP = 2


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Return settings with two streams a key, and three in all."""
    return settings.model_copy(update={"streams_per_key": CAP, "max_streams": CAP + 1})


def follow(who: Person, path: str = "/v1/events") -> TestResponse:
    """Open a stream."""
    return who.get(path, headers={"Accept": "text/event-stream"}, buffered=False)


def test_a_key_with_its_limit_of_streams_is_told_so_and_others_are_served(alice: Person, bob: Person) -> None:
    job = alice.submit()["id"]
    with ExitStack() as kept:
        first = follow(alice)
        kept.callback(follow(alice, f"/v1/jobs/{job}/events").close)
        for refused in (follow(alice), alice.get(f"/v1/jobs/{job}", headers={"Prefer": "wait=60"})):
            assert (refused.status_code, refused.json["code"]) == (429, "rate_limited")
            assert (refused.headers["Retry-After"], f"{CAP} open streams" in refused.json["detail"]) == ("5", True)
        assert alice.get(f"/v1/jobs/{job}").status_code == 200
        theirs = follow(bob)
        kept.callback(theirs.close)
        assert theirs.status_code == 200
        first.close()
        again = follow(alice)
        kept.callback(again.close)
        assert again.status_code == 200


def test_a_wait_for_a_change_counts_as_a_stream_until_it_ends(app: Flask, alice: Person) -> None:
    job = alice.submit()["id"]
    streams = app.extensions["ganforge"].streams
    with ThreadPoolExecutor() as beside:
        waiting = beside.submit(alice.get, f"/v1/jobs/{job}", headers={"Prefer": "wait=60"})
        until(lambda: streams.open == 1, 60, "the wait")
        with follow(alice), follow(alice) as refused:
            assert refused.status_code == 429
        alice.post(f"/v1/jobs/{job}/cancel")
        assert waiting.result(60).json["state"] == "canceled"
    assert streams.open == 0
