"""The pages that links of `POST /v1/jobs/{job_id}/share` lead to: one job, read-only, for people without a key.

The token in the address is all that counts: no key, session or cookie adds to what is shown. The templates get only the
fields in `SHOWN`, so that none of them can show the owner, the worker or other jobs. Images and curves are sent from
here, not by signed links, so they end with the link.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.http import quote_etag
from werkzeug.wrappers import Response as BaseResponse

from api.dashboard import job, job_evaluation, reproduce, timeline
from api.dashboard.pages import render
from api.http.downloads import hand_out
from api.http.language import SHARED
from api.http.parsing import read_query
from api.http.routes import Reply, respond
from api.http.service import Service
from api.schemas.queries import CurvesQuery
from api.v1.recipes import recipe_view
from models.ids import is_id
from models.messages import Missing
from models.recipes import RECIPES
from models.states import TERMINAL, EventType, JobKind
from models.views import Artifact, Job
from stores.infra.errors import NotFoundError
from stores.queries.curves_by_epoch import as_they_stand

# What the page shows of a job: nothing of who made it, where it ran, and what other jobs it has to do with.
SHOWN = (
    "kind",
    "recipe",
    "preset",
    "dataset",
    "params",
    "seed",
    "name",
    "labels",
    "state",
    "progress",
    "attempt",
    "result",
    "fd_ratio",
    "created_at",
    "started_at",
    "finished_at",
    "last_seq",
)
IMAGES = ("grid", "real_grid", "samples", "figure", "loss_plot")
PNG = "image/png"
# An image is asked for again at each use, and only its unchanged bytes are not sent again.
ASKED_AGAIN = "private, no-cache"

View = Callable[[Service, Job, "Link"], BaseResponse]


class Link:
    """The link by which a request came."""

    def __init__(self, token: str, expires_at: str, rest: Mapping[str, str]) -> None:
        self.address = f"{SHARED}{token}"
        self.expires_at = expires_at
        self.rest = rest  # further parts of the path


def mount(app: Flask, service: Service) -> None:
    """Register the page and what it loads with the application."""
    addresses: dict[str, View] = {"": _page, "/metrics": _metrics, "/images/<artifact_id>": _image}
    for rest, view in addresses.items():
        name = f"shared{view.__name__}"
        options: dict[str, Any] = {"methods": ["GET"], "provide_automatic_options": False}
        app.add_url_rule(f"{SHARED}<token>{rest}", endpoint=name, view_func=_served(service, name, view), **options)
    app.after_request(_keep_from_search_engines)


def _served(service: Service, name: str, view: View) -> Callable[..., BaseResponse]:
    def serve(token: str, **rest: str) -> BaseResponse:
        g.operation = name
        service.door.admit_guest(request)
        with service.turns.taken(f"\0{request.remote_addr} shared"):
            found = service.stores.accounts.shares.job_of(token)
            if found is None:
                raise NotFoundError(Missing.no_such_link())
            job_id, expires_at = found
            return view(service, service.stores.queries.jobs.job(job_id, None), Link(token, expires_at, rest))

    return serve


def _keep_from_search_engines(response: Response) -> Response:
    if request.path.startswith(SHARED):
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _page(service: Service, found: Job, link: Link) -> BaseResponse:
    """Show the job."""
    artifacts = service.stores.queries.jobs.artifacts(found["id"], (*IMAGES, "report"), job.ALL_FILES, None)
    shown = {name: value for name, value in found.items() if name in SHOWN}
    # Of an evaluation's source only a data set's name, not the job that was judged.
    source: Mapping[str, Any] = found["source"] or {}
    shown["source"] = {"dataset": source.get("dataset")}
    shown["error"] = None if found["error"] is None else {"code": found["error"]["code"]}
    recipe = recipe_view(RECIPES[found["recipe"]])
    _, schema = job.params_of(found, recipe)
    epochs = service.stores.events.newest(found["id"], (EventType.epoch,), job.STOPS)
    told = as_they_stand(event["data"] for event in reversed(epochs))
    files = job.by_kind(artifacts)
    context = {
        "job": shown,
        "ended": found["state"] in TERMINAL,
        "epochs_done": timeline.epochs_done(told),
        "recipe": recipe,
        "params": reproduce.parameters(found, schema),
        "expires_at": link.expires_at,
        "picture_at": lambda artifact: f"{link.address}/images/{artifact}",
        "grids": job.stops(files.get("grid", [])),
        "real_grid": next(iter(files.get("real_grid", [])[::-1]), None),
        "samples": [file for file in files.get("samples", [])[::-1] if file["content_type"] == PNG],
        **(_card(service, found, files) if found["kind"] == JobKind.evaluate else {}),
    }
    data = {
        "kind": found["kind"],
        "ended": context["ended"],
        "last_seq": found["last_seq"],
        "grids": job.places(context["grids"]),
        "speed": job.speed(found, told),
        "clock": job.run_clock(service, found, told),
        "at": _addresses(link),
    }
    return render("shared.html", None, data=data, **context)


def _addresses(link: Link) -> dict[str, Any]:
    image = f"{link.address}/images/ID"
    return {"metrics": f"{link.address}/metrics", "image": image, "download": image, "ahead": 0}


def _card(service: Service, found: Job, files: Mapping[str, list[Artifact]]) -> dict[str, Any]:
    """Return the report card of an evaluation."""
    newest_first = {kind: some[::-1] for kind, some in files.items()}
    dataset = service.stores.datasets.find(found["dataset"], found["owner"]) if found["dataset"] else None
    report = job_evaluation.read_report(newest_first, lambda file: _content(service, file))
    return job_evaluation.card_of(found, newest_first, report, dataset)


def _content(service: Service, file: Artifact) -> bytes:
    _, key = service.stores.queries.jobs.artifact(file["id"], None)
    return b"".join(service.stores.infra.blobs.stream(key))


def _metrics(service: Service, found: Job, _link: Link) -> BaseResponse:
    """Send the job's curves."""
    query = read_query(request, CurvesQuery)
    names = None if query.names is None else list(dict.fromkeys(query.names.split(",")))
    series = service.stores.events.metrics.series(found["id"], names, query.max_points)
    return respond({"series": {name: {"steps": steps, "values": values} for name, (steps, values) in series.items()}})


def _image(service: Service, found: Job, link: Link) -> BaseResponse:
    """Send an image of this job."""
    wanted = link.rest["artifact_id"]
    if not is_id("art", wanted):
        raise NotFoundError(Missing.no_such_artifact())
    artifact, key = service.stores.queries.jobs.artifact(wanted, None)
    if artifact["job"] != found["id"] or artifact["kind"] not in IMAGES or artifact["content_type"] != PNG:
        raise NotFoundError(Missing.no_such_artifact())
    etag = quote_etag(artifact["sha256"])
    kept = {"ETag": etag, "Cache-Control": ASKED_AGAIN}
    if etag in request.headers.get("If-None-Match", ""):
        return respond(Reply(None, 304, kept))
    blobs = service.stores.infra.blobs
    answer = respond(hand_out(blobs, key, artifact["name"], PNG, redirect=False, size=artifact["bytes"]))
    answer.headers.update(kept)
    return answer
