"""Attacks by single large requests of one key."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Sequence

from benchmarks.attacks.target import Target

CLIENTS = 4
LABELS = 62_000
FIELDS = 90_000


def large_orders(target: Target, seconds: float) -> Counter[str]:
    """Send orders of 0.3 to 1 MB over four connections: labels, unknown fields, nested lists."""
    labels = [f"k{n}:a" for n in range(LABELS)]
    bodies = [
        ("/v1/jobs/bulk", {"action": "cancel", "filter": {"label": labels}, "expected": 0}),
        ("/v1/jobs/bulk", {"action": "cancel", "filter": {"label": labels[:30_000]}, "expected": 0}),
        ("/v1/jobs", {f"f{n}": 1 for n in range(FIELDS)}),
        ("/v1/jobs", {"params": {"groups": [[[]] * 9] * 30_000}}),
    ]
    orders = [("POST", path, json.dumps(body, separators=(",", ":")).encode()) for path, body in bodies]
    return repeat(target, seconds, CLIENTS, orders)


def repeat(
    target: Target, seconds: float, clients: int, orders: Sequence[tuple[str, str, bytes | None]]
) -> Counter[str]:
    """Send the requests again and again over so many connections; count the answers."""
    counted: Counter[str] = Counter()
    until = time.monotonic() + seconds

    def send(first: int) -> None:
        for order in itertools.islice(itertools.cycle(orders), first, None):
            if time.monotonic() > until:
                return
            target.attempt(counted, *order)

    threads = [threading.Thread(target=send, args=(n,)) for n in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counted
