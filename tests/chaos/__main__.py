"""`python -m tests.chaos --seed 1 --runs 200 --json FILE`: break the service and count what goes wrong for good."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos import report, series


def main() -> int:
    """Run a series; exit 1 on a violation."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="which faults, in which order")
    parser.add_argument("--runs", type=int, default=200, help="how many faults are to be done")
    parser.add_argument("--json", type=Path, default=Path("chaos.json"), help="where to keep the series")
    parser.add_argument("--only", default="", help="only faults whose words hold this text, such as `kill database`")
    parser.add_argument("--minutes", type=float, default=0, help="begin no further job after so many minutes")
    given = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="ganforge-chaos-"))
    print(f"home: {home} (kept, with its logs)", flush=True)
    results = []
    began = time.monotonic()
    for result in series.run(home, given.seed, given.runs, lambda line: print(line, flush=True), given.only):
        results.append(result)
        report.write(given.json, results, given.seed, series.LEASE_S)
        if given.minutes and time.monotonic() - began > given.minutes * 60:
            break
    print(report.table(results))
    print(f"{time.monotonic() - began:.0f} s; {given.json}")
    return 1 if any(result.violations for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
