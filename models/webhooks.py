"""Webhooks: which events they tell, in which formats, and what becomes of each message."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from models.states import EventType, JobKind, State

# A message is tried at these times after the one before, in seconds, with jitter: over a day in all. They grow slowly
# in the first hour, after which a receiver is usually back: the first message then is late by some 20 minutes at most.
WAITS_S = (5, 30, 120, 300, 480, 600, 720, 900, 1200, 1800, 3600, 7200, 10_800, 14_400, 21_600, 28_800)
# The first characters of an answer that are kept.
ANSWER_BYTES = 1024
# A message has this many bytes at most.
BODY_BYTES = 8192
MAX_PER_OWNER = 20
MAX_URL = 2048
# For so long a replaced secret signs beside the new one, and so many are kept at a time.
OLD_SECRET_S = 86_400
MAX_OLD_SECRETS = 4
SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix of secrets, not one


class WebhookEvent(StrEnum):
    """What a webhook can ask for."""

    job_succeeded = "job.succeeded"
    job_failed = "job.failed"
    job_canceled = "job.canceled"
    job_paused = "job.paused"
    job_alert = "job.alert"
    job_stalled = "job.stalled"
    evaluation_completed = "evaluation.completed"
    worker_lost = "worker.lost"


# A message that somebody asked for, to see whether it arrives.
TEST = "webhook.test"


class WebhookFormat(StrEnum):
    """How a message is written and how it travels."""

    standard = "standard"  # JSON, signed as Standard Webhooks has it
    slack = "slack"  # one sentence, as Slack's incoming webhooks take it
    email = "email"  # one sentence, through the operator's mail server


class DeliveryState(StrEnum):
    """Where a message is."""

    pending = "pending"  # it waits for its next try
    delivered = "delivered"
    failed = "failed"  # all tries of a day failed, or the receiver is gone


class PauseReason(StrEnum):
    """Why a webhook sends nothing."""

    request = "request"
    failures = "failures"  # nothing arrived for a day
    gone = "gone"  # the receiver answered 410


_BY_STATE = {
    State.succeeded: WebhookEvent.job_succeeded,
    State.failed: WebhookEvent.job_failed,
    State.canceled: WebhookEvent.job_canceled,
    State.paused: WebhookEvent.job_paused,
}
STALLED = "stalled"


def events_of(kind: str, type_: str, data: Mapping[str, Any]) -> tuple[WebhookEvent, ...]:
    """Return what an event of a job of this kind means to webhooks; nothing for most."""
    if type_ == EventType.alert:
        return (WebhookEvent.job_stalled if data.get("code") == STALLED else WebhookEvent.job_alert,)
    if type_ != EventType.state or data.get("to") not in _BY_STATE:
        return ()
    event = _BY_STATE[State(data["to"])]
    if event is WebhookEvent.job_succeeded and kind == JobKind.evaluate:
        return (event, WebhookEvent.evaluation_completed)
    return (event,)
