"""What scripts come upon in answers, in the language of their page: why a drawing failed, what became of an upload."""

from __future__ import annotations

from typing import Annotated

from flask import Response
from pydantic import Field

from api.dashboard.language import said
from api.dashboard.pages import Pages, Visit
from api.schemas.queries import Query

pages = Pages()


class ToldQuery(Query):
    """What the service has told, in English."""

    text: Annotated[str, Field(max_length=4000)]


@pages.add("/dashboard/told", query=ToldQuery)
def told(visit: Visit[ToldQuery]) -> Response:
    """Say it in the reader's language."""
    return Response(said(visit.query.text), mimetype="text/plain")
