"""The table and the file of a series."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.chaos.job_under_faults import Injury, Result


def table(results: list[Result]) -> str:
    """Return the table: one line for each kind of fault."""
    rows = defaultdict(list)
    for result in results:
        for injury in result.injuries:
            rows[str(injury.fault)].append((injury, bool(result.violations)))
    lines = [f"{'fault and point':<52} {'runs':>5} {'violations':>10} {'median s':>9} {'max s':>7}"]
    for name, entries in sorted(rows.items()):
        done = [injury for injury, _ in entries if injury.done]
        bad = sum(violated for injury, violated in entries if injury.done)
        lines.append(f"{name:<52} {len(done):>5} {bad:>10} {_figures(done)}")
    total = [injury for result in results for injury in result.injuries if injury.done]
    bad = sum(bool(result.violations) for result in results)
    lines.append(f"{'all':<52} {len(total):>5} {bad:>10} {_figures(total)}")
    return "\n".join(lines)


def summary(results: list[Result], seed: int, lease_s: float) -> dict[str, Any]:
    """Return the whole series as JSON values."""
    return {
        "seed": seed,
        "lease_s": lease_s,
        "faults": sum(injury.done for result in results for injury in result.injuries),
        "jobs": len(results),
        "violations": [line for result in results for line in result.violations],
        "runs": [
            {
                "name": result.name,
                "job": result.job_id,
                "seconds": round(result.seconds, 2),
                "violations": result.violations,
                "faults": [
                    {
                        **vars(injury.fault),
                        "done": injury.done,
                        "recovery_s": None if injury.recovery is None else round(injury.recovery, 2),
                    }
                    for injury in result.injuries
                ],
            }
            for result in results
        ],
    }


def write(path: Path, results: list[Result], seed: int, lease_s: float) -> None:
    """Keep the series as a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(summary(results, seed, lease_s), indent=1) + "\n")


def _figures(injuries: list[Injury]) -> str:
    times = [injury.recovery for injury in injuries if injury.recovery is not None]
    return f"{statistics.median(times):>9.1f} {max(times):>7.1f}" if times else f"{'-':>9} {'-':>7}"
