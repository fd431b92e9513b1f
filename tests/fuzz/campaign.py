"""A campaign: shares of all cases for each kind of request, and what came of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.fuzz import documented, mutated, raw
from tests.fuzz.target import Target

# How many of a hundred cases each part gets. An upload starts a process, which takes long.
SHARES = {
    "uploads": (mutated.uploads, 1.0),
    "documented": (documented.run, 68.0),
    "headers": (mutated.headers, 12.0),
    "ids": (mutated.ids, 6.0),
    "cursors": (mutated.cursors, 6.0),
    "bytes": (raw.run, 7.0),
}
SHOWN = 40


@dataclass
class Result:
    """What came of a campaign."""

    seed: int
    cases: Counter[str] = field(default_factory=Counter)  # by part
    statuses: Counter[int] = field(default_factory=Counter)  # 0: closed without an answer
    faults: dict[str, str] = field(default_factory=dict)  # what is wrong, and the first request that showed it
    seconds: float = 0.0

    def note(self, part: str, status: int) -> None:
        """Count a case."""
        self.cases[part] += 1
        self.statuses[status] += 1

    def fault(self, what: str, request: str) -> None:
        """Keep the first request that showed a fault."""
        self.faults.setdefault(what, request)

    def summary(self) -> str:
        """Return the result as text."""
        total = sum(self.cases.values())
        lines = [
            f"seed {self.seed}: {total:,} cases in {self.seconds:.0f} s, {len(self.faults)} faults",
            "cases: " + ", ".join(f"{part} {count:,}" for part, count in self.cases.items()),
            "answers: " + ", ".join(f"{status} {count:,}" for status, count in sorted(self.statuses.items())),
        ]
        shown = list(self.faults.items())[:SHOWN]
        return "\n".join([*lines, *(f"FAULT {what}\n    {request}" for what, request in shown)])


def run(target: Target, cases: int, seed: int, say: Callable[[str], None]) -> Result:
    """Send about this many requests."""
    result = Result(seed)
    began = time.monotonic()
    for part, (send, share) in SHARES.items():
        send(target, max(1, round(cases * share / 100)), seed, result)
        say(f"{part}: {result.cases[part]:,} cases, {time.monotonic() - began:.0f} s")
    # The service is alive, and nothing crashed behind an answer.
    crashes = [line for line in target.log.read_text().splitlines() if "request_crashed" in line or "Traceback" in line]
    for line in crashes[:SHOWN]:
        result.fault(f"crash in the log: {line[:300]}", "")
    result.seconds = time.monotonic() - began
    return result
