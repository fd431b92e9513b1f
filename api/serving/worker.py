"""gunicorn's worker with gevent's server, limited. gunicorn loads it before its processes are patched."""

from __future__ import annotations

import socket
from typing import Any

from gunicorn.workers.ggevent import GeventPyWSGIWorker, PyWSGIServer

from api.http.proxies import Proxies
from api.serving.connections import MOST_WAITING, Connections
from api.serving.handler import Handler
from stores.infra.settings import Settings

# Room for requests beside the streams, so that a refused stream still gets an answer.
ROOM_FOR_REQUESTS = 500
# Connections taken at once. gunicorn takes one, to share them evenly among processes: then a new one waits behind all
# that came before it, each for a round of the requests that are being answered.
MOST_ACCEPTED = 16


def most_connections(settings: Settings) -> int:
    """Return how many connections one process accepts. It never has as many: those that wait give way before."""
    return settings.max_streams + ROOM_FOR_REQUESTS + MOST_WAITING


class Server(PyWSGIServer):  # type: ignore[misc]
    """gevent's server, which knows its connections."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.settings: Settings = self.application.extensions["ganforge"].settings
        self.proxies = Proxies(self.settings.proxies)
        self.connections = Connections(self.settings.connections_per_address, lambda peer: not self.proxies.trust(peer))

    def set_max_accept(self) -> None:
        """Say how many connections are taken at once; gevent asks when it starts to listen."""
        self.max_accept = MOST_ACCEPTED

    def handle(self, sock: socket.socket, address: Any) -> None:
        """Serve one connection."""
        peer = str(address[0]) if isinstance(address, tuple) else ""
        with self.connections.hold(sock, peer) as (connection, too_many):
            handler = Handler(sock, address, self, connection)
            if too_many:
                handler.refuse_connection()
            else:
                handler.handle()


class Worker(GeventPyWSGIWorker):  # type: ignore[misc]
    """gunicorn's worker with our server."""

    server_class = Server
    wsgi_handler = Handler
