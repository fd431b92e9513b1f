"""`python -m tests.away --seconds 1800`: a receiver is away for so long, everything is killed, and each event arrives.

The waits between tries are those of the service, in real time. Prints a row for each message, and exits with 1 when one
came late, twice, in another order, under another id or not at all.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.away.outage import run


def main() -> int:
    """Run one outage."""
    parser = argparse.ArgumentParser(prog="python -m tests.away", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1800, help="how long the receiver is away")
    given = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="ganforge-away-"))
    print(f"home: {home} (kept, with its logs)", flush=True)
    outage = run(home, given.seconds, lambda line: print(line, flush=True))
    print(outage.table())
    print(
        f"{len(outage.told)} messages of {len({one.job for one in outage.told})} jobs; the last came "
        f"{outage.latest_s:.0f} s after the receiver's return (allowed: {outage.allowed_s:.0f} s)"
    )
    print("\n".join(outage.faults) or "each event arrived once, under its own id and in order")
    return 1 if outage.faults else 0


if __name__ == "__main__":
    sys.exit(main())
