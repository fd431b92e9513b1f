"""The choice of a job's queue: one whose workers have enough memory and where the job would end first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count, takewhile

from api.http.problems import FieldError, InvalidError, field
from models.formats import gigabytes
from models.job_profile import Shape
from models.messages import RequestFaults
from models.specs.recipe import Recipe
from models.states import NO_LIVE_WORKER
from stores.container import Stores
from stores.schedule.queue_forecast import Outlook

# If the estimated ends differ by less than this, the better device class is taken.
ALIKE_S = 60.0


@dataclass(frozen=True)
class Choice:
    """A queue, the reason if no worker serves it now, and the memory that the job needs there, if known."""

    queue: str
    reason: str | None
    needs_bytes: int | None = None


def choose(stores: Stores, recipe: Recipe, asked: str, shape: Shape | None = None, images: int | None = None) -> Choice:
    """Return the queue for a job.

    `auto` takes, of the classes with a live worker that has the memory, the one where the job would have ended first,
    and the better class where that is alike. With none live, it takes the best one that this service knows: that its
    settings name, or else that a worker served lately.

    Raises:
        InvalidError: the recipe can't run on the queue that was asked for, or no known worker has the memory.
    """
    able = [str(queue) for queue in recipe.queues]
    if asked != "auto" and asked not in able:
        message = RequestFaults.choose_a_queue(recipe=recipe.name, queues=["auto", *able])
        raise InvalidError([field("/queue", message)])
    candidates = able if asked == "auto" else [asked]
    found = stores.queries.jobs.outlooks(candidates, shape, images)
    served = {queue for queue in candidates if found[queue].seats}
    fitting = {queue for queue in candidates if found[queue].fitting}
    if served and not fitting and shape is not None:
        raise InvalidError([_too_large(stores, shape, found)])
    live = [found[queue] for queue in candidates if found[queue].live]
    if live:
        chosen = _soonest(live)
        return Choice(chosen.queue, None, chosen.needs_bytes)
    expected = stores.infra.settings.served or served
    too_small = {queue for queue in candidates if found[queue].needs_bytes is not None} - fitting
    best = min(candidates, key=lambda queue: (queue in too_small, queue not in expected))
    return Choice(best, NO_LIVE_WORKER, found[best].needs_bytes)


def _soonest(live: Sequence[Outlook]) -> Outlook:
    """Return the queue where a job would end first, or a better one with nearly the same end."""
    ends = [outlook.wait_s for outlook in live]
    runs = [outlook.runtime.seconds for outlook in live if outlook.runtime is not None]
    if len(runs) == len(live):
        # Run times are compared only if known for all queues, because an unknown one is not zero.
        ends = [wait + run for wait, run in zip(ends, runs, strict=True)]
    return next(outlook for outlook, end in zip(live, ends, strict=True) if end <= min(ends) + ALIKE_S)


def _too_large(stores: Stores, shape: Shape, found: Mapping[str, Outlook]) -> FieldError:
    """Return the error of a job that is too large for every known worker, with a size that may fit."""
    known = [seat for outlook in found.values() for seat in outlook.seats]
    roomiest = max(known, key=lambda seat: seat.capacity or 0)
    needs = found[roomiest.queue].needs_bytes or 0
    halves = list(takewhile(lambda batch: batch >= 2, (shape.batch_size >> n for n in count(1))))
    smaller = stores.queries.jobs.needs_of_smaller(list(found), shape, halves)
    batch = next((half for half in halves if any(seat.fits(smaller.get((seat.queue, half))) for seat in known)), 0)
    sizes = {"needs": gigabytes(needs), "capacity": gigabytes(roomiest.capacity or 0)}
    if batch >= 2:
        return field("/params/batch_size", RequestFaults.needs_memory_batch(**sizes, batch=batch))
    return field("/params/batch_size", RequestFaults.needs_memory(**sizes))
