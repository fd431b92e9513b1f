"""A job before it is stored, as placement leaves it: for tests that store jobs without a request."""

from __future__ import annotations

from typing import Any

from stores.container import Stores
from stores.jobs.insert import NewJob


def new_job_of_alice(stores: Stores, **changes: Any) -> NewJob:
    """Return a training job of alice's on the built-in digits, with these columns changed."""
    dataset = stores.datasets.find("mnist-10k", None)
    assert dataset is not None
    columns: dict[str, Any] = {
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
    return NewJob(**{**columns, **changes})
