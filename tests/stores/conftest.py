"""The stores over this test's own database, broker and bucket."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from stores.container import Stores, open_stores
from stores.infra.settings import Settings
from tests.new_job import new_job_of_alice
from tests.stores.maintenance.leftovers import Leaver


@pytest.fixture
def stores(service_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Stores]:
    """Return opened stores with the built-in data set."""
    for name, value in service_environment.items():
        monkeypatch.setenv(name, value)
    opened = open_stores(Settings(), pool_size=20)
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
    return partial(new_job_of_alice, stores)


@pytest.fixture
def leaver(stores: Stores, worker: str, new_job: Any, tmp_path: Path) -> Leaver:
    """Return a worker that is moved by hand and leaves files."""
    return Leaver(stores, worker, new_job, tmp_path)
