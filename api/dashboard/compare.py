"""Comparison of up to 50 jobs: a table of columns, curves by group, a scatter plot; few jobs also side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.dashboard.chart_axes import MOST_POINTS, Clock, clock, speeds, thinned
from api.dashboard.compare_columns import EPOCH, Columns, Subject, flat, in_order
from api.dashboard.compare_layout import layout
from api.dashboard.compare_quality import quality
from api.dashboard.compare_query import PATH, CompareQuery
from api.dashboard.compare_tables import differences, finals, noise, speed_rows
from api.dashboard.compare_titles import titles
from api.dashboard.pages import Pages, TemplateResponse, Visit
from api.http.problems import InvalidError, ProblemError, field
from api.v1.jobs import get_job
from models.messages import Missing, RequestFaults
from models.states import TERMINAL, JobKind
from models.views import Artifact, Job
from stores.queries.curves_by_epoch import MOST as MOST_EPOCHS

pages = Pages()

MAX_JOBS = 50
# Up to so many jobs are also shown side by side, with their images; more would be wider than any screen.
FEW_JOBS = 8
MOST_GRIDS = 120


@pages.add(PATH, get_job, query=CompareQuery)
def compare(visit: Visit[CompareQuery]) -> TemplateResponse:
    """Show jobs side by side."""
    query, ids = visit.query, visit.query.ids()
    if len(ids) > MAX_JOBS:
        message = RequestFaults.too_many_to_compare(count=len(ids), most=MAX_JOBS)
        name = "job" if query.job else "jobs"
        raise InvalidError([field(f"/query/{name}", message, parameter=name)])
    read = _jobs(visit, ids)
    jobs: list[dict[str, Any]] = [{**job, "title": title} for job, title in zip(read, titles(read), strict=True)]
    if len(jobs) < 2:
        return TemplateResponse("compare_few.html", {"jobs": jobs, "most": MAX_JOBS})
    few = len(jobs) <= FEW_JOBS
    # What is read and sent of a job shrinks with their number, so that a page of many is as quick as one of few.
    share = 1.0 if few else FEW_JOBS / len(jobs)
    curves = visit.service.stores.queries.curves_by_epoch
    epochs, halvings = curves.epochs(ids, round(share * MOST_EPOCHS)), curves.halvings(ids)
    measured = quality(visit, jobs)
    ran = visit.service.stores.queries.jobs.run_seconds(ids)
    columns = Columns(_subjects(jobs, epochs, measured["evaluations"], ran), measured["networks"])
    clocks = {
        one: clock(job["progress"], epochs[one], ran[one] or 0.0, halvings[one], round(share * MOST_POINTS))
        for one, job in zip(ids, jobs, strict=True)
    }
    context = {
        "query": query,
        "ids": ids,
        "few": few,
        "most": MAX_JOBS,
        "trained": any(job["kind"] != JobKind.evaluate for job in jobs),
        "live": few or any(job["state"] not in TERMINAL for job in jobs),
        "jobs": [{**job, "without": query.address([one for one in ids if one != job["id"]])} for job in jobs],
        "quality": measured,
        "metrics": in_order(name for told in epochs.values() for epoch in told for name in epoch if name not in EPOCH),
        **layout(columns, query, few=few),
    }
    grids = curves.grids(ids) if few else {job_id: [] for job_id in ids}
    drawn = [_drawn(job, clocks[job["id"]], grids[job["id"]]) for job in jobs]
    return TemplateResponse(
        "compare.html", {**context, "data": drawn, **(_side_by_side(jobs, epochs, grids) if few else {})}
    )


def _side_by_side(
    jobs: list[dict[str, Any]], epochs: Mapping[str, list[dict[str, Any]]], grids: Mapping[str, list[Artifact]]
) -> dict[str, Any]:
    """Return what is shown of few jobs only."""
    return {
        "newest": {job_id: some[-1] for job_id, some in grids.items() if some},
        "noise": noise(jobs),
        "speeds": speed_rows(jobs, epochs),
        "differences": differences(jobs),
        "finals": finals(jobs, epochs),
    }


def _jobs(visit: Visit[CompareQuery], ids: list[str]) -> list[Job]:
    """Return the jobs as the API shows them to this person, read at once.

    Raises:
        ProblemError: some are not there, or are somebody else's; it names them all.
    """
    found = visit.service.stores.queries.jobs.jobs_by_id(ids, visit.who.reads)
    if missing := [job_id for job_id in ids if job_id not in found]:
        raise ProblemError("not_found", Missing.no_jobs(jobs=missing))
    return [found[job_id] for job_id in ids]


def _subjects(
    jobs: list[dict[str, Any]],
    epochs: Mapping[str, list[dict[str, Any]]],
    evaluations: Sequence[Mapping[str, Any] | None],
    ran: Mapping[str, float | None],
) -> list[Subject]:
    """Return the jobs with what is known of them."""
    found = []
    for job, evaluation in zip(jobs, evaluations, strict=True):
        told = epochs[job["id"]]
        rates = [speed.images_per_second for speed in speeds(told)]
        result = None if evaluation is None else evaluation["result"]
        last, rate = told[-1] if told else {}, rates[-1] if rates else None
        found.append(Subject(job, flat(job["params"]), last, result, rate, ran[job["id"]]))
    return found


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
