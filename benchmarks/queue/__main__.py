"""`python -m benchmarks.queue [NAME …]`: measure the queue part by part, and print one JSON line a figure."""

from __future__ import annotations

import sys
from collections.abc import Callable

from benchmarks.queue import (
    claims,
    comparison_of_many,
    dashboard,
    deleting,
    empty_jobs,
    eta,
    job_list,
    logs,
    long_curves,
    page_smoothness,
    streams,
)
from benchmarks.service import chosen

# Each part starts the servers that it needs, and leaves nothing behind.
PARTS: dict[str, Callable[[], None]] = {
    "claims": claims.run,
    "eta": eta.run,
    "job_list": job_list.run,
    "streams": streams.run,
    "long_curves": long_curves.run,
    "logs": logs.run,
    "dashboard": dashboard.run,
    "comparison_of_many": comparison_of_many.run,
    "page_smoothness": page_smoothness.run,
    "deleting": deleting.run,
    "empty_jobs": empty_jobs.run,
}


def main() -> None:
    """Run the named parts, or all."""
    for name in chosen(sys.argv[1:], list(PARTS)):
        PARTS[name]()


if __name__ == "__main__":
    main()
