"""`python -m benchmarks [NAME …]`: start a service of its own, measure it, print one JSON line a figure."""

from __future__ import annotations

import sys

from benchmarks import latency, memory, overhead, streams, throughput
from benchmarks.service import chosen, running_service

ALL = {"latency": latency.run, "overhead": overhead.run, "throughput": throughput.run, "streams": streams.run}


def main() -> None:
    """Run the named benchmarks, or all."""
    names = chosen(sys.argv[1:], [*ALL, "memory"])
    of_service = [name for name in names if name in ALL]
    if of_service:
        with running_service() as service:
            for name in of_service:
                ALL[name](service)
    # Trainers alone, without a service beside them.
    if "memory" in names:
        memory.run()


if __name__ == "__main__":
    main()
