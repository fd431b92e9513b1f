"""Event streams, over a real server with two processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from ganforge.stack.ports import free_port
from ganforge.stack.services import Services
from models.states import Outcome
from stores.accounts.audit import Local
from stores.container import Stores
from stores.infra.settings import Settings
from tests.api.conftest import Bench, Finished, Person
from tests.api.server import ROOT, Line, Server, stream
from tests.waiting import until

# The tables of jobs and all that belongs to them; those that others refer to come last.
JOBS = ("curve_levels", "metrics", "events", "idempotency", "artifacts", "attempts", "jobs", "workers")


@pytest.fixture(scope="module")
def environment(services: Services, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return what leads to one database for all tests here, set up as it is in earnest: servers start slowly."""
    made = {**services.environment(), "GANFORGE_HOME": str(tmp_path_factory.mktemp("streams"))}
    subprocess.run([sys.executable, "-m", "api.setup"], cwd=ROOT, env={**os.environ, **made}, check=True)
    return made


@pytest.fixture(scope="module")
def settings(environment: dict[str, str]) -> Settings:
    """Return the settings of the server."""
    return Settings(**{name.removeprefix("GANFORGE_").lower(): value for name, value in environment.items()})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def server(environment: dict[str, str]) -> Iterator[Server]:
    """Return a running server with two processes."""
    running = Server(environment, free_port(), Path(environment["GANFORGE_HOME"]) / "api.log")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def small(environment: dict[str, str], tmp_path: Path) -> Iterator[Server]:
    """Return a server of this test's own: one process, two streams at most."""
    limits = {"GANFORGE_MAX_STREAMS": "2", "GANFORGE_API_PROCESSES": "1", "GANFORGE_HOME": str(tmp_path)}
    running = Server({**environment, **limits}, free_port(), tmp_path / "api.log")
    running.start()
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def _clean(stores: Stores) -> None:
    """Forget the jobs and people of the test before."""
    with stores.infra.engine.begin() as connection:
        # The audit cannot be emptied, and names the keys: they are revoked instead.
        # No TRUNCATE: it locks out the server's readers, and each may then wait for the other.
        for table in JOBS:
            connection.execute(text(f"DELETE FROM {table}"))
        connection.execute(text("UPDATE keys SET revoked_at = now() WHERE revoked_at IS NULL"))


class Watcher:
    """Follows a stream in a thread of its own, as a browser would."""

    def __init__(self, url: str, key: str, last_id: str | None = None, session: str | None = None) -> None:
        self.seen: list[Line] = []
        self.connected = threading.Event()
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._follow, args=(url, key, last_id, session), daemon=True)
        self._thread.start()
        assert self.connected.wait(60)

    def _follow(self, url: str, key: str, last_id: str | None, session: str | None) -> None:
        try:
            with stream(url, key, last_id, session) as events:
                for event in events:
                    self.seen.append(event)
                    self.connected.set()
        except httpx.TransportError as error:
            self.error = error

    @property
    def ids(self) -> list[str]:
        """The ids that came."""
        return [event.id for event in self.seen if event.id is not None]

    def ended(self, timeout: float = 60) -> bool:
        """Wait for the end of the stream."""
        self._thread.join(timeout)
        return not self._thread.is_alive()


def test_a_stream_replays_then_follows_then_ends(server: Server, alice: Person, bench: Bench) -> None:
    job = alice.submit()["id"]
    url = f"{server.url}/v1/jobs/{job}/events"
    watcher = Watcher(url, alice.key)
    until(lambda: watcher.ids == ["1"], 60)
    claim = bench.claim()
    for step in range(1, 21):
        bench.metric(claim, step, d_loss=1.0 / step)
    bench.finish(claim)
    assert watcher.ended()
    assert watcher.seen[0].retry == "3000"
    assert watcher.ids == [str(n) for n in range(1, 24)]
    last = watcher.seen[-1]
    assert (last.fields, last.event, last.data) == (["event", "data"], "end", {})
    metric = watcher.seen[3]
    assert metric.fields == ["id", "event", "data"]
    assert (metric.id, metric.event) == ("3", "metric")
    assert set(metric.data) == {"seq", "job", "at", "attempt", "type", "data"}
    assert (metric.data["seq"], metric.data["job"], metric.data["type"]) == (3, job, "metric")
    assert metric.data["data"] == {"epoch": 1, "steps": [1], "values": {"d_loss": [1.0]}}
    assert [event.data for event in watcher.seen if event.id] == alice.get(f"/v1/jobs/{job}/events?limit=100").json[
        "data"
    ]


def test_a_stream_continues_where_the_last_one_broke_off(server: Server, finished: Finished, alice: Person) -> None:
    url = f"{server.url}/v1/jobs/{finished.id}/events"
    with stream(url, alice.key, last_id="5") as events:
        assert [(event.id, event.event) for event in events if event.event] == [
            ("6", "grid"),
            ("7", "state"),
            (None, "end"),
        ]
    with stream(f"{url}?after=6", alice.key) as events:
        assert [event.id for event in events if event.event] == ["7", None]
    with stream(f"{url}?after=2", alice.key, last_id="6") as events:
        assert [event.id for event in events if event.event] == ["7", None]


def test_after_the_last_event_there_is_nothing(finished: Finished, alice: Person) -> None:
    url = f"/v1/jobs/{finished.id}/events"
    headers = {"Accept": "text/event-stream"}
    answer = alice.get(url, headers={**headers, "Last-Event-ID": "7"})
    assert (answer.status_code, answer.data) == (204, b"")
    assert alice.get(f"{url}?after=7", headers=headers).status_code == 204


@pytest.mark.parametrize("last", ["8", "-1", "x", "1.0", "9" * 30, "\u0661", "job:1"])
def test_an_id_that_the_job_has_not_is_refused(finished: Finished, alice: Person, last: str) -> None:
    headers = {"Accept": "text/event-stream", "Last-Event-ID": last.encode().decode("latin-1")}
    answer = alice.get(f"/v1/jobs/{finished.id}/events", headers=headers)
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "/header/Last-Event-ID"


def test_forty_streams_on_both_processes_see_everything(server: Server, alice: Person, bench: Bench) -> None:
    job = alice.submit()["id"]
    watchers = [Watcher(f"{server.url}/v1/jobs/{job}/events", alice.key) for _ in range(40)]
    claim = bench.claim()
    for step in range(1, 51):
        bench.metric(claim, step, d_loss=1.0)
        if step % 10 == 0:
            assert httpx.get(f"{server.url}/healthz", timeout=60).status_code == 200
    bench.finish(claim)
    expected = [str(n) for n in range(1, 54)]
    for watcher in watchers:
        assert watcher.ended()
        assert watcher.ids == expected
    for process in server.workers():
        assert process.memory_info().rss < 200e6
        assert not any("torch" in mapped.path for mapped in process.memory_maps())


def test_hints_that_are_lost_are_found_in_the_rows(
    server: Server, alice: Person, bench: Bench, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = alice.submit()["id"]
    watcher = Watcher(f"{server.url}/v1/jobs/{job}/events", alice.key)
    until(lambda: watcher.ids == ["1"], 60)
    monkeypatch.setattr(stores.jobs._bus, "_redis", _Deaf(stores.jobs._bus._redis))
    claim = bench.claim()
    bench.metric(claim, 1, d_loss=1.0)
    until(lambda: watcher.ids == ["1", "2", "3"], 60, "events without hints")
    monkeypatch.undo()
    bench.finish(claim)
    assert watcher.ended()
    assert watcher.ids == ["1", "2", "3", "4"]


class _Deaf:
    """A connection to the broker whose messages get lost, as they do when the broker restarts."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def publish(self, *_message: Any) -> int:
        return 0


def test_a_stream_ends_when_its_key_is_revoked(server: Server, alice: Person, stores: Stores) -> None:
    job = alice.submit()["id"]
    watcher = Watcher(f"{server.url}/v1/jobs/{job}/events", alice.key)
    stores.accounts.keys.revoke(alice.key_id, Local("root"))
    assert watcher.ended()
    assert watcher.seen[-1].event != "end"


def test_the_streams_of_a_session_end_when_it_is_signed_out(server: Server, alice: Person, stores: Stores) -> None:
    who = stores.accounts.keys.authenticate(alice.key)
    assert who
    closed, open_still = stores.accounts.sessions.open(who), stores.accounts.sessions.open(who)
    paths = (f"/v1/jobs/{alice.submit()['id']}/events", "/v1/events")
    ending = [Watcher(server.url + path, "", session=closed) for path in paths]
    staying = Watcher(server.url + paths[0], "", session=open_still)
    stores.accounts.sessions.end(closed)
    assert all(watcher.ended() for watcher in ending)
    assert not staying.ended(1)
    stores.accounts.keys.revoke(alice.key_id, Local("root"))
    assert staying.ended()


def test_open_streams_do_not_hold_up_a_shutdown(small: Server, alice: Person) -> None:
    job = alice.submit()["id"]
    watchers = [Watcher(f"{small.url}/v1/jobs/{job}/events", alice.key), Watcher(f"{small.url}/v1/events", alice.key)]
    began = time.monotonic()
    small.stop()
    assert time.monotonic() - began < 20
    assert all(watcher.ended() for watcher in watchers)


def test_streams_beyond_the_cap_are_told_to_come_again(small: Server, alice: Person) -> None:
    job = alice.submit()["id"]
    url = f"{small.url}/v1/jobs/{job}/events"
    headers = {"Authorization": f"Bearer {alice.key}", "Accept": "text/event-stream"}
    with stream(url, alice.key) as first, stream(url, alice.key) as second:
        assert [next(first).retry, next(second).retry] == ["3000", "3000"]
        refused = httpx.get(url, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert int(refused.headers["Retry-After"]) > 0
        assert httpx.get(f"{small.url}/v1/jobs", headers=headers).status_code == 200
        assert "ganforge_open_streams 2.0" in httpx.get(f"{small.url}/metrics").text
    # The server notices that a reader has gone when it writes to it.
    alice.post(f"/v1/jobs/{job}/cancel")
    until(lambda: "ganforge_open_streams 0.0" in httpx.get(f"{small.url}/metrics").text, 60)


def test_the_feed_shows_what_its_reader_may_see(
    server: Server, alice: Person, bob: Person, admin: Person, bench: Bench
) -> None:
    before = alice.submit()["id"]
    watchers = {who: Watcher(f"{server.url}/v1/events", who.key) for who in (alice, bob, admin)}
    mine, theirs = alice.submit()["id"], bob.submit()["id"]
    bench.finish(bench.claim())
    until(lambda: len(watchers[admin].ids) == 4, 60, "four events of everybody's")
    assert watchers[admin].ids[:2] == [f"{mine}:1", f"{theirs}:1"]
    assert watchers[admin].ids[2:] == [f"{before}:2", f"{before}:3"]
    until(lambda: len(watchers[alice].ids) == 3, 60)
    assert watchers[alice].ids == [f"{mine}:1", f"{before}:2", f"{before}:3"]
    until(lambda: watchers[bob].ids == [f"{theirs}:1"], 60)
    again = Watcher(f"{server.url}/v1/events", alice.key, last_id=f"{before}:2")
    until(lambda: again.ids == [f"{before}:3"], 60, "the feed after a position")
    bob.post(f"/v1/jobs/{theirs}/cancel")
    until(lambda: watchers[bob].ids == [f"{theirs}:1", f"{theirs}:2"], 60)
    assert len(watchers[alice].ids) == 3


@pytest.mark.parametrize("last", ["x", "7", "job_1:1", ":", "job:", "job_0198c0de-0000-7000-8000-000000000000:1"])
def test_a_place_that_the_feed_has_not_is_refused(alice: Person, last: str) -> None:
    answer = alice.get("/v1/events", headers={"Last-Event-ID": last})
    assert answer.status_code == 422


def test_a_place_of_a_strangers_job_is_refused(finished: Finished, bob: Person, alice: Person) -> None:
    assert bob.get("/v1/events", headers={"Last-Event-ID": f"{finished.id}:1"}).status_code == 422


def test_an_interrupted_job_goes_on_in_the_same_stream(server: Server, alice: Person, bench: Bench) -> None:
    job = alice.submit()["id"]
    watcher = Watcher(f"{server.url}/v1/jobs/{job}/events", alice.key)
    bench.finish(bench.claim(), Outcome.interrupted)
    bench.finish(bench.claim())
    assert watcher.ended()
    states = [event.data["data"]["to"] for event in watcher.seen if event.event == "state"]
    assert states == ["queued", "running", "queued", "running", "succeeded"]
