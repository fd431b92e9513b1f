"""What the page of a job shows of evaluations: the report card of one, and those of a training."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from api.dashboard import report_card
from api.dashboard.pages import Visit
from api.schemas.queries import ContentQuery, Query
from api.v1.artifacts import download_artifact
from api.v1.jobs import get_job
from models.card_figures import advice
from models.limits import FEWEST_EVALUATED, MOST_EVALUATED, USUALLY_EVALUATED
from models.recipes import RECIPES
from models.states import JobKind
from models.views import Artifact, Dataset
from stores.infra.errors import NotFoundError

# Evaluations of a training on its page. Each is a line.
LISTED = 20
# What is larger is no report of this service, and is only linked to.
LARGEST_REPORT = 4_000_000
PNG = "image/png"
# Images that an evaluation takes, for its forms.
COUNTS = {"fewest": FEWEST_EVALUATED, "most": MOST_EVALUATED, "usual": USUALLY_EVALUATED}
# The closest pairs with words, and without for the page, which adds its own.
PAIRS, PAIRS_SHEET = "closest_pairs.png", "pairs.png"

Files = Mapping[str, Sequence[Artifact]]
Report = dict[str, Any]


def can_be_judged(job: Mapping[str, Any]) -> bool:
    """Return whether a job is a training whose generator makes images from noise."""
    return job["kind"] == JobKind.train and RECIPES[job["recipe"]].generates_images


def evaluations(visit: Visit[Any], job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the evaluations of a training job, newest first, for its page."""
    judged = can_be_judged(job)
    found = visit.service.stores.queries.evaluations.of(job["id"], visit.who.reads, LISTED) if judged else []
    # By id: the name may mean another data set by now.
    dataset = visit.service.stores.queries.jobs.dataset_id(job["id"]) if judged else None
    newest = next((one for one in found if one["result"] is not None), None)
    return {"judged": judged, "evaluations": found, "judgement": newest, "dataset_id": dataset, "image_counts": COUNTS}


def report_of(visit: Visit[Any], job: Mapping[str, Any], files: Files) -> dict[str, Any]:
    """Return the report card of an evaluation, for its page; without a result only what is there."""

    def content(file: Artifact) -> bytes:
        answer = visit.ask(download_artifact, ContentQuery(redirect=False), file["id"])
        return bytes(answer.get_data())

    compared = visit.service.stores.queries.jobs.dataset_id(job["id"])
    dataset = None if compared is None else visit.service.stores.datasets.find(compared, None)
    report = {} if job["result"] is None else read_report(files, content)
    generator = _generator(visit, job)
    return {
        "generator": generator,
        "of": None if generator is None else generator["name"],
        **card_of(job, files, report, dataset),
    }


def card_of(job: Mapping[str, Any], files: Files, report: Report, dataset: Dataset | None) -> dict[str, Any]:
    """Return what a page shows of an evaluation by itself; without a result only the images that were judged."""
    context: dict[str, Any] = {
        "result": job["result"],
        "judged_images": next((file for file in files.get("samples", ()) if file["content_type"] == PNG), None),
    }
    if job["result"] is None:
        return context
    pictures = [file for file in files.get("figure", ()) if file["content_type"] == PNG]
    pairs = report_card.pairs(report)
    return {
        **context,
        "pairs": pairs,
        "pairs_picture": _named(pictures, PAIRS_SHEET if pairs else PAIRS),
        "closest_limit": report.get("closest_limit"),
        "card": report_card.card(job["result"], report),
        "tries": [(code, advice(code, job["result"], job["source"])) for code in job["result"]["verdicts"]],
        "histogram": report_card.histogram(job["result"], report, dataset),
        "held_out": report.get("held_out", True),
    }


def _named(files: Sequence[Artifact], name: str) -> Artifact | None:
    return next((file for file in files if file["name"] == name), None)


def _generator(visit: Visit[Any], job: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the training job that is judged; None for a data set, or once the job is gone."""
    if job["source"].get("job") is None:
        return None
    try:
        found: dict[str, Any] = visit.ask(get_job, Query(), job["source"]["job"])
    except NotFoundError:
        return None
    return found


def read_report(files: Files, content: Callable[[Artifact], bytes]) -> Report:
    """Return what the report says; nothing if it is gone or cannot be read."""
    file = next(iter(files.get("report", ())), None)
    if file is None or file["bytes"] > LARGEST_REPORT:
        return {}
    try:
        found = json.loads(content(file))
    except (NotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
