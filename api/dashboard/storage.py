"""What uses the space, with the buttons to make some; the trash; and what is kept of the ended jobs of projects."""

from __future__ import annotations

from operator import itemgetter
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import BeforeValidator, Field, model_validator

from api.dashboard.jobs_query import TRASH, address, whole_trash
from api.dashboard.pages import Pages, TemplateResponse, Visit
from api.schemas.bodies import NewRetentionPolicy, Word
from api.schemas.queries import PageQuery, Query, integer
from api.v1.retention import RULES, list_retention, preview, set_retention
from api.v1.trash import show_storage
from models.jobs import Project

pages = Pages()

RETENTION = "/dashboard/storage/retention"
MOST = 100

_Number = Annotated[int, Field(ge=0, le=3650), BeforeValidator(integer)]


class RetentionForm(Query):
    """A policy as the form sends it; empty fields are dropped."""

    project: Project | None = None
    owner: Word | None = None
    keep_checkpoints: Annotated[int, Field(ge=1, le=1000), BeforeValidator(integer)] | None = None
    checkpoints_after_days: _Number | None = None
    grids_after_days: _Number | None = None
    failed_after_days: Annotated[_Number, Field(ge=1)] | None = None
    ended_after_days: Annotated[_Number, Field(ge=1)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_the_empty(cls, values: Any) -> Any:
        return {name: value for name, value in values.items() if value != ""}

    def given(self) -> dict[str, Any]:
        """Return the fields that say something: how many checkpoints stay does so only together with their days."""
        given = self.model_dump(exclude_none=True)
        if self.checkpoints_after_days is None:
            given.pop("keep_checkpoints", None)
        return given


@pages.add("/dashboard/storage", show_storage, list_retention)
def storage(visit: Visit[Query]) -> TemplateResponse:
    """Show what is stored by owner, kind, data set and job, largest first, and the retention policies."""
    held, settings = visit.ask(show_storage, Query()), visit.service.settings
    may_delete = visit.may("DELETE", "/v1/datasets/{dataset_id}")
    sees_all = visit.who.reads is None
    sets = [{**one, "may_delete": may_delete and (sees_all or one["owner"] == visit.who.owner)}
            for one in held["by_dataset"]]  # fmt: skip
    policies = visit.ask(list_retention, PageQuery(limit=MOST))
    forms = [{**one, "form": _form(one)} for one in policies["data"]]
    context: dict[str, Any] = {
        "held": {**held, "by_dataset": sets},
        "days": settings.trash_days,
        "kept_by_default": {"checkpoints": settings.thin_after_days, "files": settings.keep_artifacts_days},
        "trash": address(TRASH),
        "whole_trash": whole_trash(),
        "policies": sorted(forms, key=itemgetter("owner", "project")),
        "more_policies": policies["next_cursor"] is not None,
        "new_policy": RETENTION,
    }
    return TemplateResponse("storage.html", context)


@pages.add(RETENTION, list_retention, set_retention, query=RetentionForm)
def retention(visit: Visit[RetentionForm]) -> TemplateResponse:
    """Show the form of a policy, and once it is filled in, what would go, with the button that sets the policy."""
    asked, given, goes = visit.query, visit.query.given(), None
    if asked.project is not None and any(getattr(asked, name) is not None for name in RULES):
        policies = visit.service.stores.maintenance.policies
        goes = preview(policies, visit.who, NewRetentionPolicy.model_validate(given))
    context = {
        "asked": asked,
        "body": given,
        "goes": goes,
        "projects": visit.projects,
    }
    return TemplateResponse("retention.html", context)


def _form(policy: dict[str, Any]) -> str:
    """Return the address of the form with a policy filled in."""
    names = ("project", "owner", "keep_checkpoints", *RULES)
    return f"{RETENTION}?{urlencode({name: policy[name] for name in names if policy[name] is not None})}"
