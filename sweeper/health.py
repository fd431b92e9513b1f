"""Health check of the sweeper: `python -m sweeper.health`; exit code 0, or 1 with the reason."""

from __future__ import annotations

import sys

from stores.infra.settings import Settings
from stores.queries.liveness import Liveness, report

# A sweep with much to do may be late by several periods.
LATE_SWEEPS = 15


def complaint(liveness: Liveness, settings: Settings) -> str | None:
    """Return what the sweeper has failed to do, None if it is healthy.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    late_s = LATE_SWEEPS * settings.sweep_s
    if overdue := liveness.overdue(late_s):
        return f"{overdue} running jobs lost their lease over {late_s:.0f} s ago and were not taken back"
    return None


if __name__ == "__main__":
    sys.exit(report(complaint))
