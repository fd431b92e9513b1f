"""Queues and the workers that serve them."""

from __future__ import annotations

from typing import Any

from api.http.access import Access
from api.http.cursors import pager_for, short_list
from api.http.routes import Call, Reply, Routes
from api.schemas import answers
from api.schemas.bodies import NoBody
from api.schemas.queries import PageQuery, Query
from models.messages import Missing
from stores.infra.errors import NotFoundError

routes = Routes("queues")

SWITCH: dict[str, Any] = {"body": NoBody, "body_optional": True}
QUEUE = {**SWITCH, "answers": {200: answers.Queue}}
WORKER = {**SWITCH, "answers": {202: answers.Worker, 200: answers.Worker}, "problems": ("conflict",)}


@routes.add("GET", "/v1/queues", Access.read, query=PageQuery, answers={200: answers.Page[answers.Queue]})
def list_queues(call: Call[PageQuery, None]) -> dict[str, Any]:
    """List the queues with their waiting and running jobs and their workers."""
    stores = call.service.stores
    pager = pager_for(call, "queues")
    return short_list(pager, stores.queries.jobs.queues(stores.fleet.alive_s))


@routes.add("GET", "/v1/workers", Access.admin, query=PageQuery, answers={200: answers.Page[answers.Worker]})
def list_workers(call: Call[PageQuery, None]) -> dict[str, Any]:
    """List the workers of the last day."""
    stores = call.service.stores
    pager = pager_for(call, "workers")
    return short_list(pager, stores.queries.jobs.workers(stores.fleet.alive_s), "id")


@routes.add("POST", "/v1/queues/{queue}/pause", Access.admin, **QUEUE)
def pause_queue(call: Call[Query, NoBody], queue: str) -> answers.Queue:
    """Pause a queue: it starts no jobs; running jobs continue."""
    call.service.stores.fleet.queues.pause(_clean(queue), call.who)
    return _queue(call, queue)


@routes.add("POST", "/v1/queues/{queue}/resume", Access.admin, **QUEUE)
def resume_queue(call: Call[Query, NoBody], queue: str) -> answers.Queue:
    """Resume a queue: it starts jobs again."""
    call.service.stores.fleet.queues.resume(_clean(queue), call.who)
    return _queue(call, queue)


@routes.add("POST", "/v1/workers/{worker_id}/drain", Access.admin, **WORKER)
def drain_worker(call: Call[Query, NoBody], worker_id: str) -> Reply:
    """Drain a worker: it finishes its job and claims no more. 200: it is draining already. 409: it has stopped."""
    return _worker(call, worker_id, call.service.stores.fleet.queues.drain(_clean(worker_id), call.who))


@routes.add("POST", "/v1/workers/{worker_id}/undrain", Access.admin, **WORKER)
def undrain_worker(call: Call[Query, NoBody], worker_id: str) -> Reply:
    """Let a drained worker claim jobs again. 200: it already does. 409: it has stopped."""
    return _worker(call, worker_id, call.service.stores.fleet.queues.undrain(_clean(worker_id), call.who))


def _clean(name: str) -> str:
    if "\0" in name:
        raise NotFoundError(Missing.no_such_name())
    return name


def _queue(call: Call[Query, NoBody], name: str) -> answers.Queue:
    stores = call.service.stores
    return next(queue for queue in stores.queries.jobs.queues(stores.fleet.alive_s) if queue["name"] == name)


def _worker(call: Call[Query, NoBody], worker_id: str, news: bool) -> Reply:
    stores = call.service.stores
    found = [worker for worker in stores.queries.jobs.workers(stores.fleet.alive_s) if worker["id"] == worker_id]
    if not found:
        raise NotFoundError(Missing.no_such_worker())
    return Reply(found[0], 202 if news else 200)
