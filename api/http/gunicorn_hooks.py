"""Hooks for gunicorn: its log, and the check before it listens on a public address."""

from __future__ import annotations

import sys
from typing import Any

from gunicorn.glogging import Logger

from models.libpq import forget_libpq_variables
from stores.accounts.keys import Keys
from stores.infra.db import make_engine
from stores.infra.logs import configure_logs
from stores.infra.settings import Settings
from stores.infra.undumpable import hide_secrets


class Log(Logger):  # type: ignore[misc]
    """Sends gunicorn's messages to our log; the application logs requests, with their ids."""

    def setup(self, _cfg: Any) -> None:
        """Configure the log."""
        self.loglevel = 20
        configure_logs("api")
        for logger in (self.error_log, self.access_log):
            logger.handlers[:] = []
            logger.propagate = True
        self.error_log.setLevel(self.loglevel)

    def access(self, _response: Any, _request: Any, _environ: Any, _time: Any) -> None:
        """Log nothing: api/app.py logs requests."""


def main() -> int:
    """Return 0 if an admin has a key; otherwise print what to do."""
    hide_secrets()
    forget_libpq_variables()
    engine = make_engine(Settings())
    if Keys(engine).count_admins():
        return 0
    sys.stderr.write("refusing to listen beyond this machine while nobody has a key: run `python -m api.setup` first\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
