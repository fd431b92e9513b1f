"""`python -m benchmarks [NAME …]`: start a service of its own, measure it, print one JSON line a figure."""

from __future__ import annotations

import sys

from benchmarks import latency, overhead, streams, throughput
from benchmarks.service import chosen, running_service

ALL = {"latency": latency.run, "overhead": overhead.run, "throughput": throughput.run, "streams": streams.run}


def main() -> None:
    """Run the named benchmarks, or all."""
    names = chosen(sys.argv[1:], list(ALL))
    with running_service() as service:
        for name in names:
            ALL[name](service)


if __name__ == "__main__":
    main()
