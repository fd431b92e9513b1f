"""`python -m benchmarks [NAME …]`: start a service of its own, measure it, print one JSON line a figure."""

from __future__ import annotations

import os
import platform
import sys

from benchmarks import latency, overhead, streams, throughput
from benchmarks.service import emit, running_service

ALL = {"latency": latency.run, "overhead": overhead.run, "throughput": throughput.run, "streams": streams.run}


def main() -> None:
    """Run the named benchmarks, or all."""
    names = sys.argv[1:] or list(ALL)
    unknown = [name for name in names if name not in ALL]
    if unknown:
        sys.exit(f"no benchmark {', '.join(unknown)}; there are {', '.join(ALL)}")
    emit(
        "machine", cores=len(os.sched_getaffinity(0)), processor=platform.processor(), python=platform.python_version()
    )
    with running_service() as service:
        for name in names:
            ALL[name](service)


if __name__ == "__main__":
    main()
