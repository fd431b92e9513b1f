"""Workers: which process serves which queue with which device, and whether it is live.

A worker writes `last_seen` every few seconds. Whatever asks whether a worker is live uses the SQL of this module.
"""

from __future__ import annotations

import os
import socket
from typing import Any

from sqlalchemy import Engine, Select, TextClause, func, insert, literal, select, text, update

from models.ids import new_id
from models.rows import Job, Queue, Worker
from models.states import State
from stores.infra.sql import AWAITED_ENDED, seconds

# The state of a row of `workers`, as answers and metrics show it. `:alive_s`: seconds of silence that make it lost.
STATE = """CASE WHEN workers.stopped_at IS NOT NULL THEN 'stopped'
            WHEN workers.last_seen <= now() - make_interval(secs => :alive_s) THEN 'lost'
            WHEN workers.draining THEN 'draining'
            ELSE 'live' END"""
# Live: it takes jobs. A draining worker is running too, but finishes its job and takes no other.
LIVE = f"({STATE} = 'live')"
RUNNING = f"({STATE} IN ('live', 'draining'))"
# Workers that were lost or stopped longer ago are no longer listed, and are not expected back.
SEEN_TODAY = "(workers.last_seen > now() - interval '1 day')"


def is_live(alive_s: float) -> TextClause:
    """Return the condition that a worker takes jobs."""
    return text(LIVE).bindparams(alive_s=alive_s)


def is_running(alive_s: float) -> TextClause:
    """Return the condition that a worker's process runs, whether or not it takes jobs."""
    return text(RUNNING).bindparams(alive_s=alive_s)


class Workers:
    """Registers supervisors and records their heartbeats."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def register(self, name: str, queue: str, device: dict[str, Any]) -> str:
        """Insert a row for this process; return its id."""
        worker_id = new_id("wrk")
        with self._engine.begin() as connection:
            connection.execute(
                insert(Worker).values(
                    id=worker_id, name=name, queue=queue, device=device, host=socket.gethostname(), pid=os.getpid()
                )
            )
        return worker_id

    def beat(self, worker_id: str, device: dict[str, Any]) -> bool:
        """Record a heartbeat, with the present state of the device. Returns whether the worker shall drain."""
        with self._engine.begin() as connection:
            return bool(
                connection.scalar(
                    update(Worker)
                    .where(Worker.id == worker_id)
                    .values(last_seen=func.now(), device=device, lost_at=None)
                    .returning(Worker.draining)
                )
            )

    def stop(self, worker_id: str) -> None:
        """Record that the worker has stopped in order."""
        with self._engine.begin() as connection:
            connection.execute(update(Worker).where(Worker.id == worker_id).values(stopped_at=func.now()))


def queues_to_ring(alive_s: float, grace_s: float) -> Select[str]:
    """Select the queues that have had a runnable job for `grace_s` seconds, and have a live worker without a job."""
    busy = select(Job.worker_id).where(Job.state == State.running)
    idle = (
        select(Worker.queue)
        .join(Queue, Queue.name == Worker.queue)
        .where(
            is_live(alive_s),
            ~Queue.paused,
            Worker.id.not_in(busy),
        )
    )
    return (
        select(Queue.name)
        .where(
            Queue.name.in_(idle),
            select(literal(1))
            .where(
                Job.queue == Queue.name,
                Job.state == State.queued,
                Job.run_after <= func.now() - seconds(grace_s),
                text(AWAITED_ENDED),
            )
            .exists(),
        )
        .order_by(Queue.name)
    )
