"""The hub: one listener per process receives every hint and passes it to the streams that need it.

Hints may be lost, so the hub also looks at the rows every few seconds and whenever its connection broke: one query for
all jobs that are watched, however many streams watch them. What it finds missing it hands out like hints; streams drop
what they have seen by `seq`.
"""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

import redis
import structlog
from sqlalchemy.exc import SQLAlchemyError

from models.states import TERMINAL
from models.views import Event
from stores.accounts.keys import Keys, Principal
from stores.accounts.sessions import Sessions
from stores.events.bus import Bus, LogHint
from stores.events.events import Events

log = structlog.get_logger(__name__)

LOOK_S = 3.0  # how often rows are checked for events without a hint
INBOX = 500  # events queued for a slow reader; beyond that it reads rows itself
PAGE = 500


@dataclass(frozen=True)
class News:
    """One event, encoded once for all its readers. `last`: no event follows, the job has ended."""

    seq: int
    kind: str
    frame: bytes
    last: bool

    @classmethod
    def of(cls, event: Event) -> News:
        """Encode an event for streams."""
        last = event["type"] == "state" and event["data"]["to"] in TERMINAL
        return cls(event["seq"], event["type"], frame(event["seq"], event), last)


def frame(event_id: object, event: Event) -> bytes:
    """Return an event as the lines of a stream."""
    data = json.dumps(event, ensure_ascii=False)
    return f"id: {event_id}\nevent: {event['type']}\ndata: {data}\n\n".encode()


@dataclass(eq=False)
class Inbox:
    """The queue of one open stream: events of its job; without a job, a nudge for any event of `owner` (None: all)."""

    job_id: str | None
    owner: str | None
    who: Principal
    closed: bool = False  # the server stops, or the key was revoked, or the session has ended
    overflowed: bool = False
    _items: SimpleQueue[News | None] = field(default_factory=SimpleQueue)

    def offer(self, news: News) -> None:
        """Queue an event; if the reader is too slow, tell it to read the rows instead."""
        if self._items.qsize() < INBOX:
            self._items.put(news)
        elif not self.overflowed:
            self.overflowed = True
            self._items.put(None)

    def nudge(self) -> None:
        """Wake the reader, unless an event is already queued."""
        if self._items.empty():
            self._items.put(None)

    def close(self) -> None:
        """End the stream soon."""
        self.closed = True
        self._items.put(None)

    def get(self, timeout: float) -> News | None:
        """Return the next event; None for a nudge.

        Raises:
            queue.Empty: nothing came in time.
        """
        return self._items.get(timeout=max(0.0, timeout))


class Hub:
    """The listener of this process, started with the first stream. Its threads are greenlets under gevent."""

    def __init__(self, bus: Bus, events: Events, keys: Keys, sessions: Sessions) -> None:
        self._bus = bus
        self._events = events
        self._keys = keys
        self._sessions = sessions
        self._lock = threading.Lock()
        self._jobs: defaultdict[str, set[Inbox]] = defaultdict(set)
        self._feeds: set[Inbox] = set()
        self._logs: defaultdict[str, set[Inbox]] = defaultdict(set)
        self._heard: dict[str, int] = {}
        self._listener: threading.Thread | None = None
        self._stopped = threading.Event()
        self._looked = 0.0
        # The server's hooks may replace this, to end the streams when the process stops.
        self.alive: Callable[[], bool] = lambda: True

    @contextmanager
    def listening(
        self, who: Principal, *, job_id: str | None = None, owner: str | None = None, seen: int = 0
    ) -> Iterator[Inbox]:
        """Register a stream while the block runs. Register first, then read rows, so that no event is missed."""
        inbox = Inbox(job_id, owner, who)
        with self._lock:
            if job_id is None:
                self._feeds.add(inbox)
            else:
                self._jobs[job_id].add(inbox)
                self._heard[job_id] = max(seen, self._heard.get(job_id, 0))
            self._listen_soon()
        try:
            yield inbox
        finally:
            self._forget(inbox)

    @contextmanager
    def listening_to_log(self, who: Principal, job_id: str) -> Iterator[Inbox]:
        """Register the reader of a log while the block runs. It is nudged when there are more lines or a new state."""
        inbox = Inbox(job_id, None, who)
        with self._lock:
            self._logs[job_id].add(inbox)
            self._listen_soon()
        try:
            yield inbox
        finally:
            with self._lock:
                self._logs[job_id].discard(inbox)
                if not self._logs[job_id]:
                    del self._logs[job_id]

    def watches(self, job_id: str) -> bool:
        """Return whether a stream follows this job."""
        with self._lock:
            return bool(self._jobs.get(job_id))

    def close(self) -> None:
        """End all streams and the listener, and wait for the listener, which may be reading rows."""
        self._stopped.set()
        for inbox in self._everyone():
            inbox.close()
        if self._listener is not None and self._listener is not threading.current_thread():
            self._listener.join(timeout=10)

    def _forget(self, inbox: Inbox) -> None:
        with self._lock:
            self._feeds.discard(inbox)
            if inbox.job_id is not None:
                watching = self._jobs[inbox.job_id]
                watching.discard(inbox)
                if not watching:
                    del self._jobs[inbox.job_id]
                    self._heard.pop(inbox.job_id, None)

    def _everyone(self) -> list[Inbox]:
        with self._lock:
            watching = [*self._jobs.values(), *self._logs.values()]
            return [*self._feeds, *(inbox for inboxes in watching for inbox in inboxes)]

    def _listen_soon(self) -> None:
        """Start the listener unless it runs. The caller holds the lock."""
        if self._listener is None or not self._listener.is_alive():
            self._listener = threading.Thread(target=self._listen, name="hub", daemon=True)
            self._listener.start()

    def _nudge_logs(self, job_id: str) -> None:
        with self._lock:
            reading = list(self._logs.get(job_id, ()))
        for inbox in reading:
            inbox.nudge()

    def _listen(self) -> None:
        while not self._stopped.is_set():
            try:
                for hint in self._bus.listen():
                    if isinstance(hint, LogHint):
                        self._nudge_logs(hint.job_id)
                    elif hint is not None:
                        self._deliver(hint.owner, hint.event)
                    if not self._go_on():
                        return
            except redis.RedisError as error:
                log.warning("hub_deaf", error=str(error))
                # Hints sent now are missed: the next check finds their events in the rows.
                self._looked = 0.0
                if not self._go_on():
                    return
                self._stopped.wait(1.0)

    def _go_on(self) -> bool:
        """Run the periodic checks between hints. Returns whether to continue."""
        if self._stopped.is_set() or not self.alive():
            self.close()
            return False
        if time.monotonic() - self._looked >= LOOK_S:
            self._looked = time.monotonic()
            try:
                self._look()
            except SQLAlchemyError as error:
                log.warning("hub_blind", error=str(error).partition("\n")[0])
        return True

    def _deliver(self, owner: str, event: Event) -> None:
        job_id = event["job"]
        with self._lock:
            watching = list(self._jobs.get(job_id, ()))
            feeds = [inbox for inbox in self._feeds if inbox.owner is None or inbox.owner == owner]
            if watching:
                self._heard[job_id] = max(event["seq"], self._heard.get(job_id, 0))
        if watching:
            news = News.of(event)
            for inbox in watching:
                inbox.offer(news)
        for inbox in feeds:
            inbox.nudge()
        if event["type"] == "state":
            self._nudge_logs(job_id)

    def _look(self) -> None:
        """Find events without a hint, revoked keys and ended sessions in the rows."""
        everyone = self._everyone()
        keys = self._keys.in_force({inbox.who.key_id for inbox in everyone})
        sessions = self._sessions.in_force({inbox.who.session for inbox in everyone if inbox.who.session})
        for inbox in everyone:
            if inbox.who.key_id not in keys or (inbox.who.session and inbox.who.session not in sessions):
                inbox.close()
        with self._lock:
            heard = dict(self._heard)
        for job_id, last in self._events.last_seqs(list(heard)).items():
            after = heard[job_id]
            while after < last:
                rows = self._events.page(job_id, after, PAGE)
                for event in rows:
                    self._deliver("", event)
                if not rows:
                    break
                after = rows[-1]["seq"]


def wait_for(inbox: Inbox, deadline: float, found: Callable[[News | None], bool]) -> bool:
    """Read an inbox until something in it satisfies `found`; False when the deadline (monotonic) comes first."""
    while (left := deadline - time.monotonic()) > 0 and not inbox.closed:
        try:
            if found(inbox.get(left)):
                return True
        except Empty:
            return False
    return False
