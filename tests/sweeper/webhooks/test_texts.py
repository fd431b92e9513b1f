"""The sentences that Slack and e-mail show."""

from __future__ import annotations

import json

import pytest

from models.webhooks import TEST, WebhookEvent
from sweeper.webhooks.texts import sentence

JOB = {
    "id": "job_1",
    "kind": "train",
    "recipe": "dcgan",
    "name": "digits",
    "reason": "paused by request",
    "error": {"code": "diverged", "detail": "a metric is not a number\nlast log lines:\nsecret"},
    "result": {"summary": "The generator copies."},
}
ALERT = {"code": "collapse", "detail": "few kinds of images"}
WORKER = {"id": "wrk_1", "queue": "gpu", "last_seen": "2026-01-31T12:00:00.000000Z"}


@pytest.mark.parametrize(
    ("type_", "data", "said"),
    [
        ("job.succeeded", {"job": JOB}, "Job digits (dcgan, job_1) succeeded."),
        ("job.failed", {"job": JOB}, "Job digits (dcgan, job_1) failed: a metric is not a number"),
        ("job.failed", {"job": {**JOB, "error": None}}, "Job digits (dcgan, job_1) failed: "),
        ("job.canceled", {"job": {**JOB, "name": None}}, "Job train (dcgan, job_1) was canceled."),
        ("job.paused", {"job": JOB}, "Job digits (dcgan, job_1) is paused: paused by request"),
        (
            "job.alert",
            {"job": JOB, "alert": ALERT},
            "Job digits (dcgan, job_1) raised the alert collapse: few kinds of images",
        ),
        ("job.stalled", {"job": JOB, "alert": ALERT}, "Job digits (dcgan, job_1) stalled: few kinds of images"),
        ("evaluation.completed", {"job": JOB}, "Evaluation digits (dcgan, job_1) is complete: The generator copies."),
        (
            "worker.lost",
            {"worker": {**WORKER, "name": "box"}, "job": None},
            "Worker box of queue gpu is lost; last seen at 2026-01-31T12:00:00.000000Z.",
        ),
        (
            "worker.lost",
            {"worker": WORKER, "job": JOB},
            "A worker of queue gpu was lost while running job digits (dcgan, job_1), which continues elsewhere.",
        ),
        (TEST, {"webhook": "whk_1"}, "This is a test of the webhook whk_1. It arrives here."),
    ],
)
def test_each_event_is_one_sentence(type_, data, said):
    assert str(sentence(json.dumps({"type": type_, "data": data}))) == said


def test_every_event_has_a_sentence():
    for event in WebhookEvent:
        data = {"job": JOB, "alert": ALERT, "worker": WORKER}
        assert str(sentence(json.dumps({"type": event, "data": data})))
