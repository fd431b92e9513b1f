"""The generators of one data set, best first; those that were never evaluated; and any images to evaluate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.dashboard.job_evaluation import COUNTS
from api.dashboard.pages import Pages, TemplateResponse, Visit
from api.schemas.queries import PageQuery, Query, Sha256
from api.v1.datasets import get_dataset, list_datasets
from api.v1.jobs import list_jobs
from models.compatibility import DOMAINS
from models.limits import FEWEST_EVALUATED
from models.recipes import RECIPES

pages = Pages()

RANKED = 100
# Trainings without an evaluation that are listed.
OTHERS = 20
MOST_OFFERED = 100


class RankingQuery(Query):
    """The network that measured: figures of different ones are not comparable."""

    extractor: Sha256 | None = None


@pages.add("/dashboard/datasets/{dataset_id}/ranking", get_dataset, list_datasets, list_jobs, query=RankingQuery)
def ranking(visit: Visit[RankingQuery], dataset_id: str) -> TemplateResponse:
    """Show the generators of a data set, best first."""
    dataset = visit.ask(get_dataset, Query(), dataset_id)
    found = visit.service.stores.queries.evaluations
    extractors = found.extractors(dataset["id"], visit.who.reads)
    chosen = visit.query.extractor or next((one["sha256"] for one in extractors), None)
    recipes = [recipe.name for recipe in RECIPES.values() if recipe.generates_images]
    ranked = found.ranking(dataset["id"], chosen, visit.who.reads, RANKED) if chosen else []
    context = {
        "dataset": dataset,
        "comparable": not any(part in dataset["parts"] for part in DOMAINS) and dataset["images"] >= FEWEST_EVALUATED,
        "image_counts": COUNTS,
        "extractors": extractors,
        "chosen": chosen,
        "ranked": ranked,
        "pictures": visit.service.stores.queries.job_list.pictures([one["id"] for one in ranked]),
        "never": found.never(dataset["id"], recipes, visit.who.reads, OTHERS),
        "others": [view for view in _offered(visit) if _alike(view, dataset)],
    }
    return TemplateResponse("ranking.html", context)


def _offered(visit: Visit[RankingQuery]) -> list[dict[str, Any]]:
    """Return data sets whose images may be evaluated, with their names in jobs of this person."""
    views = visit.ask(list_datasets, PageQuery(limit=MOST_OFFERED))["data"]
    mine = {None, visit.who.owner}
    return [{**view, "called": view["name"] if view["owner"] in mine else view["id"]} for view in views]


def _alike(view: Mapping[str, Any], dataset: Mapping[str, Any]) -> bool:
    """Return whether the images of a data set can be compared with those of another one."""
    ready = view["state"] == "ready" and view["images"] >= FEWEST_EVALUATED and view["id"] != dataset["id"]
    return ready and view["shape"][0] == dataset["shape"][0] and not any(part in view["parts"] for part in DOMAINS)
