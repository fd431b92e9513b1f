"""Retention policies: what is kept of the ended jobs of a project."""

from __future__ import annotations

from typing import Any

from api.http.access import Access
from api.http.cursors import pager_for, short_list
from api.http.problems import InvalidError, ProblemError, field
from api.http.routes import Call, Reply, Routes
from api.schemas import answers
from api.schemas.bodies import NewRetentionPolicy
from api.schemas.queries import PageQuery, Query, RetentionQuery
from models.ids import is_id
from models.messages import Door, RetentionFaults, word
from stores.accounts.keys import Principal
from stores.infra.errors import NotFoundError
from stores.maintenance.policies import Policies
from stores.maintenance.policy_rules import Rules

routes = Routes("storage")

RULES = ("checkpoints_after_days", "grids_after_days", "failed_after_days", "ended_after_days")


@routes.add("GET", "/v1/retention", Access.read, query=PageQuery, answers={200: answers.Page[answers.RetentionPolicy]})
def list_retention(call: Call[PageQuery, None]) -> dict[str, Any]:
    """List the retention policies, oldest first. Admins see all owners."""
    return short_list(pager_for(call, "retention"), call.service.stores.maintenance.policies.all(call.who.reads), "id")


@routes.add(
    "POST",
    "/v1/retention",
    Access.change,
    query=RetentionQuery,
    body=NewRetentionPolicy,
    answers={200: answers.RetentionPreview, 201: answers.RetentionPolicy},
    problems=("conflict",),
)
def set_retention(call: Call[RetentionQuery, NewRetentionPolicy]) -> Reply:
    """Set what is kept of the ended jobs of a project, in place of an earlier policy.

    With `dry_run=true` nothing is stored: 200, and what the policy would take away now. The sweeper applies policies
    at once when they are set, then every hour. The best and the latest checkpoint stay, and so does what a job that has
    not ended needs. Jobs with a star are left alone. Jobs move to the trash, where they can be restored. 403: only
    admins set policies of other owners. 409: the owner has 100 policies.
    """
    asked, policies = call.body, call.service.stores.maintenance.policies
    if call.query.dry_run:
        return Reply(preview(policies, call.who, asked))
    owner, rules = _owner(call.who, asked), _rules(asked)
    return Reply(policies.put(owner, asked.project, rules, call.who), 201)


@routes.add("DELETE", "/v1/retention/{policy_id}", Access.change, answers={204: None})
def delete_retention(call: Call[Query, None], policy_id: str) -> Reply:
    """Delete a retention policy. What it took away stays away; jobs can be restored while they are in the trash."""
    if not is_id("ret", policy_id):
        raise NotFoundError(RetentionFaults.no_such_policy())
    call.service.stores.maintenance.policies.delete(policy_id, call.who)
    return Reply(None, 204)


def preview(policies: Policies, who: Principal, asked: NewRetentionPolicy) -> answers.RetentionPreview:
    """Return what a policy would take away now.

    Raises:
        ProblemError: 403, the owner is another one than the caller, who is no admin.
        InvalidError: there is no rule, or one that does nothing.
    """
    return policies.preview(_owner(who, asked), asked.project, _rules(asked))


def _owner(who: Principal, asked: NewRetentionPolicy) -> str:
    if asked.owner is None or asked.owner == who.owner:
        return who.owner
    if who.reads is not None:
        raise ProblemError("forbidden", Door.needs_admin(role=word(who.role)))
    return asked.owner


def _rules(asked: NewRetentionPolicy) -> Rules:
    if all(getattr(asked, name) is None for name in RULES):
        raise InvalidError([field("", RetentionFaults.no_rule(rules=", ".join(RULES)))])
    if asked.keep_checkpoints is not None and asked.checkpoints_after_days is None:
        raise InvalidError([field("/keep_checkpoints", RetentionFaults.keeps_nothing_more())])
    rules = {name: getattr(asked, name) for name in RULES}
    return Rules(keep_checkpoints=asked.keep_checkpoints or 1, **rules)
