"""A series of cases, some with an innocent upload beside them, and its summary."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice
from pathlib import Path

from api.uploads.ledger import Limits
from api.uploads.spool import Spool
from tests.fuzz_uploads.cases import Case, case, innocent
from tests.fuzz_uploads.packers import Result, run
from tests.fuzz_uploads.seeds import GOOD, standing

# Cases at once, and every how many of them have an innocent upload beside them.
_AT_ONCE = 2
_INNOCENT_EVERY = 10


def series(home: Path, seed: int, seconds: float, tell: Callable[[str], None], only: int | None = None) -> list[Result]:
    """Run cases for so long, or only one; return what came of them."""
    sets = standing(home / "seeds")
    spool = Spool(home / "home", Limits(uploads=32, of_an_owner=32, reserve=0))
    deadline = time.monotonic() + seconds
    results: list[Result] = []

    def one(number: int) -> list[Result]:
        if time.monotonic() > deadline and only is None:
            return []
        with ThreadPoolExecutor(2) as beside:
            both = beside.map(lambda each: run(each, spool), _with_innocent(case(seed, number, sets)))
            return [_judged(result, home, tell) for result in both]

    numbers = count(1) if only is None else iter([only])
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while batch := list(islice(numbers, 4 * _AT_ONCE)):
            found = [result for some in pool.map(one, batch) for result in some]
            results += found
            if not found:
                break
    left = sorted(path.name for path in (home / "home" / "uploads").iterdir())
    if left:
        results[-1].violations.append(f"left {left}")
    return results


def _with_innocent(found: Case) -> list[Case]:
    return [innocent(found.number), found] if found.number % _INNOCENT_EVERY == 0 else [found]


def _judged(result: Result, home: Path, tell: Callable[[str], None]) -> Result:
    """Judge innocents too; keep what is sent in a case with a violation."""
    if result.case.kind == "innocent" and result.images != len(GOOD):
        result.violations.append(f"an innocent upload was not packed: {result.outcome}")
    if result.violations:
        (home / f"case{result.case.number}").write_bytes(result.case.archive)
        tell(f"case {result.case.number} ({result.case.kind}): {'; '.join(result.violations)}")
    return result


def summary(results: list[Result]) -> str:
    """Return the cases by kind and outcome, and what they took at most."""
    mutated = [result for result in results if result.case.kind != "innocent"]
    kinds = Counter(result.case.kind.partition(":")[0] for result in mutated)
    outcomes = Counter(result.outcome for result in mutated)
    most = max(results, key=lambda result: result.peak)
    longest = max(results, key=lambda result: result.cpu_s)
    lines = [f"{count:6} {name}" for counts in (kinds, outcomes) for name, count in counts.most_common()]
    return "\n".join(
        [
            f"{len(mutated)} cases, {len(results) - len(mutated)} innocent uploads beside them",
            *lines,
            f"largest peak memory: {most.peak / 1024:.0f} MB (case {most.case.number}, {most.case.kind})",
            f"longest CPU time: {longest.cpu_s:.1f} s (case {longest.case.number}, {longest.case.kind})",
            f"violations: {sum(bool(result.violations) for result in results)}",
        ]
    )
