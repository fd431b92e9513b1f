"""Does it do its work? `python -m worker.health supervisor` or `sweeper`: exit 0, or 1 with the reason.

Neither listens on a port, so the rows are asked for what each should have done.
"""

from __future__ import annotations

import socket
import sys

from sqlalchemy.exc import SQLAlchemyError

from stores.db import make_engine
from stores.settings import Settings
from stores.vitals import Vitals

# A sweep that finds much to do may be late by some of its periods.
LATE_SWEEPS = 15


def complaint(service: str, vitals: Vitals, settings: Settings) -> str | None:
    """Return what is wrong with the service on this host, None if it does its work.

    Raises:
        SQLAlchemyError: the database does not answer.
    """
    if service == "supervisor":
        host = socket.gethostname()
        if vitals.beats(host, settings.lease_s):
            return None
        return f"no supervisor on {host} has reported to the database in the last {settings.lease_s:.0f} s"
    late_s = LATE_SWEEPS * settings.sweep_s
    if overdue := vitals.overdue(late_s):
        return f"{overdue} running jobs lost their lease over {late_s:.0f} s ago and were not taken back"
    return None


def main(arguments: list[str]) -> int:
    """Run from the command line."""
    if arguments not in (["supervisor"], ["sweeper"]):
        sys.stderr.write("usage: python -m worker.health supervisor|sweeper\n")
        return 2
    settings = Settings()
    engine = make_engine(settings)
    try:
        wrong = complaint(arguments[0], Vitals(engine), settings)
    except SQLAlchemyError as error:
        wrong = f"the database does not answer: {str(error).partition(chr(10))[0]}"
    finally:
        engine.dispose()
    if wrong:
        sys.stderr.write(f"{wrong}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
