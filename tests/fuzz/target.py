"""The service under fuzz: its address, the keys of an admin, a user and a viewer, and ids of things that are there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from ganforge.stack.ports import free_port
from ganforge.stack.services import Services
from models.recipes import RECIPES
from models.states import Role
from stores.container import open_stores
from stores.infra.settings import Settings
from tests.api.conftest import TRAIN, Bench
from tests.api.server import ROOT, Server

ROLES = {Role.admin: "root", Role.user: "alice", Role.viewer: "alice"}


@dataclass(frozen=True)
class Target:
    """A running service."""

    url: str
    port: int
    document: dict[str, Any]
    keys: dict[Role, str]
    known: dict[str, list[str]]  # by the name of a parameter in a path
    log: Path

    def headers(self, role: Role) -> dict[str, str]:
        """Return the header that shows a key of this role."""
        return {"Authorization": f"Bearer {self.keys[role]}"}


@contextmanager
def running_target(services: Services, home: Path, database: str | None = None) -> Iterator[Target]:
    """Set the service up in a home, over a database (default: the services' own), start its API, and fill it."""
    environment = {**services.environment(), "GANFORGE_HOME": str(home / "fuzz")}
    if database is not None:
        environment["GANFORGE_DATABASE_URL"] = database
    subprocess.run([sys.executable, "-m", "api.setup"], cwd=ROOT, env={**os.environ, **environment}, check=True)
    server = Server(environment, free_port(), home / "api.log")
    server.start()
    try:
        yield _filled(server, environment, home)
    finally:
        server.stop()


def _filled(server: Server, environment: dict[str, str], home: Path) -> Target:
    """Make keys, and a finished, a running and two waiting jobs of alice's."""
    names = {name.removeprefix("GANFORGE_").lower(): value for name, value in environment.items()}
    stores = open_stores(Settings(**names))  # type: ignore[arg-type]
    try:
        keys = {role: stores.accounts.keys.create(f"fuzz {role}", owner, role)[1] for role, owner in ROLES.items()}
        spare, _ = stores.accounts.keys.create("spare", "nobody", Role.user)
        headers = {"Authorization": f"Bearer {keys[Role.user]}"}

        def made(path: str, body: object) -> dict[str, Any]:
            answer = requests.post(f"{server.url}/v1/{path}", json=body, headers=headers, timeout=60)
            assert answer.ok, answer.text
            found: dict[str, Any] = answer.json()
            return found

        jobs = [made("jobs", TRAIN) for _ in range(4)]
        worker = stores.fleet.workers.register("bench", "cpu", {"kind": "cpu"})
        bench = Bench(stores, worker, home)
        first = bench.claim()
        bench.metric(first, 1, d_loss=0.7, g_loss=1.1)
        checkpoint = bench.artifact(first, "checkpoint", "step-2.safetensors", b"weights", "application/octet-stream")
        grid = bench.artifact(first, "grid", "epoch-1.png", b"picture", "image/png")
        bench.finish(first)
        bench.claim()
        webhook = made("webhooks", {"url": "https://hooks.example.org", "events": ["job.alert"]})["id"]
        document = requests.get(f"{server.url}/openapi.json", timeout=60).json()
        known = {
            "job_id": [job["id"] for job in jobs],
            "artifact_id": [checkpoint, grid],
            "key_id": [spare["id"]],
            "dataset_id": [str(jobs[0]["dataset"])],
            "name": list(RECIPES),
            "queue": ["cpu", "gpu"],
            "worker_id": [worker],
            "webhook_id": [webhook],
            "delivery_id": [made(f"webhooks/{webhook}/test", {})["id"]],
            "share_id": [made(f"jobs/{jobs[0]['id']}/share", {})["id"]],
            "view_id": [made("views", {"name": "all"})["id"]],
            "policy_id": [made("retention", {"project": "digits", "grids_after_days": 3650})["id"]],
        }
        return Target(server.url, server.port, document, keys, known, server.log)
    finally:
        stores.close()
