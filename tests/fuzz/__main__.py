"""`python -m tests.fuzz --cases 50000 --seed 1`: send generated requests to a stack of its own; exit 1 on a fault."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from ganforge.stack.home import Home
from ganforge.stack.services import Services
from tests.fuzz import campaign
from tests.fuzz.target import running_target


def main() -> int:
    """Run a campaign and print its summary."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=50_000, help="how many requests are sent")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    given = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="ganforge-fuzz-"))
    print(f"home: {home} (kept, with its logs)", flush=True)
    with Services(Home(home), durable=False) as services, running_target(services, home) as target:
        result = campaign.run(target, given.cases, given.seed, lambda line: print(line, flush=True))
    print(result.summary())
    return 1 if result.faults else 0


if __name__ == "__main__":
    sys.exit(main())
