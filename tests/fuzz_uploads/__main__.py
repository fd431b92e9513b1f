"""`python -m tests.fuzz_uploads --seconds 300 --seed 1`: mutate uploads and see that packers keep their limits."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from tests.fuzz_uploads.series import series, summary


def main() -> int:
    """Run a series; exit 1 on a violation."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz_uploads", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for how long")
    parser.add_argument("--seed", type=int, default=1, help="which cases")
    parser.add_argument("--only", type=int, help="run only the case of this number")
    given = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="ganforge-fuzz-"))
    results = series(home, given.seed, given.seconds, lambda line: print(line, flush=True), given.only)
    print(summary(results))
    bad = any(result.violations for result in results)
    if bad:
        print(f"kept in {home}; run one again with --seed {given.seed} --only NUMBER")
    else:
        shutil.rmtree(home)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
