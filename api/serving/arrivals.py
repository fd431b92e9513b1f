"""New connections: an address begins so many a second while another address is connected. More of them wait, and those
that would wait long are refused.

A connection costs a process about half a millisecond before its first request is read. Whoever begins thousands a
second would leave no time for the requests of others. Who is alone harms nobody.
"""

from __future__ import annotations

# A new connection waits this long at most, in seconds. Clients wait longer for a connection.
MOST_WAIT_S = 5.0
# So many seconds' worth of connections may come at once: a browser opens six.
AT_ONCE_S = 0.2
# Addresses in memory before those are forgotten that have been quiet.
MOST_ADDRESSES = 10_000


class Arrivals:
    """Tells each new connection when it is served."""

    def __init__(self, per_second: int) -> None:
        self._gap_s = 1 / per_second
        # When the last connection of an address is served, if all come evenly.
        self._last: dict[str, float] = {}

    def wait_s(self, address: str, now: float) -> float:
        """Return how many seconds a new connection has to wait; beyond `MOST_WAIT_S` it has no place."""
        time = max(self._last.get(address, 0.0), now - AT_ONCE_S) + self._gap_s
        if time - now <= MOST_WAIT_S:
            self._last[address] = time
            if len(self._last) > MOST_ADDRESSES:
                self._last = {one: last for one, last in self._last.items() if last > now - AT_ONCE_S}
        return max(0.0, time - now)
