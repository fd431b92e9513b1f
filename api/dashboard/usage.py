"""The usage of devices: time and energy by owner, project and queue, over some days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field

from api.dashboard.pages import Pages, TemplateResponse, Visit
from api.schemas.queries import Query, UsageQuery, integer
from api.v1.usage import get_usage
from models.views import rfc3339

pages = Pages()

PERIODS = (1, 7, 30, 90, 365)


class PeriodQuery(Query):
    """The days up to now."""

    days: Annotated[int, Field(ge=1, le=3650), BeforeValidator(integer)] = Field(30, description="Days up to now.")


@pages.add("/dashboard/usage", get_usage, query=PeriodQuery)
def usage(visit: Visit[PeriodQuery]) -> TemplateResponse:
    """Show the usage of the last days; users see their own."""
    until = datetime.now(UTC)
    since = until - timedelta(days=visit.query.days)
    found = visit.ask(get_usage, UsageQuery.model_validate({"from": rfc3339(since), "to": rfc3339(until)}))
    energies = [row["energy_wh"] for row in found["data"] if row["energy_wh"] is not None]
    context = {
        "rows": found["data"],
        "since": found["from"],
        "until": found["to"],
        "days": visit.query.days,
        "periods": PERIODS,
        "device_s": sum(row["device_s"] for row in found["data"]),
        "energy_wh": sum(energies) if energies else None,
    }
    return TemplateResponse("usage.html", context)
