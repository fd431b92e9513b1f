"""The application of tests/api, whose metrics page the dashboards and alerts are compared with."""

from __future__ import annotations

from tests.api.conftest import (
    _compiled_routes,
    _compiled_templates,
    alice,
    app,
    bench,
    finished,
    settings,
    stores,
    worker,
)

__all__ = [
    "_compiled_routes",
    "_compiled_templates",
    "alice",
    "app",
    "bench",
    "finished",
    "settings",
    "stores",
    "worker",
]
