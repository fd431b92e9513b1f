"""Queues and workers with more facts than the API lists: rates of submissions and ends, activity of each device."""

from __future__ import annotations

from typing import Any

from api.dashboard.pages import Visit
from api.schemas.queries import JobsQuery, PageQuery
from api.v1.jobs import list_jobs
from api.v1.queues import list_queues, list_workers
from models.states import State
from stores.queries.activity import MINUTES, Flow

ALL = PageQuery(limit=100)
LATELY = 5
HEIGHT = 20


def queues(visit: Visit[Any]) -> list[dict[str, Any]]:
    """Return the queues as the API lists them, each with its `flow`, and whether a worker takes its jobs (`served`)."""
    stores = visit.service.stores
    flows, served = stores.queries.activity.flows(), stores.queries.jobs.live_queues(stores.fleet.alive_s)
    listed = visit.ask(list_queues, ALL)["data"]
    return [{**one, "flow": rates(flows.get(one["name"], Flow())), "served": one["name"] in served} for one in listed]


def rates(flow: Flow) -> dict[str, Any]:
    """Return submissions and ends per minute, recently and over the hour, and both as lines of a sparkline."""
    most = max(1, *flow.arrivals, *flow.finishes)
    found: dict[str, Any] = {"most": most}
    for name, counts in (("arrivals", flow.arrivals), ("finishes", flow.finishes)):
        found[name] = {
            "lately": round(sum(counts[-LATELY:]) / LATELY, 2),
            "hour": round(sum(counts) / MINUTES, 2),
            "line": " ".join(f"{n},{HEIGHT - HEIGHT * count / most:.3g}" for n, count in enumerate(counts)),
        }
    return found


def workers(visit: Visit[Any]) -> list[dict[str, Any]]:
    """Return the workers as the API lists them to an admin, each with its activity, job and memory."""
    listed = visit.ask(list_workers, ALL)["data"]
    running = visit.ask(list_jobs, JobsQuery(state=[State.running], limit=100))["data"]
    jobs = {job["id"]: job for job in running}
    found = [{**one, "does": _does(one), "running": jobs.get(one["job"]), **_vitals(one)} for one in listed]
    return sorted(found, key=lambda one: (one["queue"], one["name"], one["id"]))


def _vitals(worker: dict[str, Any]) -> dict[str, Any]:
    """Return memories and temperature (°C); none of a lost worker, whose last values are out of date."""
    if worker["state"] == "lost":
        return {"memories": [], "temperature": None}
    return {"memories": memories(worker["device"]), "temperature": worker["device"].get("temperature")}


def _does(worker: dict[str, Any]) -> str:
    if worker["state"] != "live":
        return str(worker["state"])
    return "busy" if worker["job"] else "idle"


def memories(device: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the known memories of a device: `of` the GPU or the machine, with `total` and `used` bytes."""
    found = []
    pairs = (("gpu", "gpu_memory_total", "gpu_memory_free"), ("machine", "memory_total", "memory_available"))
    for of, total_name, free_name in pairs:
        total, free = device.get(total_name), device.get(free_name)
        if isinstance(total, int | float) and isinstance(free, int | float) and total > 0:
            found.append({"of": of, "total": total, "used": max(0, total - free), "free": free})
    return found
