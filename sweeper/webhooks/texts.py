"""What Slack and e-mail show of a message: one sentence in plain English, made of the message's JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from models.messages import Message, WebhookTexts, verbatim
from models.webhooks import TEST, WebhookEvent

Json = dict[str, Any]
NAME_CHARACTERS = 100


def sentence(body: str) -> Message:
    """Return the sentence of a message."""
    told: Json = json.loads(body)
    data = told["data"]
    if told["type"] == TEST:
        return WebhookTexts.told_test(webhook=data["webhook"])
    if told["type"] == WebhookEvent.worker_lost:
        return _lost(data)
    return _OF_JOB[WebhookEvent(told["type"])](data)


def slack(body: str) -> str:
    """Return the body that Slack's incoming webhooks take. Three characters have a meaning there and are escaped."""
    text = str(sentence(body)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return json.dumps({"text": text})


def _lost(data: Json) -> Message:
    worker, job = data["worker"], data.get("job")
    if "name" in worker or job is None:
        return WebhookTexts.told_worker_lost(
            name=worker.get("name", worker["id"]), queue=worker["queue"], since=worker["last_seen"]
        )
    return WebhookTexts.told_worker_lost_with_job(queue=worker["queue"], job=_what(job))


def _what(job: Json) -> Message:
    name = job.get("name") or job["kind"]
    return WebhookTexts.told_job(name=str(name)[:NAME_CHARACTERS], recipe=job["recipe"], job=job["id"])


def _failed(data: Json) -> Message:
    error = data["job"].get("error") or {}
    return WebhookTexts.told_job_failed(
        what=_what(data["job"]), why=_first_line(error.get("detail"), error.get("code"))
    )


def _paused(data: Json) -> Message:
    return WebhookTexts.told_job_paused(what=_what(data["job"]), why=_first_line(data["job"].get("reason"), "paused"))


def _alert(data: Json) -> Message:
    alert = data["alert"]
    why = _first_line(alert.get("detail"), alert.get("code"))
    return WebhookTexts.told_job_alert(what=_what(data["job"]), alert=str(alert.get("code")), why=why)


def _stalled(data: Json) -> Message:
    alert = data["alert"]
    return WebhookTexts.told_job_stalled(what=_what(data["job"]), why=_first_line(alert.get("detail"), "stalled"))


def _evaluated(data: Json) -> Message:
    result = data["job"].get("result") or {}
    return WebhookTexts.told_evaluation(what=_what(data["job"]), summary=_first_line(result.get("summary"), "done"))


def _first_line(text: str | None, otherwise: str | None) -> Message:
    lines = (text or otherwise or "").splitlines()
    return verbatim(lines[0] if lines else "")


_OF_JOB: dict[WebhookEvent, Callable[[Json], Message]] = {
    WebhookEvent.job_succeeded: lambda data: WebhookTexts.told_job_succeeded(what=_what(data["job"])),
    WebhookEvent.job_canceled: lambda data: WebhookTexts.told_job_canceled(what=_what(data["job"])),
    WebhookEvent.job_failed: _failed,
    WebhookEvent.job_paused: _paused,
    WebhookEvent.job_alert: _alert,
    WebhookEvent.job_stalled: _stalled,
    WebhookEvent.evaluation_completed: _evaluated,
}
