"""The messages of webhooks: JSON of at most 8 kB, written once and sent unchanged at every try."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from models.states import State
from models.views import Job, rfc3339
from models.webhooks import BODY_BYTES, TEST, WebhookEvent

# What a message tells of a job. Parameters are left out, because they may be long and do not change.
JOB_FIELDS = (
    "id",
    "kind",
    "recipe",
    "preset",
    "dataset",
    "state",
    "name",
    "labels",
    "owner",
    "reason",
    "error",
    "result",
    "fd_ratio",
    "parent",
    "created_at",
    "started_at",
    "finished_at",
)
DETAIL_CHARACTERS = 1000

Json = dict[str, Any]


def of_event(event: WebhookEvent, at: datetime, type_: str, data: Mapping[str, Any], job: Job) -> str:
    """Return the message of an event of a job. The state is the event's, although the job may have moved on."""
    told = _of_job(job)
    if type_ == "state":
        told |= {"state": data["to"], "reason": data.get("reason")}
        body = {"job": told}
    else:
        body = {"job": told, "alert": {name: value for name, value in data.items() if name != "text"}}
    if told["state"] != State.failed:
        told["error"] = None
    return _written(event, at, body)


def of_lost_worker(worker: Mapping[Any, Any], job: Job | None, *, whole: bool) -> str:
    """Return the message of a lost worker: the whole of it, or what the owner of its job may know."""
    facts: Json = {"id": worker["id"], "queue": worker["queue"], "last_seen": rfc3339(worker["last_seen"])}
    if whole:
        facts |= {"name": worker["name"], "host": worker["host"]}
    body: Json = {"worker": facts, "job": None if job is None else _of_job(job)}
    return _written(WebhookEvent.worker_lost, worker["lost_at"], body)


def of_test(webhook_id: str) -> str:
    """Return the message of a test."""
    return _written(TEST, datetime.now(UTC), {"webhook": webhook_id})


def _of_job(job: Job) -> Json:
    return {name: value for name, value in job.items() if name in JOB_FIELDS}


def _written(type_: str, at: datetime, data: Json) -> str:
    """Return the JSON of a message. What makes it too long is left out, and named in `shortened`."""
    body: Json = {"type": str(type_), "timestamp": rfc3339(at), "data": data}
    for name, shorten in _SHORTER:
        if len(_text(body).encode()) <= BODY_BYTES:
            break
        if shorten(data):
            data.setdefault("shortened", []).append(name)
    return _text(body)


def _text(body: Json) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=str)


def _shorten_error(data: Json) -> bool:
    error = (data.get("job") or {}).get("error")
    if not error:
        return False
    data["job"]["error"] = {"code": error["code"], "detail": (error["detail"] or "")[:DETAIL_CHARACTERS], "text": None}
    return True


def _shorten_result(data: Json) -> bool:
    result = (data.get("job") or {}).get("result")
    if not result:
        return False
    data["job"]["result"] = {name: result.get(name) for name in ("verdicts", "count", "extractor")}
    return True


def _drop(group: str, name: str) -> Callable[[Json], bool]:
    def drop(data: Json) -> bool:
        found = (data.get(group) or {}).pop(name, None)
        return found is not None

    return drop


def _shorten_alert(data: Json) -> bool:
    alert = data.get("alert")
    if not alert:
        return False
    data["alert"] = {"code": alert.get("code"), "detail": str(alert.get("detail"))[:DETAIL_CHARACTERS]}
    return True


# In this order, until the message is short enough.
_SHORTER: tuple[tuple[str, Callable[[Json], bool]], ...] = (
    ("error", _shorten_error),
    ("result", _shorten_result),
    ("alert", _shorten_alert),
    ("labels", _drop("job", "labels")),
    ("reason", _drop("job", "reason")),
    ("result", _drop("job", "result")),
    ("error", _drop("job", "error")),
)
