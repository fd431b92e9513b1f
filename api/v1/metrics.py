"""A job's metrics over its steps, as JSON or as a table."""

from __future__ import annotations

import csv
import io
from typing import Any

from flask import Response

from api.http.access import Access
from api.http.routes import Call, Routes
from api.schemas import answers
from api.schemas.queries import CurvesQuery
from api.v1.jobs import job_id_in
from stores.events.metrics import Series

routes = Routes("jobs")

TABLE = "text/csv"


@routes.add(
    "GET",
    "/v1/jobs/{job_id}/metrics",
    Access.read,
    query=CurvesQuery,
    answers={200: answers.Curves},
    media={TABLE: "One row a step, one column a metric; empty where there is no value."},
)
def get_metrics(call: Call[CurvesQuery, None], job_id: str) -> dict[str, Any] | Response:
    """Get a job's metrics, thinned so that minima and maxima stay."""
    stores = call.service.stores
    stores.queries.jobs.job(job_id_in(job_id), call.who.reads)
    names = None if call.query.names is None else list(dict.fromkeys(call.query.names.split(",")))
    series = stores.events.metrics.series(job_id, names, call.query.max_points)
    best = call.request.accept_mimetypes.best_match(["application/json", TABLE], default="application/json")
    if best == TABLE:
        return Response(table(series), mimetype=TABLE)
    return {"series": {name: {"steps": steps, "values": values} for name, (steps, values) in series.items()}}


def table(series: Series) -> str:
    """Return the curves as columns. Thinning keeps different steps of each, so cells may be empty."""
    columns = {name: dict(zip(steps, values, strict=True)) for name, (steps, values) in series.items()}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", *columns])
    for step in sorted(set().union(*columns.values())):
        writer.writerow([step, *(column.get(step) for column in columns.values())])
    return text.getvalue()
