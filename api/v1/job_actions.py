"""Actions on existing jobs: cancel, pause, resume, retry, for one job or many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from typing import Any

from api.http.access import Access
from api.http.filters import job_filter
from api.http.idempotency import IDEMPOTENCY_KEY, REPLAYED, idempotency, made, replay
from api.http.language import tell
from api.http.problems import InvalidError, ProblemError, field
from api.http.routes import Call, Reply, Routes
from api.schemas import answers
from api.schemas.bodies import BulkOrder, NoBody, Retry
from api.schemas.queries import Query, RetryQuery
from api.submit.extractors import awaiting_extractor
from api.submit.retries import again
from api.v1.jobs import job_id_in
from models.messages import Message, OrderFaults, RequestFaults, Words
from stores.infra.errors import (
    ConflictError,
    IdempotencyBusyError,
    InvalidTransitionError,
    NotFoundError,
    QuotaError,
)
from stores.jobs.batches import Problem, Tally
from stores.jobs.idempotency import Request
from stores.jobs.insert import new_job_view
from stores.jobs.verbs import Verb

routes = Routes("jobs")

MOST_PROBLEMS = 10
Problems = list[Problem]
ONE_JOB: dict[str, Any] = {
    "body": NoBody,
    "body_optional": True,
    "answers": {202: answers.Job, 200: answers.Job},
    "problems": ("conflict",),
}


@routes.add("POST", "/v1/jobs/{job_id}/cancel", Access.change, **ONE_JOB)
def cancel_job(call: Call[Query, NoBody], job_id: str) -> Reply:
    """Cancel a job.

    202: a waiting or paused job is canceled, a running one will be, with a last checkpoint. 200: it was so already.
    409: it has ended otherwise.
    """
    return _asked(call, job_id, call.service.stores.jobs.cancel(job_id_in(job_id), call.who))


@routes.add("POST", "/v1/jobs/{job_id}/pause", Access.change, **ONE_JOB)
def pause_job(call: Call[Query, NoBody], job_id: str) -> Reply:
    """Pause a job.

    202: a waiting job is paused; a running one will be, when it has written a checkpoint and given its device back.
    200: it was so already. 409: it has ended, or is being canceled.
    """
    return _asked(call, job_id, call.service.stores.jobs.pause(job_id_in(job_id), call.who))


@routes.add("POST", "/v1/jobs/{job_id}/resume", Access.change, **ONE_JOB)
def resume_job(call: Call[Query, NoBody], job_id: str) -> Reply:
    """Resume a paused job.

    202: it waits again, and any worker of its queue goes on from its checkpoint; a pause that is still under way is
    taken back. 200: it waits or runs already. 409: it has ended, or is being canceled. 429: as many of the owner's jobs
    wait as the key allows (quota `queued`); the job stays paused.
    """
    return _asked(call, job_id, call.service.stores.jobs.resume(job_id_in(job_id), call.who))


def _asked(call: Call[Query, NoBody], job_id: str, news: bool) -> Reply:
    return Reply(call.service.stores.queries.jobs.job(job_id, call.who.reads), 202 if news else 200)


@routes.add(
    "POST",
    "/v1/jobs/{job_id}/retry",
    Access.change,
    query=RetryQuery,
    body=Retry,
    body_optional=True,
    headers=(IDEMPOTENCY_KEY,),
    answers={201: answers.Job, 200: answers.PlannedJob},
    answer_headers={201: {"Location": "The new job.", **REPLAYED}},
    problems=("conflict",),
)
def retry_job(call: Call[RetryQuery, Retry], job_id: str) -> Reply:
    """Retry an ended job, as a new job whose `parent` it is.

    From zero, or from one of its checkpoints; `params` are changes to its own. With a checkpoint, what the checkpoint
    is made of cannot change (422), and `epochs` or `images` count what it has done: they must be more than that (422).
    409: it has not ended. With `dry_run=true` nothing is stored: 200 and the job as it would be, with its ETA.
    """
    stores = call.service.stores
    ended = stores.jobs.ended(job_id_in(job_id), call.who)
    if call.query.dry_run:
        planned = again(stores, call.who, ended, call.body, planned=True)
        return Reply(new_job_view(planned, stores.queries.jobs.foresee(vars(planned))))
    request = idempotency(call, f"retry {job_id} ")
    if request is not None and (stored := stores.jobs.answered(ended.owner, request)) is not None:
        return made(stored, replayed=True)
    new = awaiting_extractor(stores, call.who, again(stores, call.who, ended, call.body), request)
    return made(*stores.jobs.submit(new, request, call.who, changes=call.body.model_dump(exclude_unset=True)))


@routes.add(
    "POST",
    "/v1/jobs/bulk",
    Access.change,
    body=BulkOrder,
    headers=(IDEMPOTENCY_KEY,),
    answers={202: answers.BulkAnswer},
    answer_headers={202: REPLAYED},
    problems=("conflict",),
)
def order_many(call: Call[Query, BulkOrder]) -> Reply:
    """Cancel, pause, resume, retry, reprioritize, delete, restore or purge many jobs.

    Meant are the jobs that `GET /v1/jobs` lists with the same filter. They must be as many as `expected`: else 409 with
    the true count, `matched`, and nothing is done. Those whose state does not allow the action stay as they are and
    count as `unchanged`: `cancel` and `reprioritize` change what has not ended, `pause` what waits or runs, `resume`
    what is paused, `retry` (from zero) and `delete` (into the trash) what has ended. `restore` and `purge` (delete for
    good, now) are about jobs in the trash. `resume` and `retry` make as many jobs wait as the key's quota
    `queued` allows, the oldest first; `delete` leaves what unfinished jobs need, `restore` what the quota
    `stored_bytes` has no room for. These are `unchanged`, and the first of them are listed in `problems` with the
    reason. Jobs are changed some hundreds at a time; asking again after a break changes the rest.
    """
    stores, order = call.service.stores, call.body
    request = idempotency(call, "bulk ")
    if request is not None and (stored := stores.jobs.answered(call.who.owner, request)) is not None:
        return Reply(stored, 202, replay(True))
    if (order.action == "reprioritize") != (order.priority is not None):
        wanted = RequestFaults.needs_priority() if order.priority is None else RequestFaults.only_reprioritize()
        raise InvalidError([field("/priority", wanted)])
    wanted_jobs = replace(job_filter(order.filter, call.who.reads, "/filter"), trashed=_in_trash(order))
    job_ids, count = stores.jobs.matching(wanted_jobs, order.expected)
    if count != order.expected:
        message = OrderFaults.filter_matches(count=count, expected=order.expected)
        raise ProblemError("conflict", message, matched=count)
    tally, problems = _carry_out(call, job_ids, request)

    def answer(say: Callable[[Message], str]) -> dict[str, Any]:
        shown = [{"job": job_id, "detail": say(message)} for job_id, message in problems[:MOST_PROBLEMS]]
        return {"matched": count, "changed": tally.changed, "unchanged": tally.unchanged, "problems": shown}

    # What is kept is English, whoever asked; a repeated request reads that.
    stores.jobs.note_bulk(call.who, order.model_dump(mode="json", exclude_unset=True), answer(str), request)
    return Reply(answer(tell), 202)


def _in_trash(order: BulkOrder) -> bool:
    """Return whether an order is about jobs in the trash.

    Raises:
        InvalidError: its filter says otherwise.
    """
    about_trash = order.action in {"restore", "purge"}
    if order.filter.trashed not in {None, about_trash}:
        wanted = RequestFaults.only_in_trash(action=order.action) if about_trash else RequestFaults.not_in_trash()
        raise InvalidError([field("/filter/trashed", wanted)])
    return about_trash


def _carry_out(call: Call[Query, BulkOrder], job_ids: list[str], request: Request | None) -> tuple[Tally, Problems]:
    """Do it; return how many jobs changed, and what stood against it, by job."""
    verbs, order = call.service.stores.jobs, call.body
    if order.action == "retry":
        return _retry_all(call, job_ids, request)
    match order.action:
        case "delete":
            return verbs.trash.delete_all(job_ids, call.who)
        case "restore":
            return verbs.trash.restore_all(job_ids, call.who)
        case "purge":
            return verbs.trash.purge_all(job_ids, call.who), []
    if order.priority is not None:
        return verbs.reprioritize_all(order.priority, job_ids, call.who), []
    tally, refused = verbs.ask_all(Verb(order.action), job_ids, call.who)
    return tally, [(job_id, error.message) for job_id, error in refused]


def _retry_all(call: Call[Query, BulkOrder], job_ids: list[str], request: Request | None) -> tuple[Tally, Problems]:
    """Retry one job after the other, each with its own idempotency key, so that no retry is made twice."""
    stores = call.service.stores
    changed = 0
    problems: Problems = []
    for job_id in job_ids:
        own = None if request is None else Request(f"{request.key} {job_id}", request.body_sha256)
        try:
            ended = stores.jobs.ended(job_id, call.who)
            if own is not None and stores.jobs.answered(ended.owner, own) is not None:
                continue
            new = awaiting_extractor(stores, call.who, again(stores, call.who, ended, Retry()), own)
            _, replayed = stores.jobs.submit(new, own, call.who, changes={"action": "bulk"})
            changed += not replayed
        except InvalidError as error:
            found = [Words.subject_and(subject=one.pointer, what=one.message) for one in error.errors]
            problems.append((job_id, reduce(lambda first, second: Words.both(first=first, second=second), found)))
        except InvalidTransitionError:
            continue  # it has not ended
        except ConflictError as error:
            problems.append((job_id, error.message))  # it was moved to the trash meanwhile
        except (NotFoundError, QuotaError, IdempotencyBusyError) as error:
            problems.append((job_id, error.message))
    return Tally(changed, len(job_ids) - changed), problems
