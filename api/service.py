"""Everything the views use, built once by `create_app` and handed down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from api.access import Doorkeeper
from api.hub import Hub
from api.previews import Looks
from api.stream import Streams
from api.uploads import Importer
from stores.container import Stores
from stores.settings import Settings


@dataclass(frozen=True)
class Service:
    """The stores, the door, the hub of open streams, and the document that describes it all."""

    settings: Settings
    stores: Stores
    door: Doorkeeper
    hub: Hub
    streams: Streams
    importer: Importer
    looks: Looks
    document: Callable[[], dict[str, Any]]
