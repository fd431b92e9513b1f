"""The whole path below the API: row, bell, claim, trainer, uploads, events, end."""

from __future__ import annotations

import hashlib

from models.extractors import PACKAGED
from models.states import EVENTS
from tests.waiting import until

DIGITS = PACKAGED["mnist-10k"].sha256


def test_a_training_job_succeeds_with_every_artifact_and_event_that_was_promised(standing, stores, submit):
    job_id = submit()

    job = until(lambda: _finished(stores, job_id), 60, "the end of the job")

    assert job["state"] == "succeeded", (job["error"], standing.logs())
    artifacts = stores.queries.jobs.artifacts(job_id, (), 100, None)
    names = {(artifact["kind"], artifact["name"]) for artifact in artifacts}
    kinds = {kind for kind, _ in names}
    assert kinds == {"checkpoint", "weights", "grid", "real_grid", "loss_plot", "summary", "report", "log"}
    assert {("weights", "generator.safetensors"), ("weights", "discriminator.safetensors")} <= names
    assert job["progress"]["fraction"] == 1.0
    assert job["progress"]["epoch"] == 2
    newest = stores.queries.jobs.checkpoints(job_id)[0]
    assert job["checkpoints"] == {"best": newest["id"], "latest": newest["id"]}
    assert newest["step"] == job["progress"]["step"] == 140
    for artifact in artifacts:
        _, key = stores.queries.jobs.artifact(artifact["id"], "alice")
        data = b"".join(stores.infra.blobs.stream(key))
        assert (len(data), hashlib.sha256(data).hexdigest()) == (artifact["bytes"], artifact["sha256"])
    _assert_fields(stores.events.page(job_id, 0, 1000))


def _assert_fields(events) -> None:
    """Assert that each event has the fields that its type promises."""
    assert {event["type"] for event in events} >= {"state", "metric", "epoch", "grid", "checkpoint", "artifact"}
    for event in events:
        promised, fields = EVENTS[event["type"]].data, tuple(event["data"])
        more = event["type"] in {"epoch", "alert"}
        # A log line whose text has a code carries it, for pages in other languages.
        fields = tuple(name for name in fields if (event["type"], name) != ("log", "text"))
        assert set(promised) <= set(fields) if more else set(promised) == set(fields), event


def test_a_job_shows_all_it_did_though_its_metrics_are_told_seldom(standing, stores, submit):
    job_id = submit(params={"epochs": None, "images": 1000, "metrics_every": {"seconds": 3600}})
    job = until(lambda: _finished(stores, job_id), 60, "the end of the job")
    assert (job["progress"]["step"], job["progress"]["images"], job["progress"]["fraction"]) == (8, 1024, 1.0)
    told = {event["type"] for event in stores.events.page(job_id, 0, 1000)}
    assert "progress" not in told


def test_events_are_numbered_without_a_gap_and_tell_every_step_once(standing, stores, submit):
    job_id = submit(params={"batch_size": 500})

    until(lambda: _finished(stores, job_id), 60, "the end of the job")

    events = stores.events.page(job_id, 0, 1000)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    moves = [(event["data"]["from"], event["data"]["to"]) for event in events if event["type"] == "state"]
    assert moves == [(None, "queued"), ("queued", "running"), ("running", "succeeded")]
    metrics = [event["data"] for event in events if event["type"] == "metric"]
    steps = [step for told in metrics if "d_loss" in told["values"] for step in told["steps"]]
    assert steps == list(range(1, 37))
    # The quality of the images stands beside the steps, and is always measured at the end.
    measured = [told for told in metrics if "fd_ratio" in told["values"]]
    assert measured[-1]["steps"] == [36]
    job = stores.queries.jobs.job(job_id, "alice")
    assert (job["fd_ratio"], job["extractor"]) == (measured[-1]["values"]["fd_ratio"][0], DIGITS)
    assert job["result"] is None
    epochs = [event["data"] for event in events if event["type"] == "epoch"]
    assert [(epoch["epoch"], epoch["step"], epoch["images"]) for epoch in epochs] == [(1, 18, 9000), (2, 36, 18000)]
    named = {"d_loss", "g_loss", "d_real", "d_fake", "images_per_second", "device"}
    assert all(named <= set(epoch) for epoch in epochs)
    series = stores.events.metrics.series(job_id, ["d_loss"], None)
    assert series["d_loss"][0] == steps


def _finished(stores, job_id):
    job = stores.queries.jobs.job(job_id, "alice")
    return job if job["finished_at"] else None
