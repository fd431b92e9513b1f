"""Health check of the supervisor on this host: `python -m worker.health`; exit code 0, or 1 with the reason."""

from __future__ import annotations

import socket
import sys

from stores.infra.settings import Settings
from stores.queries.liveness import Liveness, report


def complaint(liveness: Liveness, settings: Settings) -> str | None:
    """Return what is wrong with the supervisor on this host; None if it is healthy.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    host = socket.gethostname()
    if liveness.beats(host, settings.lease_s):
        return None
    return f"no supervisor on {host} has reported to the database in the last {settings.lease_s:.0f} s"


if __name__ == "__main__":
    sys.exit(report(complaint))
