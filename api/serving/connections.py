"""The open connections of this process: who may hold how many, and which one gives way.

A connection *waits* while its client owes something: the head of a request, the next bytes of a body, the next request.
Waiting ones are cheap to lose and the only ones that a stranger without a key can pile up, so beyond a number the one
that has waited longest is closed for the newest. A client that sends its request at once is served, however many
connections others hold half-open.
"""

from __future__ import annotations

import socket
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

# Connections that may wait in one process.
MOST_WAITING = 1000


class Connection:
    """One connection. `proven`: a whole head of a request has come on it."""

    def __init__(self, sock: socket.socket, address: str) -> None:
        self.socket = sock
        self.address = address
        self.proven = False
        self.dropped = False

    def drop(self) -> None:
        """End it: whoever reads from it finds its end."""
        self.dropped = True
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)


class Waiting:
    """Connections in the order in which they began to wait; those that never sent a request give way first."""

    def __init__(self) -> None:
        self._strangers: dict[Connection, None] = {}
        self._known: dict[Connection, None] = {}

    def __len__(self) -> int:
        return len(self._strangers) + len(self._known)

    def add(self, connection: Connection) -> None:
        """Add it as the newest."""
        (self._known if connection.proven else self._strangers)[connection] = None

    def remove(self, connection: Connection) -> None:
        """Remove it, if it is here."""
        self._strangers.pop(connection, None)
        self._known.pop(connection, None)

    def oldest(self, but: Connection) -> Connection | None:
        """Return the one to give way to `but`; None if there is no other."""
        each = (one for group in (self._strangers, self._known) for one in group if one is not but)
        return next(each, None)


class Connections:
    """Counts connections by address. The address of a trusted proxy is exempt: `counts` tells which to count."""

    def __init__(self, per_address: int, counts: Callable[[str], bool], most_waiting: int = MOST_WAITING) -> None:
        self._per_address = per_address
        self._most_waiting = most_waiting
        self._counts = counts
        self._held: Counter[str] = Counter()
        self._requests: Counter[str] = Counter()
        self._waiting = Waiting()
        self._waiting_of: defaultdict[str, Waiting] = defaultdict(Waiting)

    @contextmanager
    def hold(self, sock: socket.socket, address: str) -> Iterator[tuple[Connection, bool]]:
        """Count a connection while the block runs. Yields it, and whether it is one too many for its address."""
        connection = Connection(sock, address)
        self._held[address] += 1
        try:
            yield connection, self._counts(address) and not self._make_room(connection)
        finally:
            self.works(connection)
            if not connection.dropped:
                self._leave(connection)

    def has_others(self, address: str) -> bool:
        """Return whether another address holds a connection."""
        return len(self._held) > (address in self._held)

    @contextmanager
    def request_of(self, client: str) -> Iterator[bool]:
        """Count a request that a trusted proxy passes on, while the block runs. Yields whether it is one too many."""
        self._requests[client] += 1
        try:
            yield self._requests[client] > self._per_address
        finally:
            self._requests[client] -= 1
            if not self._requests[client]:
                del self._requests[client]

    def waits(self, connection: Connection) -> None:
        """Note that a connection waits, from now on. Drop the oldest one if too many do."""
        if connection.dropped:
            return
        self.works(connection)
        self._waiting.add(connection)
        self._waiting_of[connection.address].add(connection)
        if len(self._waiting) > self._most_waiting and (oldest := self._waiting.oldest(connection)):
            self._drop(oldest)

    def works(self, connection: Connection) -> None:
        """Note that a connection no longer waits."""
        self._waiting.remove(connection)
        if connection.address in self._waiting_of:
            of_address = self._waiting_of[connection.address]
            of_address.remove(connection)
            if not len(of_address):
                del self._waiting_of[connection.address]

    def _make_room(self, connection: Connection) -> bool:
        """Drop waiting connections of this address while it holds too many. Returns whether there is room."""
        while self._held[connection.address] > self._per_address:
            others = self._waiting_of.get(connection.address)
            oldest = others.oldest(connection) if others is not None else None
            if oldest is None:
                return False
            self._drop(oldest)
        return True

    def _drop(self, connection: Connection) -> None:
        self.works(connection)
        connection.drop()
        self._leave(connection)

    def _leave(self, connection: Connection) -> None:
        self._held[connection.address] -= 1
        if not self._held[connection.address]:
            del self._held[connection.address]
