"""The lease of an attempt, as its thread renews it."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import func, select, update

from models.rows import Job
from stores.container import Stores, open_stores
from stores.infra.settings import Settings
from stores.infra.sql import seconds
from tests.new_job import new_job_of_alice
from tests.waiting import until
from worker.lease import Lease


@pytest.fixture
def stores(service_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return stores whose leases are renewed once an hour."""
    for name, value in {**service_environment, "GANFORGE_RENEW_S": "3600", "GANFORGE_LEASE_S": "7200"}.items():
        monkeypatch.setenv(name, value)
    opened = open_stores(Settings())
    opened.datasets.register_known([])
    yield opened
    opened.close()


def test_the_first_look_renews_a_lease_that_is_nearly_over(stores: Stores) -> None:
    stores.jobs.submit(new_job_of_alice(stores))
    claim = stores.jobs.claim("cpu", stores.fleet.workers.register("w", "cpu", {"kind": "cpu"}), "cpu")
    assert claim is not None
    with stores.infra.engine.begin() as connection:
        connection.execute(update(Job).values(lease_until=func.now() + seconds(60)))

    def renewed() -> bool:
        with stores.infra.engine.connect() as connection:
            return bool(connection.scalar(select(Job.lease_until > func.now() + seconds(3600))))

    over = threading.Event()
    lease = Lease(stores, claim, over, lambda _: None, lambda _: None)
    lease.start()
    try:
        until(renewed, 60, "a renewed lease")
    finally:
        over.set()
        lease.join(60)
