"""What needs attention, most severe first. Each need is a few facts; the template has the texts and the remedies.

"All clear" stands where nothing is found, and says no more than what is looked for. Of the jobs that somebody may read:
none has failed within 24 hours (one in the trash is dealt with), none waits in a queue that is paused or that no worker
takes jobs from, and none of the next lacks memory. Where somebody sees the workers: none is lost or draining. What is
wrong with other owners' jobs is told apart, because it is not theirs to mend.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from api.dashboard.pages import Visit
from models.states import State
from stores.jobs.filter import JobFilter

# How many of the next jobs of each queue are checked for memory that no device has.
LOOKED_AT = 20
COUNTED = 10_000
# What a job may lack without anybody having to do something: its extractor is being made.
EXPECTED = (None, "extractor")
# Trainings whose quality fell, at most.
FALLEN = 5
Need = dict[str, Any]


class Attention(NamedTuple):
    """What needs attention.

    Attributes:
        needs: what the reader can do something about.
        elsewhere: queues in which only jobs of other owners wait that cannot start.
    """

    needs: list[Need]
    elsewhere: list[Need]


def attention(visit: Visit[Any], queues: Sequence[Need], workers: Sequence[Need] | None) -> Attention:
    """Return what needs attention. `workers` is None for people who may not see workers."""
    stuck = [*_stuck(visit, queues)]
    found = [need for need in stuck if need["count"]]
    found += [*_short_of_memory(visit, queues), *_failures(visit), *_fallen(visit), *_silent_webhooks(visit)]
    if workers is not None:
        found += [*_missing(workers), *_gone(visit)]
    needs = sorted(found, key=lambda need: ("bad", "warn", "still").index(need["level"]))
    return Attention(needs, [need for need in stuck if not need["count"]])


def _stuck(visit: Visit[Any], queues: Sequence[Need]) -> Iterator[Need]:
    """Yield the queues whose waiting jobs cannot start, with the number of those that the reader may read."""
    for queue in queues:
        if not queue["depth"] or (queue["served"] and not queue["paused"]):
            continue
        count = queue["depth"] if visit.who.reads is None else _waiting(visit, queue["name"])
        facts = {"queue": queue["name"], "count": count}
        if queue["paused"]:
            yield {"what": "paused", "level": "warn", **facts}
        else:
            yield {"what": "all_draining" if queue["workers"] else "no_worker", "level": "bad", **facts}


def _waiting(visit: Visit[Any], queue: str) -> int:
    mine = JobFilter(owner=visit.who.reads, states=[State.queued], queues=[queue])
    return visit.service.stores.queries.job_list.at_most(mine, COUNTED)


def _short_of_memory(visit: Visit[Any], queues: Sequence[Need]) -> Iterator[Need]:
    for queue in queues:
        if not (queue["depth"] and queue["served"]):
            continue
        line = visit.service.stores.schedule.upcoming_jobs.next(queue["name"], visit.who.reads, LOOKED_AT)
        for lacks, count in Counter(job["lacks"] for job in line if job["lacks"] not in EXPECTED).items():
            first = next(job for job in line if job["lacks"] == lacks)
            level = "bad" if lacks == "device" else "warn"
            yield {"what": f"lacks_{lacks}", "level": level, "queue": queue["name"], "count": count, "job": first}


def _failures(visit: Visit[Any]) -> Iterator[Need]:
    for failed in visit.service.stores.queries.activity.failures(visit.who.reads):
        yield {"what": "failed", "level": "bad", "code": failed.code, "count": failed.count, "newest": failed.newest}


def _fallen(visit: Visit[Any]) -> Iterator[Need]:
    for job in visit.service.stores.queries.evaluations.fallen(visit.who.reads, FALLEN):
        yield {"what": "fallen", "level": "warn", "job": job}


def _silent_webhooks(visit: Visit[Any]) -> Iterator[Need]:
    for webhook in visit.service.stores.webhooks.paused_by_failures(visit.who):
        yield {"what": "webhook", "level": "warn", "webhook": webhook}


def _missing(workers: Sequence[Need]) -> Iterator[Need]:
    # A worker that was killed and restarted has a new id and the old name.
    there = {(one["name"], one["queue"]) for one in workers if one["state"] in {"live", "draining"}}
    for worker in workers:
        if worker["state"] == "lost" and (worker["name"], worker["queue"]) not in there:
            yield {"what": "lost", "level": "bad", "worker": worker}
        elif worker["state"] == "draining":
            yield {"what": "draining", "level": "still", "worker": worker}


def _gone(visit: Visit[Any]) -> Iterator[Need]:
    if count := visit.service.stores.queries.prometheus.missing():
        yield {"what": "objects_missing", "level": "bad", "count": count}
