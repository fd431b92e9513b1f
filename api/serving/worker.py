"""gunicorn's worker with gevent's server, limited. gunicorn loads it before its processes are patched."""

from __future__ import annotations

import socket
import time
from typing import Any

import gevent
from gunicorn.workers.ggevent import GeventPyWSGIWorker, PyWSGIServer

from api.http.proxies import Proxies
from api.serving.arrivals import MOST_WAIT_S, Arrivals
from api.serving.connections import MOST_WAITING, Connections
from api.serving.handler import Handler
from models.messages import ServerFaults
from stores.infra.settings import Settings

# Room for requests beside the streams, so that a refused stream still gets an answer.
ROOM_FOR_REQUESTS = 500
# Connections taken at once. gunicorn takes one, to share them evenly among processes: then a new one waits behind all
# that came before it, each for a round of the requests that are being answered.
MOST_ACCEPTED = 16
# New connections that wait for their turn, of all addresses. Beyond that, those that would have to wait are closed.
MOST_ASLEEP = 1000


def most_connections(settings: Settings) -> int:
    """Return how many connections one process accepts. It never has as many: those that wait give way before."""
    return settings.max_streams + ROOM_FOR_REQUESTS + MOST_WAITING + MOST_ASLEEP


class Server(PyWSGIServer):  # type: ignore[misc]
    """gevent's server, which knows its connections."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.settings: Settings = self.application.extensions["ganforge"].settings
        self.proxies = Proxies(self.settings.proxies)
        self.arrivals = Arrivals(self.settings.new_connections_per_address)
        self._asleep = 0
        self.connections = Connections(self.settings.connections_per_address, lambda peer: not self.proxies.trust(peer))

    def set_max_accept(self) -> None:
        """Say how many connections are taken at once; gevent asks when it starts to listen."""
        self.max_accept = MOST_ACCEPTED

    def handle(self, sock: socket.socket, address: Any) -> None:
        """Serve one connection."""
        peer = str(address[0]) if isinstance(address, tuple) else ""
        wait = self._wait_s(peer)
        if wait and not self._sleep(min(wait, MOST_WAIT_S)):
            sock.close()
            return
        with self.connections.hold(sock, peer) as (connection, too_many):
            handler = Handler(sock, address, self, connection)
            if wait > MOST_WAIT_S:
                limit = self.settings.new_connections_per_address
                handler.refuse_connection(ServerFaults.too_many_new_connections(limit=limit))
            elif too_many:
                limit = self.settings.connections_per_address
                handler.refuse_connection(ServerFaults.too_many_connections(limit=limit))
            else:
                handler.handle()

    def _wait_s(self, peer: str) -> float:
        """Return how many seconds a new connection of this address has to wait. Without others to spare: none."""
        if self.proxies.trust(peer) or not self.connections.has_others(peer):
            return 0.0
        return self.arrivals.wait_s(peer, time.monotonic())

    def _sleep(self, seconds: float) -> bool:
        """Let a new connection wait. Returns whether there was room for one more that does."""
        if self._asleep >= MOST_ASLEEP:
            return False
        self._asleep += 1
        try:
            gevent.sleep(seconds)
        finally:
            self._asleep -= 1
        return True


class Worker(GeventPyWSGIWorker):  # type: ignore[misc]
    """gunicorn's worker with our server."""

    server_class = Server
    wsgi_handler = Handler
