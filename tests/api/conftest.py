"""The application over this test's own database, broker and bucket, and a cast: alice owns things, bob is a stranger,
carol may look at what alice owns, and the admin may do everything."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from jinja2 import BytecodeCache, FileSystemBytecodeCache
from werkzeug.datastructures import FileStorage
from werkzeug.routing import Rule
from werkzeug.test import Client, TestResponse, encode_multipart

from api.app import create_app
from models.ids import new_id
from models.states import EventType, Outcome, Role
from stores.container import Stores
from stores.infra.settings import Settings
from stores.jobs.attempts import NewArtifact
from stores.jobs.transitions import Claim, Ending
from tests.conftest import S3Settings

TRAIN = {"kind": "train", "recipe": "mlp_gan", "dataset": "mnist-10k", "params": {"epochs": 2}, "queue": "cpu"}


@dataclass(frozen=True)
class Person:
    """Somebody with a key."""

    client: Client
    key: str
    key_id: str

    def ask(self, method: str, path: str, **request: Any) -> TestResponse:
        """Send a request with this person's key."""
        headers = {"Authorization": f"Bearer {self.key}", **request.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, **request)

    def get(self, path: str, **request: Any) -> TestResponse:
        """Ask for something."""
        return self.ask("GET", path, **request)

    def post(self, path: str, **request: Any) -> TestResponse:
        """Make or start something."""
        return self.ask("POST", path, **request)

    def submit(self, **changes: Any) -> dict[str, Any]:
        """Create a training job; return it."""
        answer = self.post("/v1/jobs", json={**TRAIN, **changes})
        assert answer.status_code == 201, answer.text
        return dict(answer.json or {})


@pytest.fixture
def settings(service_environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return settings that lead to this test's own servers and home."""
    for name, value in service_environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GANFORGE_HOME", str(tmp_path / "home"))
    return Settings()


@pytest.fixture(scope="session")
def _compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> BytecodeCache:
    """Keep compiled templates for the tests that follow: each test's application would compile them again."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture(scope="session")
def _compiled_routes() -> Iterator[None]:
    """Keep for the tests that follow what Werkzeug compiles of a route, a third of what an application costs."""
    kept: dict[tuple[Any, ...], Any] = {}
    compile_route = Rule._compile_builder

    def once(rule: Rule, append_unknown: bool = True) -> Any:
        key = (rule.rule, tuple(rule._trace), str(rule.defaults), append_unknown)
        if key not in kept:
            kept[key] = compile_route(rule, append_unknown)
        return kept[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "_compile_builder", once)
        yield


@pytest.fixture
def app(settings: Settings, _compiled_templates: BytecodeCache, _compiled_routes: None) -> Iterator[Flask]:
    """Return the application, with the built-in data set."""
    made = create_app(settings)
    made.jinja_env.bytecode_cache = _compiled_templates
    service = made.extensions["ganforge"]
    service.stores.datasets.register_known(settings.roots)
    yield made
    service.hub.close()
    service.stores.close()


@pytest.fixture
def stores(app: Flask) -> Stores:
    """Return the application's own stores."""
    found: Stores = app.extensions["ganforge"].stores
    return found


def _person(app: Flask, owner: str, role: Role) -> Person:
    key, secret = app.extensions["ganforge"].stores.accounts.keys.create(f"key of {owner}", owner, role)
    return Person(app.test_client(), secret, key["id"])


@pytest.fixture
def admin(app: Flask) -> Person:
    """May do everything."""
    return _person(app, "root", Role.admin)


@pytest.fixture
def alice(app: Flask) -> Person:
    """Owns things."""
    return _person(app, "alice", Role.user)


@pytest.fixture
def bob(app: Flask) -> Person:
    """A stranger."""
    return _person(app, "bob", Role.user)


@pytest.fixture
def carol(app: Flask) -> Person:
    """Sees what alice owns, changes nothing."""
    return _person(app, "alice", Role.viewer)


@pytest.fixture
def worker(stores: Stores) -> str:
    """Return the id of a live worker of queue cpu."""
    return stores.fleet.workers.register("bench", "cpu", {"kind": "cpu"})


class Bench:
    """Does by hand what a supervisor does, so that the API has something to show."""

    def __init__(self, stores: Stores, worker: str, folder: Path) -> None:
        self.stores = stores
        self.worker = worker
        self._folder = folder

    def claim(self) -> Claim:
        """Take the next job of queue cpu."""
        claim = self.stores.jobs.claim("cpu", self.worker, "cpu")
        assert claim is not None
        return claim

    def metric(self, claim: Claim, step: int, **values: float) -> None:
        """Tell of the losses at one step."""
        data = {"epoch": 1, "steps": [step], "values": {name: [value] for name, value in values.items()}}
        self.stores.jobs.progress(claim, [(EventType.metric, data)], progress={"epoch": 1, "step": step})

    def artifact(self, claim: Claim, kind: str, name: str, content: bytes, content_type: str) -> str:
        """Store an object and make it visible; return the artifact's id."""
        made = new_id("art")
        path = self._folder / made
        path.write_bytes(content)
        key = f"jobs/{claim.job_id}/{made}"
        self.stores.infra.blobs.put(key, path, content_type)
        digest = hashlib.sha256(content).hexdigest()
        new = NewArtifact(made, kind, name, 1, 1, len(content), digest, content_type, key)
        self.stores.jobs.add_artifact(claim, new)
        return made

    def finish(self, claim: Claim, outcome: Outcome = Outcome.succeeded) -> None:
        """End the attempt."""
        self.stores.jobs.finish(claim, Ending(outcome))


@pytest.fixture
def bench(stores: Stores, worker: str, tmp_path: Path) -> Bench:
    """Return a worker of queue cpu that is moved by hand."""
    return Bench(stores, worker, tmp_path)


@dataclass(frozen=True)
class Finished:
    """A job of alice's that has succeeded, with two metrics, a checkpoint and a grid."""

    id: str
    checkpoint: str
    grid: str


@pytest.fixture
def finished(alice: Person, bench: Bench) -> Finished:
    """Return a job of alice's that has succeeded."""
    job = alice.submit(name="digits", labels={"team": "a"})
    claim = bench.claim()
    bench.metric(claim, 1, d_loss=0.7, g_loss=1.1)
    bench.metric(claim, 2, d_loss=0.6, g_loss=1.2)
    checkpoint = bench.artifact(claim, "checkpoint", "step-2.safetensors", b"weights", "application/octet-stream")
    grid = bench.artifact(claim, "grid", "epoch-1.png", b"picture", "image/png")
    bench.finish(claim)
    return Finished(job["id"], checkpoint, grid)


Pointers = Callable[[TestResponse], dict[str, str]]


@pytest.fixture
def pointers() -> Pointers:
    """Return a function that gives the errors of a 422 by pointer."""

    def read(answer: TestResponse) -> dict[str, str]:
        assert answer.status_code == 422, answer.text
        assert answer.mimetype == "application/problem+json"
        return {error["pointer"]: error["detail"] for error in answer.json["errors"]}  # type: ignore[index]

    return read


Upload = Callable[..., TestResponse]


@pytest.fixture
def upload() -> Upload:
    """Return a function that sends an archive with somebody's key."""

    def send(person: Person, archive: bytes, name: str = "pets", **fields: str) -> TestResponse:
        boundary, data = encode_multipart({"name": name, **fields, "file": FileStorage(io.BytesIO(archive), "archive")})
        return person.post("/v1/datasets", data=data, content_type=f"multipart/form-data; boundary={boundary}")

    return send


@pytest.fixture
def nothing_left(settings: Settings, stores: Stores, s3: S3Settings) -> Callable[[], bool]:
    """Return a function that tells whether no upload has left a file, an object or a row."""

    def look() -> bool:
        stores.maintenance.doomed_objects.remove("")  # as the sweeper does
        spooled = list((settings.home / "uploads").glob("*"))
        listed = s3.client().list_objects(s3.bucket, prefix="datasets/", recursive=True)
        every = stores.datasets.page(None, 100, None)
        rows = [row for row in every if row["source"] == "uploaded"]
        # Those that come with the service are shown too.
        shared = {f"datasets/{row['id']}/preview.png" for row in every if row["source"] != "uploaded"}
        objects = [one.object_name for one in listed if one.object_name not in shared]
        assert (spooled, objects, rows) == ([], [], [])
        return True

    return look
