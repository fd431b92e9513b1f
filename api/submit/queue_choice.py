"""Which queue a job goes to: where a worker has the memory for it, and where it would have ended first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from api.http.problems import InvalidError, field
from models.job_profile import Shape
from models.specs.recipe import Recipe
from models.states import NO_LIVE_WORKER
from stores.container import Stores
from stores.fleet.capacity import Seat

# Ends that differ by less are alike: then the better class of devices is taken.
ALIKE_S = 60.0


@dataclass(frozen=True)
class Choice:
    """A queue, the reason when nobody serves it now, and the memory that the job is known to need there."""

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
        choices = ", ".join(["auto", *able])
        raise InvalidError([field("/queue", f"{recipe.name} can't run there; choose one of {choices}")])
    candidates = able if asked == "auto" else [asked]
    needs = {queue: None if shape is None else stores.memory.needs(shape, queue) for queue in candidates}
    known = [seat for seat in stores.fleet.seats() if seat.queue in candidates]
    fitting = [seat for seat in known if seat.fits(needs[seat.queue])]
    if known and not fitting and shape is not None:
        raise InvalidError([_too_large(stores, shape, known)])
    live = Counter(seat.queue for seat in fitting if seat.live)
    if live:
        queue = _soonest(stores, [queue for queue in candidates if live[queue]], live, shape, images)
        return Choice(queue, None, needs[queue])
    served = stores.settings.served or {seat.queue for seat in known}
    possible = {seat.queue for seat in fitting}
    order = sorted(candidates, key=lambda q: (needs[q] is not None and q not in possible, q not in served))
    return Choice(order[0], NO_LIVE_WORKER, needs[order[0]])


def _soonest(stores: Stores, queues: Sequence[str], live: Counter[str], shape: Shape | None, images: int | None) -> str:
    """Return the queue where a job would have ended first, or a better one where that is alike."""
    if len(queues) == 1:
        return queues[0]
    ends = stores.fleet.waits({queue: live[queue] for queue in queues})
    if shape is not None and images is not None:
        runs = {queue: stores.paces.runtime(shape, queue, images) for queue in queues}
        if all(runs.values()):
            # Compared only where the run time is known everywhere: an unknown one is not zero.
            ends = {queue: ends[queue] + run.seconds for queue, run in runs.items() if run is not None}
    best = min(ends.values())
    return next(queue for queue in queues if ends[queue] <= best + ALIKE_S)


def _too_large(stores: Stores, shape: Shape, known: Sequence[Seat]) -> dict[str, str]:
    """Return the error of a job that no known worker has the memory for, and what may fit."""

    def fits(smaller: Shape) -> bool:
        return any(seat.fits(stores.memory.needs(smaller, seat.queue)) for seat in known)

    roomiest = max(known, key=lambda seat: seat.capacity or 0)
    needs = stores.memory.needs(shape, roomiest.queue) or 0
    batch = shape.batch_size // 2
    while batch >= 2 and not fits(replace(shape, batch_size=batch)):
        batch //= 2
    remedy = f"{batch} may fit" if batch >= 2 else "lower `width` or `image_size`"
    return field(
        "/params/batch_size",
        f"needs at least {needs / 1e9:.1f} GB of memory, and the largest device that may run it has "
        f"{(roomiest.capacity or 0) / 1e9:.1f} GB for a job: {remedy}",
    )
