"""A receiver of webhooks: a real HTTP server that keeps what it gets and answers as a test says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook


@dataclass(frozen=True)
class Got:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: str

    @property
    def id(self) -> str:
        """The id of the message."""
        return self.headers["webhook-id"]

    def verified(self, secret: str) -> Any:
        """Return the JSON, checked as a receiver checks it."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass
class Receiver:
    """What came so far, and how to answer: a status, the headers and the body."""

    port: int = 0
    got: list[Got] = field(default_factory=list)
    answer: Callable[[Got], tuple[int, dict[str, str], bytes]] = lambda _: (200, {}, b"thanks")

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        """Return its address."""
        return f"http://{host}:{self.port}{path}"

    def says(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Let it answer every request so from now on."""
        self.answer = lambda _: (status, headers, body)


@contextmanager
def receiving(port: int = 0, wrap: Callable[[Any], Any] = lambda socket: socket) -> Iterator[Receiver]:
    """Run a receiver on a port of this machine; `wrap` may put TLS over its socket."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            got = Got(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            receiver.got.append(got)
            status, headers, content = receiver.answer(got)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        allow_reuse_address = True
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A sender that went away is what some tests are about."""

    with Server(("127.0.0.1", port), Handler) as server:
        server.socket = wrap(server.socket)
        receiver.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
