"""The sweeper is tested beside real supervisors, with the same fixtures."""

from __future__ import annotations

from tests.worker.conftest import fleet, shared_supervisor, stores, submit

__all__ = ["fleet", "shared_supervisor", "stores", "submit"]
