"""`python -m benchmarks.queue [NAME …]`: measure the queue part by part, and print one JSON line a figure."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable

from benchmarks.queue import claims, empty_jobs, eta, events, pages, streams
from benchmarks.service import emit

# Each part starts the servers that it needs, and leaves nothing behind.
PARTS: dict[str, Callable[[], None]] = {
    "claims": claims.run,
    "eta": eta.run,
    "pages": pages.run,
    "streams": streams.run,
    "events": events.run,
    "empty_jobs": empty_jobs.run,
}


def main() -> None:
    """Run the named parts, or all."""
    names = sys.argv[1:] or list(PARTS)
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        sys.exit(f"no benchmark {', '.join(unknown)}; there are {', '.join(PARTS)}")
    emit(
        "machine", cores=len(os.sched_getaffinity(0)), processor=platform.processor(), python=platform.python_version()
    )
    for name in names:
        PARTS[name]()


if __name__ == "__main__":
    main()
