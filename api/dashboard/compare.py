"""Comparison of jobs: curves, images, speed and parameter differences."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import Field

from api.dashboard.chart_axes import Clock, clock, speeds, thinned
from api.dashboard.compare_quality import quality
from api.dashboard.pages import Pages, TemplateResponse, Visit
from api.http.problems import InvalidError, ProblemError, field
from api.schemas.queries import Query, Repeated
from api.v1.jobs import get_job
from models.messages import Missing, RequestFaults
from models.states import TERMINAL, JobKind
from models.views import Artifact
from stores.infra.errors import NotFoundError

pages = Pages()

PATH = "/dashboard/compare"
MAX_JOBS = 8
MOST_GRIDS = 120
# Fields of a job that are compared like its parameters.
FACTS = ("kind", "recipe", "preset", "dataset", "seed", "queue", "device", "source", "parent")
# Fields of an epoch event that are not metrics.
FIGURES = {"epoch", "epochs", "step", "images", "seconds", "images_per_second", "device"}
METRICS = ("d_loss", "g_loss", "fd_ratio", "coverage", "kl", "d_real", "d_fake", "accuracy", "loss")


class CompareQuery(Query):
    """The jobs to compare, and the horizontal axis."""

    jobs: Repeated[str] = Field(default_factory=list)  # each is one id, or several separated by commas
    x: Literal["images", "time", "steps"] = "images"

    def ids(self) -> list[str]:
        """Return the ids without duplicates."""
        given = [job_id.strip() for entry in self.jobs for job_id in entry.split(",")]
        return list(dict.fromkeys(job_id for job_id in given if job_id))


@pages.add(PATH, get_job, query=CompareQuery)
def compare(visit: Visit[CompareQuery]) -> TemplateResponse:
    """Show jobs side by side."""
    ids = visit.query.ids()
    if len(ids) > MAX_JOBS:
        message = RequestFaults.too_many_to_compare(count=len(ids), most=MAX_JOBS)
        raise InvalidError([field("/query/jobs", message, parameter="jobs")])
    jobs = [{**job, "title": _title(job)} for job in _jobs(visit, ids)]
    if len(jobs) < 2:
        return TemplateResponse("compare_few.html", {"jobs": jobs})
    epochs = visit.service.stores.queries.curves_by_epoch.epochs(ids)
    grids = visit.service.stores.queries.curves_by_epoch.grids(ids)
    halvings = visit.service.stores.queries.curves_by_epoch.halvings(ids)
    clocks = {job["id"]: clock(job["progress"], epochs[job["id"]], _ran(job), halvings[job["id"]]) for job in jobs}
    context = {
        "jobs": [{**job, "without": address([one for one in ids if one != job["id"]])} for job in jobs],
        "x": visit.query.x,
        "trained": any(job["kind"] != JobKind.evaluate for job in jobs),
        "data": [_drawn(job, clocks[job["id"]], grids[job["id"]]) for job in jobs],
        "newest": {job_id: some[-1] for job_id, some in grids.items() if some},
        "noise": _noise(jobs),
        "speeds": _speeds(jobs, epochs),
        "quality": quality(visit, jobs),
        "differences": differences(jobs),
        "finals": _finals(jobs, epochs),
    }
    return TemplateResponse("compare.html", context)


def address(ids: list[str]) -> str:
    """Return the address that compares these jobs."""
    return f"{PATH}?jobs={','.join(ids)}"


def _jobs(visit: Visit[CompareQuery], ids: list[str]) -> list[dict[str, Any]]:
    """Return the jobs as the API shows them to this person.

    Raises:
        ProblemError: some are not there, or are somebody else's; it names them all.
    """
    found, missing = [], []
    for job_id in ids:
        try:
            found.append(visit.ask(get_job, Query(), job_id))
        except NotFoundError:
            missing.append(job_id)
    if missing:
        raise ProblemError("not_found", Missing.no_jobs(jobs=missing))
    return found


def _ran(job: Mapping[str, Any]) -> float:
    if job["started_at"] is None:
        return 0.0
    end = datetime.fromisoformat(job["finished_at"]) if job["finished_at"] else datetime.now(UTC)
    return (end - datetime.fromisoformat(job["started_at"])).total_seconds()


def _title(job: Mapping[str, Any]) -> str:
    """Return the name of a job, or else of the data set that it judges, or of its recipe."""
    return str(job["name"] or (job["source"] or {}).get("dataset") or job["recipe"])


def _drawn(job: Mapping[str, Any], course: Clock, grids: list[Artifact]) -> dict[str, Any]:
    """Return the data that scripts draw a job from."""
    return {
        "id": job["id"],
        "name": job["title"],
        "live": job["state"] not in TERMINAL,
        "seq": job["last_seq"],
        "clock": vars(course),
        "grids": [[grid["id"], grid["step"], grid["epoch"]] for grid in thinned(grids, MOST_GRIDS)],
    }


def _noise(jobs: list[dict[str, Any]]) -> str:
    """Return whether the jobs make their grids from the same noise: `same`, or what differs."""
    jobs = [job for job in jobs if job["kind"] == "train"]
    if any("noise_dim" not in job["params"] for job in jobs):
        return "none"
    if len({job["seed"] for job in jobs}) > 1:
        return "seed"
    return "size" if len({job["params"]["noise_dim"] for job in jobs}) > 1 else "same"


def _speeds(jobs: list[dict[str, Any]], epochs: Mapping[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return a row for each job and device, with the speed-up relative to the slowest."""
    rows = [{"n": n, "job": job, **vars(speed)} for n, job in enumerate(jobs) for speed in speeds(epochs[job["id"]])]
    rates = [row["images_per_second"] for row in rows if row["images_per_second"] > 0]
    for row in rows:
        row["times"] = row["images_per_second"] / min(rates) if rates else None
        row["share"] = row["images_per_second"] / max(rates) if rates else 0.0
    return rows


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested parameters: grid_every.steps."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def differences(jobs: list[dict[str, Any]]) -> list[tuple[str, list[str | None]]]:
    """Return the fields that differ between the jobs: the name, and the value of each job (None: no value)."""
    facts = [flat({name: job[name] for name in _facts(job)}) for job in jobs]
    params = [flat(job["params"]) for job in jobs]
    rows = [(name, shown) for name in _names(facts) if len(set(shown := _column(facts, name))) > 1]
    for name in sorted(_names(params)):
        shown = _column(params, name)
        # Parameters that only jobs of one kind have are not differences.
        kinds = {(job["kind"], value) for job, value in zip(jobs, shown, strict=True)}
        if len(kinds) > len({kind for kind, _ in kinds}):
            rows.append((name, shown))
    return rows


def _facts(job: Mapping[str, Any]) -> list[str]:
    """Return the fields that say something of a job: the images of a data set are no recipe's."""
    any_images = (job["source"] or {}).get("dataset") is not None
    return [name for name in FACTS if not (any_images and name == "recipe")]


def _names(every: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for values in every for name in values))


def _column(every: list[dict[str, Any]], name: str) -> list[str | None]:
    return [None if values.get(name) is None else _text(values[name]) for values in every]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(_text, value)) if isinstance(value, list) else str(value)


def _finals(jobs: list[dict[str, Any]], epochs: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Return the mean of each metric over the last epoch of each job."""
    last = [epochs[job["id"]][-1] if epochs[job["id"]] else {} for job in jobs]
    names = dict.fromkeys(name for epoch in last for name in epoch if name not in FIGURES)
    ordered = [name for name in METRICS if name in names] + [name for name in names if name not in METRICS]
    return {
        "epochs": [epoch.get("epoch") for epoch in last],
        "images": [epoch.get("images") for epoch in last],
        "rows": [(name, [epoch.get(name) for epoch in last]) for name in ordered],
    }
