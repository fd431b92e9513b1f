"""Two artifacts of a job as tables: the layers of its networks, and the run report. The job page loads them when they
are opened, and links to them for readers without JavaScript."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from api.dashboard.formats import NONE, figure
from api.dashboard.pages import Pages, TemplateResponse, Visit
from api.schemas.queries import ArtifactsQuery, ContentQuery, Query
from api.v1.artifacts import download_artifact, list_artifacts
from api.v1.jobs import get_job
from models import layer_table
from models.messages import Missing
from models.states import ArtifactKind
from stores.infra.errors import NotFoundError

pages = Pages()

# The most entries shown of a list: some lists of a report have an entry for every epoch.
MAX_LIST_ENTRIES = 8


@pages.add("/dashboard/jobs/{job_id}/layers", get_job, download_artifact)
def job_layers(visit: Visit[Query], job_id: str) -> TemplateResponse:
    """Show the layers of a job's networks."""
    return _table(visit, job_id, ArtifactKind.summary, _layers)


@pages.add("/dashboard/jobs/{job_id}/report", get_job, download_artifact)
def job_report(visit: Visit[Query], job_id: str) -> TemplateResponse:
    """Show the report of a job's run."""
    return _table(visit, job_id, ArtifactKind.report, lambda text, _: {"report": entries(json.loads(text))})


def _table(
    visit: Visit[Query], job_id: str, kind: ArtifactKind, read: Callable[[str, str], Mapping[str, object]]
) -> TemplateResponse:
    job = visit.ask(get_job, Query(), job_id)
    files = visit.ask(list_artifacts, ArtifactsQuery(kind=[kind], limit=100), job_id)["data"]
    if not files:
        raise NotFoundError(Missing.no_such_artifact())
    content = visit.ask(download_artifact, ContentQuery(redirect=False), files[-1]["id"])
    found = read(content.get_data(as_text=True), files[-1]["content_type"])
    return TemplateResponse("job_tables.html", {"job": job, "file": files[-1], **found})


def _layers(text: str, content_type: str) -> Mapping[str, object]:
    """Return the content of a summary. Earlier versions of trainers wrote it as text, which is shown as text."""
    if content_type != "application/json":
        return {"networks": (), "text": text}
    return {"networks": layer_table.read(text).networks}


def entries(report: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Return the entries of a report with readable values; parameters are left out, the job page shows them."""
    return [(name, _written(value)) for name, value in report.items() if name != "params"]


def _written(value: Any) -> str:
    match value:
        case bool() | dict():
            return json.dumps(value)
        case int() | float():
            return figure(value)
        case [*several]:
            more = f" … ({len(several)})" if len(several) > MAX_LIST_ENTRIES else ""
            return ", ".join(map(_written, several[:MAX_LIST_ENTRIES])) + more or NONE
    return NONE if value is None else str(value)
