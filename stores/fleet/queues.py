"""Commands of an admin: pause a queue, drain a worker."""

from __future__ import annotations

from sqlalchemy import Engine, select, update

from models.messages import Conflicts, Missing
from models.rows import Queue, Worker
from stores.accounts.audit import Actor, Entry, record
from stores.infra.broker import Bell
from stores.infra.errors import ConflictError, NotFoundError


class Queues:
    """Switches. A request for the present state changes nothing and writes no line in the audit log."""

    def __init__(self, engine: Engine, bell: Bell) -> None:
        self._engine = engine
        self._bell = bell

    def pause(self, name: str, who: Actor) -> bool:
        """Let a queue start no more jobs; running jobs continue. False: it was paused already.

        Raises:
            NotFoundError
        """
        return self._switch(name, True, who)

    def resume(self, name: str, who: Actor) -> bool:
        """Let a queue start jobs again. False: it was not paused.

        Raises:
            NotFoundError
        """
        return self._switch(name, False, who)

    def _switch(self, name: str, paused: bool, who: Actor) -> bool:
        with self._engine.begin() as connection:
            was = connection.scalar(select(Queue.paused).where(Queue.name == name).with_for_update(key_share=True))
            if was is None:
                raise NotFoundError(Missing.no_queue(name=name))
            if was is paused:
                return False
            connection.execute(update(Queue).where(Queue.name == name).values(paused=paused))
            action = "queue.pause" if paused else "queue.resume"
            record(connection, who, Entry(action, name, {"paused": was}, {"paused": paused}))
        if not paused:
            self._bell.ring(name)
        return True

    def drain(self, worker_id: str, who: Actor) -> bool:
        """Let a worker finish its job and take no more. False: it was draining already.

        Raises:
            NotFoundError
            ConflictError: it has stopped.
        """
        return self._drain(worker_id, True, who)

    def undrain(self, worker_id: str, who: Actor) -> bool:
        """Let a worker take jobs again. False: it was not draining.

        Raises:
            NotFoundError
            ConflictError: it has stopped.
        """
        return self._drain(worker_id, False, who)

    def _drain(self, worker_id: str, draining: bool, who: Actor) -> bool:
        query = select(Worker.draining, Worker.stopped_at, Worker.queue).where(Worker.id == worker_id)
        with self._engine.begin() as connection:
            worker = connection.execute(query.with_for_update(key_share=True)).first()
            if worker is None:
                raise NotFoundError(Missing.no_worker(worker=worker_id))
            if worker.stopped_at is not None:
                refused = Conflicts.cannot_drain() if draining else Conflicts.cannot_undrain()
                raise ConflictError(refused, state="stopped")
            if worker.draining is draining:
                return False
            connection.execute(update(Worker).where(Worker.id == worker_id).values(draining=draining))
            action = "worker.drain" if draining else "worker.undrain"
            record(
                connection,
                who,
                Entry(action, worker_id, {"draining": worker.draining}, {"draining": draining}),
            )
        if not draining:
            self._bell.ring(worker.queue)
        return True
