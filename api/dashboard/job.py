"""One job: progress, images and curves, timeline, artifacts, and the actions on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from api.dashboard import job_times, markdown, reproduce, timeline
from api.dashboard.chart_axes import clock, ends
from api.dashboard.job_evaluation import evaluations, report_of
from api.dashboard.pages import Pages, TemplateResponse, Visit
from api.dashboard.params import params_form
from api.http.service import Service
from api.schemas.queries import JobsQuery, PageQuery, Query, integer
from api.submit.done_before import DoneBefore
from api.v1.jobs import get_job, list_attempts, list_jobs
from api.v1.recipes import get_recipe
from api.v1.shares import list_shares
from models.recipes import RECIPES
from models.specs.base import Spec
from models.specs.evaluate import EvaluateParams
from models.specs.sample import SampleParams
from models.states import TERMINAL, EventType, JobKind, State
from models.views import Artifact, Share
from stores.infra.errors import NotFoundError
from stores.queries.curves_by_epoch import as_they_stand

pages = Pages()

ALL = PageQuery(limit=100)
LINES = 100
# Images of the slider that are loaded before they are asked for, in both directions.
AHEAD = 3
# With more stops than this, a slider cannot be set to each of them by hand.
STOPS = 1000
FILES = 50
ALL_FILES = 20_000
# Samples shown at first, and at most. Each is an image.
DRAWN = 12
MOST_DRAWN = 1000
TOLD = (EventType.state, EventType.alert, EventType.log, EventType.checkpoint)


class JobQuery(Query):
    """The part of its timeline and samples."""

    before: Annotated[int, Field(ge=1, le=2**63 - 1), BeforeValidator(integer)] | None = Field(
        None, description="Only what happened before the event with this number."
    )
    drawn: Annotated[int, Field(ge=1, le=MOST_DRAWN), BeforeValidator(integer)] = Field(
        DRAWN, description="How many of the samples drawn from it."
    )


@pages.add("/dashboard/jobs/{job_id}", get_job, query=JobQuery)
def job(visit: Visit[JobQuery], job_id: str) -> TemplateResponse:
    """Show a job."""
    found = visit.ask(get_job, Query(), job_id)
    recipe = visit.ask(get_recipe, Query(), found["recipe"])
    params, schema = params_of(found, recipe)
    files = _files(visit, found)
    told = _told(visit, found)
    before = DoneBefore(found["progress"], told["epochs"])
    context = {
        "job": found,
        "ended": found["state"] in TERMINAL,
        "trash_days": visit.service.settings.trash_days,
        "notes": None if found["notes"] is None else markdown.shown(found["notes"]),
        "projects": visit.projects,
        "recipe": recipe,
        "params": reproduce.parameters(found, schema),
        "of": None if found["kind"] != JobKind.sample else recipe["title"],
        "again": params_form(params, schema, found["params"]),
        "dataset_gone": _dataset_gone(visit, found),
        "picture_at": picture_at,
        "curl": reproduce.curl(found, schema, visit.request.host_url.rstrip("/")),
        "command": reproduce.command(found, schema),
        "retries": visit.ask(list_jobs, JobsQuery(parent=[job_id], limit=20))["data"],
        "shares": shares(visit, job_id),
        **job_times.times(found, visit.service.stores.queries.jobs.run_seconds([job_id])[job_id]),
        **files,
        **told,
        **_drawn(visit, found),
        "awaited": _awaited(visit, found),
        "done": {one["id"]: vars(before.at(one["step"] or 0)) for one in files["checkpoints"]},
        **evaluations(visit, found),
        **(report_of(visit, found, files["files"]) if found["kind"] == JobKind.evaluate else {}),
        "data": _for_scripts(found, files["grids"], told["epochs"])
        | {"clock": run_clock(visit.service, found, told["epochs"])},
    }
    return TemplateResponse("job.html", context)


def params_of(found: Mapping[str, Any], recipe: Mapping[str, Any]) -> tuple[type[Spec], dict[str, Any]]:
    """Return the class of the job's parameters, and its schema."""
    if found["kind"] == JobKind.train:
        return RECIPES[found["recipe"]].params, recipe["params"]
    params = SampleParams if found["kind"] == JobKind.sample else EvaluateParams
    return params, params.model_json_schema()


def _awaited(visit: Visit[JobQuery], found: dict[str, Any]) -> dict[str, Any] | None:
    """Return the unfinished job that this one waits for; None if there is none, or this person may not see it."""
    if found["state"] != State.queued or found["waits_for"] is None:
        return None
    try:
        awaited: dict[str, Any] = visit.ask(get_job, Query(), found["waits_for"])
    except NotFoundError:
        return None
    return None if awaited["state"] in TERMINAL else awaited


def _dataset_gone(visit: Visit[JobQuery], found: dict[str, Any]) -> bool:
    """Return whether the data set of the job was deleted."""
    if found["kind"] == JobKind.sample:
        return False
    dataset = visit.service.stores.datasets.find(found["dataset"], found["owner"])
    return dataset is None or dataset["state"] == "missing"


def shares(visit: Visit[JobQuery], job_id: str) -> list[Share]:
    """Return the live links to this job, for who may make them."""
    if not visit.may("POST", "/v1/jobs/{job_id}/share"):
        return []
    found: list[Share] = visit.ask(list_shares, ALL, job_id)["data"]
    return found


def _files(visit: Visit[JobQuery], found: dict[str, Any]) -> dict[str, Any]:
    """Return the artifacts of the job by kind; grids as the slider shows them."""
    # The same as GET /v1/jobs/{id}/artifacts, which the reader may call: they may see the job.
    every = by_kind(visit.service.stores.queries.jobs.artifacts(found["id"], (), ALL_FILES, None))
    newest_first = {kind: files[::-1] for kind, files in every.items()}
    return {
        "files": {kind: files[:FILES] for kind, files in newest_first.items()},
        "counts": {kind: len(files) for kind, files in every.items()},
        "file_limit": FILES,
        "grids": stops(every.get("grid", [])),
        "real_grid": next(iter(newest_first.get("real_grid", [])), None),
        "samples": newest_first.get("samples", []),
        "checkpoints": newest_first.get("checkpoint", [])[:STOPS],
        "generator_files": generators(newest_first.get("weights", [])),
        "summary": next(iter(newest_first.get("summary", [])), None),
        "report": next(iter(newest_first.get("report", [])), None),
    }


def by_kind(artifacts: Iterable[Artifact]) -> dict[str, list[Artifact]]:
    """Return artifacts by their kind, in the same order."""
    found: dict[str, list[Artifact]] = {}
    for artifact in artifacts:
        found.setdefault(artifact["kind"], []).append(artifact)
    return found


def generators(weights: Iterable[Artifact]) -> list[Artifact]:
    """Return the newest weights of each generator; they come newest first."""
    newest: dict[str, Artifact] = {}
    for file in weights:
        if file["name"].startswith("generator"):
            newest.setdefault(file["name"], file)
    return list(newest.values())


def _drawn(visit: Visit[JobQuery], found: dict[str, Any]) -> dict[str, Any]:
    """Return the newest samples of a training job, and the number to request for more; None if there are no more."""
    if found["kind"] != "train":
        return {"drawn": [], "more_drawn": None}
    shown = visit.query.drawn
    samples = visit.service.stores.queries.samples.of(found["id"], visit.who.reads, shown + 1)
    more = len(samples) > shown and shown < MOST_DRAWN
    return {"drawn": samples[:shown], "more_drawn": min(shown + 2 * DRAWN, MOST_DRAWN) if more else None}


def stops(grids: list[Artifact]) -> list[Artifact]:
    """Return the grids by step, one per step: after a rollback, some steps have two grids."""
    by_step = {grid["step"] or 0: grid for grid in grids}
    ordered = [by_step[step] for step in sorted(by_step)]
    if len(ordered) <= STOPS:
        return ordered
    return [ordered[n * (len(ordered) - 1) // (STOPS - 1)] for n in range(STOPS)]


def _told(visit: Visit[JobQuery], found: dict[str, Any]) -> dict[str, Any]:
    """Return the timeline by attempt, alerts by code, and the speed of every epoch."""
    events = visit.service.stores.events
    before = visit.query.before
    lines = events.newest(found["id"], TOLD, LINES + 1, before)
    figures = events.newest(found["id"], (EventType.epoch, EventType.alert), 3 * STOPS)
    attempts = visit.ask(list_attempts, ALL, found["id"])["data"]
    return {
        "story": timeline.tell(lines[:LINES], attempts, whole=len(lines) <= LINES and before is None),
        "older": lines[LINES - 1]["seq"] if len(lines) > LINES else None,
        "before": before,
        "alarms": timeline.alarms(event for event in figures if event["type"] == EventType.alert),
        "epochs": (epochs := as_they_stand(event["data"] for event in reversed(figures) if event["type"] == "epoch")),
        "epochs_done": timeline.epochs_done(epochs),
    }


def _for_scripts(found: dict[str, Any], grids: list[Artifact], epochs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the initial data of the page's scripts."""
    return {
        "id": found["id"],
        "kind": found["kind"],
        "state": found["state"],
        "ended": found["state"] in TERMINAL,
        "last_seq": found["last_seq"],
        "params": found["params"],
        "grids": places(grids),
        "speed": speed(found, epochs),
        "at": {
            "metrics": f"/v1/jobs/{found['id']}/metrics",
            "image": "/v1/artifacts/ID/content?redirect=false",
            "download": "/v1/artifacts/ID/content",
            "ahead": AHEAD,
        },
    }


def run_clock(service: Service, found: Mapping[str, Any], epochs: list[dict[str, Any]]) -> dict[str, list[float]]:
    """Return the images and seconds at some steps of a job, for the horizontal axes of its curves."""
    queries, job_id = service.stores.queries, found["id"]
    ran = queries.jobs.run_seconds([job_id])[job_id] or 0.0
    return vars(clock(found["progress"], epochs, ran, queries.curves_by_epoch.halvings([job_id])[job_id]))


def places(grids: Iterable[Artifact]) -> list[dict[str, Any]]:
    """Return the grids as the slider's script wants them."""
    return [{"id": grid["id"], "step": grid["step"], "epoch": grid["epoch"]} for grid in grids]


def speed(found: Mapping[str, Any], epochs: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Return the images per second of each epoch, at the step where it ended."""
    return {
        "steps": ends(found["progress"], epochs),
        "values": [epoch.get("images_per_second") for epoch in epochs],
    }


def picture_at(artifact: str) -> str:
    """Return the address of an image for people with a key."""
    return f"/v1/artifacts/{artifact}/content?redirect=false"
