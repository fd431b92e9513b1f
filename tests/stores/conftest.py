"""The stores over this test's own database, broker and bucket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stores.container import Stores, open_stores
from stores.infra.settings import Settings
from stores.jobs.insert import NewJob
from tests.stores.maintenance.leftovers import Leaver


@pytest.fixture
def stores(service_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Stores]:
    """Return opened stores with the built-in data set."""
    for name, value in service_environment.items():
        monkeypatch.setenv(name, value)
    opened = open_stores(Settings(), pool_size=10)
    opened.datasets.register_known([])
    yield opened
    opened.close()


@pytest.fixture
def worker(stores: Stores) -> str:
    """Return the id of a registered worker of queue cpu."""
    return stores.fleet.workers.register("bench", "cpu", {"kind": "cpu"})


@pytest.fixture
def new_job(stores: Stores) -> Any:
    """Return a function that makes a NewJob of alice's."""
    dataset = stores.datasets.find("mnist-10k", None)
    assert dataset is not None

    def make(**changes: Any) -> NewJob:
        fields: dict[str, Any] = {
            "owner": "alice",
            "kind": "train",
            "recipe": "mlp_gan",
            "preset": None,
            "dataset": "mnist-10k",
            "dataset_id": dataset["id"],
            "params": {},
            "seed": 0,
            "queue": "cpu",
            "priority": 0,
            "name": None,
            "labels": {},
            "max_attempts": 3,
            "max_runtime_s": None,
        }
        return NewJob(**{**fields, **changes})

    return make


@pytest.fixture
def leaver(stores: Stores, worker: str, new_job: Any, tmp_path: Path) -> Leaver:
    """Return a worker that is moved by hand and leaves files."""
    return Leaver(stores, worker, new_job, tmp_path)
