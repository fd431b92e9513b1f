"""What each process of the service does first."""

from __future__ import annotations

from models.files import keep_private
from models.libpq import forget_libpq_variables
from stores.infra.settings import Settings
from stores.infra.undumpable import hide_secrets


def start_process() -> Settings:
    """Hide this process's secrets, ignore what is meant for other databases, and keep the home private.

    Returns the settings, which are read after that.
    """
    hide_secrets()
    forget_libpq_variables()
    settings = Settings()
    keep_private(settings.home)
    return settings
