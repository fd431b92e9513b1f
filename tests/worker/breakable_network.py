"""A network cable between a worker and a server, that can be pulled out and put back."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Cable:
    """Passes bytes from a port of its own to a server's. Pulled out, it breaks its connections and takes no new one."""

    def __init__(self, server: int) -> None:
        self._server = server
        self._sockets: list[socket.socket] = []
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]

    def pull(self) -> None:
        """Cut it."""
        self._listener.close()
        for end in self._sockets:
            _close(end)
        self._sockets.clear()

    def put_back(self) -> None:
        """Mend it, on the same port."""
        self._listener = self._listen(self.port)

    def _listen(self, port: int) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        # An accept that waits would keep a closed listener open.
        listener.settimeout(0.05)
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                here, _ = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            here.settimeout(None)
            there = socket.create_connection(("127.0.0.1", self._server))
            self._sockets += [here, there]
            for ends in ((here, there), (there, here)):
                threading.Thread(target=_pass_on, args=ends, daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    _close(source)
    _close(target)


def _close(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
