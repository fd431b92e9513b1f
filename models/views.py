"""What a reader sees of a row: the JSON of api.md, made in one place for answers, events and stored replies."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

PROGRESS = {"epoch": 0, "epochs": None, "step": 0, "steps": None, "images": 0, "fraction": 0.0}


def rfc3339(moment: datetime | None) -> str | None:
    """Return the moment in UTC, to the microsecond, with a Z; None stays None."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def job_view(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a job as every answer shows it."""
    error = None if row["error_code"] is None else {"code": row["error_code"], "detail": row["error_detail"]}
    # A sampling job has no steps to count: it is done when it has succeeded.
    drawn = {"fraction": 1.0} if row["kind"] == "sample" and row["state"] == "succeeded" else {}
    return {
        "id": row["id"],
        "kind": row["kind"],
        "recipe": row["recipe"],
        "preset": row["preset"],
        "dataset": row["dataset"],
        "params": row["params"],
        "seed": row["seed"],
        "queue": row["queue"],
        "priority": row["priority"],
        "name": row["name"],
        "labels": row["labels"],
        "state": row["state"],
        "pending_action": row["pending_action"],
        "reason": row["reason"],
        "progress": {**PROGRESS, **row["progress"], **drawn},
        "eta": row["eta"] if row["state"] == "running" else None,
        "position": row.get("position"),
        "attempt": row["attempt"],
        "max_attempts": row["max_attempts"],
        "max_runtime_s": row["max_runtime_s"],
        "worker": row["worker_id"],
        "device": row["device"],
        "checkpoints": {
            "best": row["best_checkpoint"] or row["latest_checkpoint"],
            "latest": row["latest_checkpoint"],
        },
        "source": row["source"],
        "parent": row["parent"],
        "owner": row["owner"],
        "error": error,
        "created_at": rfc3339(row["created_at"]),
        "started_at": rfc3339(row["started_at"]),
        "finished_at": rfc3339(row["finished_at"]),
        "last_seq": row["last_seq"],
    }


def event_view(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return an event as pages and streams show it."""
    return {
        "seq": row["seq"],
        "job": row["job_id"],
        "at": rfc3339(row["at"]),
        "attempt": row["attempt"],
        "type": row["type"],
        "data": row["data"],
    }


def artifact_view(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return an artifact as lists and events show it; the object's key stays inside."""
    return {
        "id": row["id"],
        "job": row["job_id"],
        "kind": row["kind"],
        "name": row["name"],
        "step": row["step"],
        "epoch": row["epoch"],
        "bytes": row["bytes"],
        "sha256": row["sha256"],
        "content_type": row["content_type"],
        "created_at": rfc3339(row["created_at"]),
    }


def attempt_view(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return one attempt at a job."""
    error = None if row["error_code"] is None else {"code": row["error_code"], "detail": row["error_detail"]}
    return {
        "number": row["number"],
        "worker": row["worker_id"],
        "device": row["device"],
        "start_step": row["start_step"],
        "started_at": rfc3339(row["started_at"]),
        "ended_at": rfc3339(row["ended_at"]),
        "outcome": row["outcome"],
        "error": error,
    }


def dataset_view(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a data set."""
    return {
        "id": row["id"],
        "name": row["name"],
        "layout": row["layout"],
        "source": row["source"],
        "images": row["images"],
        "shape": row["shape"],
        "classes": row["classes"],
        "class_counts": row["class_counts"],
        "parts": row["parts"],
        "bytes": row["bytes"],
        "sha256": row["sha256"],
        "state": row["state"],
        "owner": row["owner"],
        "preview": f"/v1/datasets/{row['id']}/preview" if row["preview_key"] else None,
        "created_at": rfc3339(row["created_at"]),
    }


def key_view(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a key without its secret, which nobody can show again."""
    return {
        "id": row["id"],
        "name": row["name"],
        "owner": row["owner"],
        "role": row["role"],
        "quotas": {name: row[f"quota_{name}"] for name in ("queued", "running", "stored_bytes")},
        "created_at": rfc3339(row["created_at"]),
    }


def audit_view(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return what somebody did."""
    return {
        "id": row["id"],
        "at": rfc3339(row["at"]),
        "owner": row["owner"],
        "key": row["key_id"],
        "action": row["action"],
        "subject": row["subject"],
        "before": row["before"],
        "after": row["after"],
    }


def worker_view(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a worker."""
    return {
        "id": row["id"],
        "name": row["name"],
        "queue": row["queue"],
        "device": row["device"],
        "host": row["host"],
        "state": row["state"],
        "job": row["job"],
        "started_at": rfc3339(row["started_at"]),
        "last_seen": rfc3339(row["last_seen"]),
    }
