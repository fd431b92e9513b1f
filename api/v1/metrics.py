"""A job's metrics over its steps, as JSON or as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from flask import Response

from api.http.access import Access
from api.http.routes import Call, Routes
from api.schemas import answers
from api.schemas.queries import CurvesQuery
from api.v1.jobs import job_id_in
from stores.events.curve_levels import Series

routes = Routes("jobs")

TABLE = "text/csv"
ROWS = 1000  # of a table, sent at once


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


def table(series: Series) -> Iterator[str]:
    """Yield the curves as columns, some rows at once. Thinning keeps different steps of each, so cells may be empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", *series])
    columns = [dict(zip(steps, values, strict=True)) for steps, values in series.values()]
    steps = sorted(set().union(*columns))
    for begin in range(0, len(steps), ROWS):
        yield _taken(text)
        writer.writerows([step, *(column.get(step) for column in columns)] for step in steps[begin : begin + ROWS])
    yield _taken(text)


def _taken(text: io.StringIO) -> str:
    """Return what was written, and empty the buffer."""
    written = text.getvalue()
    text.seek(0)
    text.truncate()
    return written
