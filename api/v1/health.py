"""Health checks: liveness and readiness."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlowError
from typing import Any

import redis
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from api.http.access import Access
from api.http.problems import ProblemError
from api.http.routes import Call, Routes
from api.schemas import answers
from api.schemas.queries import Query
from models.messages import ServiceFaults
from stores.container import Stores
from stores.infra.errors import BlobError

routes = Routes("service")

PATIENCE_S = 2.0
# Anybody may ask, any number at a time. A balancer that asks every few seconds sees no difference.
FRESH_S = 1.0


@routes.add("GET", "/healthz", Access.public, answers={200: answers.Health})
def is_alive(_call: Call[Query, None]) -> dict[str, Any]:
    """Check that the process answers."""
    return {"status": "ok"}


@routes.add("GET", "/readyz", Access.public, answers={200: answers.Readiness})
def is_ready(call: Call[Query, None]) -> dict[str, Any]:
    """Check that the database, the broker and the object store answer: at most once a second for all who ask."""
    checks = call.service.readiness.get()
    if silent := [name for name, found in checks.items() if found != "ok"]:
        message = ServiceFaults.not_ready(parts=", ".join(silent))
        raise ProblemError("unavailable", message, headers={"Retry-After": "2"}, checks=checks)
    return {"status": "ready", "checks": checks}


def check(stores: Stores) -> dict[str, str]:
    """Return "ok" or the error of each dependency of the service; all are checked in parallel."""
    parts: dict[str, Callable[[], None]] = {
        "database": lambda: _ask_database(stores),
        "broker": stores.events.bus.ping,
        "object_store": stores.infra.blobs.ping,
    }
    pool = ThreadPoolExecutor(max_workers=len(parts))
    asked = {name: pool.submit(ask) for name, ask in parts.items()}
    pool.shutdown(wait=False)
    checks = {}
    for name, answer in asked.items():
        try:
            answer.result(timeout=PATIENCE_S)
            checks[name] = "ok"
        except TooSlowError:
            checks[name] = f"no answer within {PATIENCE_S:.0f} s"
        except (SQLAlchemyError, redis.RedisError, BlobError) as error:
            checks[name] = f"does not answer ({type(error).__name__})"
    return checks


def _ask_database(stores: Stores) -> None:
    with stores.infra.engine.connect() as connection:
        connection.execute(text("SELECT 1"))
