"""What a trainer is told: the claimed row with everything looked up, as plain JSON."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import structlog

from models.states import ErrorCode
from stores.container import Stores
from stores.datasets import discovery
from stores.infra.errors import BlobError, NotFoundError
from stores.jobs.transitions import Claim
from worker.datasets import Cache, UnfetchableError
from worker.device import Device
from worker.retry import patiently

log = structlog.get_logger(__name__)


class CannotStartError(Exception):
    """The job cannot run as it stands; the message says why."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def build_spec(
    stores: Stores, claim: Claim, device: Device, scratch: Path, given_up: threading.Event
) -> tuple[dict[str, Any], list[str]]:
    """Return the spec and warnings for whoever watches the job. Fetches the checkpoint that it starts from.

    Raises:
        CannotStartError: no data set or no checkpoint to start from.
        GivenUpError: the attempt ended, or was asked to end, while a store was waited for.
    """
    job = claim.job
    spec: dict[str, Any] = {
        "kind": job["kind"],
        "job": claim.job_id,
        "attempt": claim.attempt,
        "recipe": job["recipe"],
        "params": device.suited(job["params"]),
        "device": device.torch,
        "threads": device.threads,
        "scratch": str(scratch),
        "cache": str(stores.settings.home.absolute() / "cache"),
        "data_roots": [str(root) for root in stores.settings.roots],
    }
    if job["dataset_id"] is not None:
        spec["dataset"] = _dataset(stores, job, scratch, given_up)
    if job["kind"] == "sample":
        spec["checkpoint"] = _source(stores, job, scratch, given_up)
        return spec, []
    resume, warnings = _resume(stores, job, scratch, given_up)
    spent = job["spent_s"]
    limit = job["max_runtime_s"]
    spec |= {
        "seed": job["seed"],
        "resume": resume,
        "stop_after_s": None if limit is None else max(0.0, limit - spent),
    }
    return spec, warnings


def _dataset(stores: Stores, job: dict[str, Any], scratch: Path, given_up: threading.Event) -> dict[str, Any]:
    row = patiently(lambda: stores.datasets.find(job["dataset_id"], None), given_up)
    if row is not None and row["source"] == "uploaded":
        try:
            path = Cache(stores).fetch(row, scratch, given_up)
        except UnfetchableError as error:
            raise CannotStartError(ErrorCode.invalid_dataset, str(error)) from error
        facts = {name: row[name] for name in ("name", "source", "shape", "classes", "parts", "sha256")}
        return {**facts, "layout": "packed", "folder": "", "path": str(path)}
    spec = None if row is None else discovery.dataset_spec(row, stores.settings.roots)
    if spec is None:
        raise CannotStartError(
            ErrorCode.invalid_dataset,
            f"data set {job['dataset']} is not known to this worker; GET /v1/datasets lists all",
        )
    return spec


def _source(stores: Stores, job: dict[str, Any], scratch: Path, given_up: threading.Event) -> str:
    artifact_id = job["source_artifact"]
    if artifact_id is not None:
        path = _fetch(stores, artifact_id, scratch / "source.safetensors", given_up)
        if path is not None:
            return str(path)
    raise CannotStartError(
        ErrorCode.checkpoint_corrupt,
        f"the checkpoint to sample from is gone or damaged (job {job['source']['job']}); sample from another one",
    )


def _resume(
    stores: Stores, job: dict[str, Any], scratch: Path, given_up: threading.Event
) -> tuple[str | None, list[str]]:
    """Fetch the newest checkpoint that is whole; say so when it is not the newest one there was.

    A retry that has none of its own yet starts from the one of its parent that it was made with.
    """
    checkpoints = patiently(lambda: stores.reports.checkpoints(job["id"]), given_up)
    warnings: list[str] = []
    for artifact in checkpoints:
        path = _fetch(stores, artifact["id"], scratch / "resume.safetensors", given_up)
        if path is not None:
            return str(path), warnings
        warnings.append(f"checkpoint of step {artifact['step']} is gone or damaged; going back to the one before")
    if job["source"] is not None:
        path = job["source_artifact"] and _fetch(
            stores, job["source_artifact"], scratch / "resume.safetensors", given_up
        )
        if path:
            return str(path), warnings
        raise CannotStartError(
            ErrorCode.checkpoint_corrupt,
            f"the checkpoint to start from is gone or damaged (job {job['source']['job']}); retry from another one, or "
            "from zero",
        )
    if warnings:
        raise CannotStartError(
            ErrorCode.checkpoint_corrupt, "no checkpoint of this job can be read back; retry from zero"
        )
    return None, []


def _fetch(stores: Stores, artifact_id: str, path: Path, given_up: threading.Event) -> Path | None:
    """Fetch an artifact; None when its object is gone or its bytes are not those that were stored."""

    def get() -> Path | None:
        try:
            artifact, key = stores.reports.artifact(artifact_id, None)
            stores.blobs.get(key, path, artifact["sha256"])
        except NotFoundError:
            return None
        except BlobError as error:
            if "damaged" in str(error):
                log.exception("object_damaged", artifact=artifact_id)
                return None
            raise
        return path

    return patiently(get, given_up)
