"""The usage of devices, as JSON or as a table."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response

from api.http.access import Access
from api.http.problems import InvalidError, field
from api.http.routes import Call, Routes
from api.schemas import answers
from api.schemas.queries import UsageQuery
from models.messages import RequestFaults
from models.views import Usage, rfc3339

routes = Routes("usage")

TABLE = "text/csv"
USUAL = timedelta(days=30)
# A table opened in a spreadsheet must not run what an owner or a project is called.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@routes.add(
    "GET",
    "/v1/usage",
    Access.read,
    query=UsageQuery,
    answers={200: answers.UsageAnswer},
    media={TABLE: "One row for each owner, project and queue; empty where the energy is not known."},
)
def get_usage(call: Call[UsageQuery, None]) -> dict[str, Any] | Response:
    """Get the time and energy that attempts took, by owner, project and queue, the most first.

    From `from` to `to`, by default the last 30 days. Users see their own, admins everybody's. Attempts of jobs that
    were deleted for good are not counted.
    """
    until = call.query.to or datetime.now(UTC)
    since = call.query.since or until - USUAL
    if since >= until:
        raise InvalidError([field("/query/from", RequestFaults.from_after_to(), parameter="from")])
    rows = call.service.stores.queries.usage.between(since, until, call.who.reads)
    best = call.request.accept_mimetypes.best_match(["application/json", TABLE], default="application/json")
    if best == TABLE:
        return Response(table(rows), mimetype=TABLE)
    return {"from": rfc3339(since), "to": rfc3339(until), "data": rows}


def table(rows: Any) -> str:
    """Return the usage as CSV."""
    names = list(Usage.__annotations__)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([f"'{row[name]}" if str(row[name]).startswith(FORMULA) else row[name] for name in names])
    return text.getvalue()
