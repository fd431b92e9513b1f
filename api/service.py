"""Everything the views use, built once by `create_app` and handed down."""

from __future__ import annotations

from dataclasses import dataclass

from api.access import Doorkeeper
from api.hub import Hub
from api.stream import Streams
from stores.container import Stores
from stores.settings import Settings


@dataclass(frozen=True)
class Service:
    """The stores, the door, and the hub of open streams."""

    settings: Settings
    stores: Stores
    door: Doorkeeper
    hub: Hub
    streams: Streams
