"""A client that follows a job over a broken connection sees every event once."""

from __future__ import annotations

import itertools
import os
import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ganforge.client import Client
from ganforge.errors import UnreachableError
from ganforge.stack import processes
from ganforge.stack.child import Child
from ganforge.stack.home import Home
from ganforge.stack.ports import free_port
from ganforge.stack.services import Services
from models.views import Event
from tests.waiting import until

# Its fixtures start servers and an API.
pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Services, Child]]:
    """Return running servers and an API over them that a test may kill and start again."""
    home = Home(tmp_path_factory.mktemp("following"))
    with Services(home, durable=False) as services:
        env = {**os.environ, **services.environment(), "GANFORGE_PORT": str(free_port()), "GANFORGE_API_PROCESSES": "1"}
        setup = processes.setup(home, env)
        services.run(setup)
        assert setup.wait(60) == 0, setup.last_lines()
        api = processes.api(home, env)
        services.run(api)
        yield services, api


@pytest.fixture
def client(server: tuple[Services, Child]) -> Iterator[Client]:
    services, api = server
    with Client(f"http://127.0.0.1:{api.env['GANFORGE_PORT']}", _key(services.home.path)) as client:
        until(lambda: _ready(client), 60, "the API")
        yield client


def _key(home: Path) -> str:
    return (home / "admin.key").read_text().strip()


def _ready(client: Client) -> bool:
    try:
        return client.ready()["status"] == "ready"
    except UnreachableError:
        return False


def test_events_made_while_the_api_is_down_and_after_arrive_once_and_in_order(
    client: Client, server: tuple[Services, Child]
) -> None:
    services, api = server
    job = client.train("mlp_gan", "mnist-10k", params={"epochs": 1})
    seen: queue.Queue[Event | None] = queue.Queue()
    breaks: list[str] = []

    def follow() -> None:
        for event in client.events(job["id"], on_break=breaks.append):
            seen.put(event)
        seen.put(None)

    reader = threading.Thread(target=follow)
    reader.start()
    first = seen.get(timeout=60)
    api.kill()
    until(lambda: breaks, 60, "the client to notice")
    services.run(api)
    until(lambda: _ready(client), 60, "the API's return")
    client.cancel(job["id"])
    rest = list(iter(lambda: seen.get(timeout=60), None))
    reader.join(timeout=60)
    assert [event["seq"] for event in (first, *rest)] == list(range(1, len(rest) + 2))
    assert rest[-1]["data"]["to"] == "canceled"


def test_following_a_finished_job_from_its_last_event_ends_at_once(client: Client) -> None:
    job = client.train("mlp_gan", "mnist-10k", params={"epochs": 1})
    last = client.cancel(job["id"])["last_seq"]
    assert [event["seq"] for event in client.events(job["id"])] == list(range(1, last + 1))
    assert list(client.events(job["id"], after=last)) == []


def test_the_stream_over_all_jobs_tells_of_new_ones(client: Client) -> None:
    seen: queue.Queue[Event] = queue.Queue()

    def follow() -> None:
        for event in itertools.islice(client.all_events(), 1):
            seen.put(event)

    reader = threading.Thread(target=follow)
    reader.start()
    made: list[str] = []

    def told() -> bool:
        # The stream begins at the moment it is opened, which nobody outside can see: so there is always one more job.
        made.append(client.train("mlp_gan", "mnist-10k", params={"epochs": 1})["id"])
        return not seen.empty()

    until(told, 60, "an event")
    reader.join(timeout=60)
    assert seen.get()["job"] in made


def test_a_service_that_stays_away_is_given_up_after_the_patience(client: Client) -> None:
    job = client.train("mlp_gan", "mnist-10k", params={"epochs": 1})
    with (
        Client(f"http://127.0.0.1:{free_port()}", "gf_x") as nobody,
        pytest.raises(UnreachableError, match="no contact"),
    ):
        list(nobody.events(job["id"], patience=0.5))


def test_sending_the_same_submission_again_makes_no_second_job(client: Client) -> None:
    request = {"kind": "train", "recipe": "mlp_gan", "dataset": "mnist-10k", "params": {"epochs": 1}}
    first = client.submit(request, idempotency_key="once")
    assert client.submit(request, idempotency_key="once")["id"] == first["id"]
