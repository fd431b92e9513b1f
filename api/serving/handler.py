"""One connection: reads requests, has the application answer them, and ends."""

from __future__ import annotations

import errno
import io
import socket
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

from gevent.pywsgi import OldMessage
from gunicorn.workers.ggevent import PyWSGIHandler

from api.http.refusals import REFUSAL, RefusalError
from api.serving.connections import Connection
from api.serving.request_body import Body
from api.serving.request_head import Head, method_of, read_head, read_line
from api.serving.timed_reader import OvertimeError, TimedReader
from models.messages import Message, ServerFaults

if TYPE_CHECKING:
    from api.serving.worker import Server

# How long a connection may be idle between two requests: longer than the pools of usual clients and proxies keep it, so
# that hardly ever one is closed while a request is on its way.
IDLE_S = 75.0
# A client that takes nothing of an answer for so long has gone, or wants to hold us up.
WRITE_S = 60.0
PIECE = 65_536
# After a refusal, what the client still sends is read and dropped for a while: closing at once would reset the
# connection, and the client might never see the answer.
LINGER_S = 2.0
MOST_LINGERING = 64 << 20
RETRY_S = 5


class Handler(PyWSGIHandler):  # type: ignore[misc]
    """gevent's handler of a connection, with our own reading of requests."""

    def __init__(self, sock: socket.socket, address: Any, server: Server, connection: Connection) -> None:
        self._connection = connection
        self._connections = server.connections
        self._settings = server.settings
        self._reads_head = False
        self._raw = TimedReader(sock, self._waits, self._comes)
        super().__init__(sock, address, server, rfile=io.BufferedReader(self._raw))

    def handle(self) -> None:
        """Answer requests until the connection ends."""
        try:
            while self.handle_one_request():
                pass
            self._linger()
        except OSError:
            pass  # the client has left
        finally:
            self.socket.close()

    def refuse_connection(self, message: Message) -> None:
        """Answer that this address has too many connections, without reading what it sends.

        The application isn't asked: it would take ten times as long, and who is refused mostly comes again at once.
        """
        from api.http.problems import bare_problem  # noqa: PLC0415 - only now, when the process is patched

        status, headers, body = bare_problem("rate_limited", message)
        lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
        lines += [f"Retry-After: {RETRY_S}", "Connection: close", "", ""]
        try:
            self._sendall("\r\n".join(lines).encode("latin-1") + body)
            self._read_on()
        except OSError:
            pass
        finally:
            self.socket.close()

    def handle_one_request(self) -> bool:
        """Answer one request. Returns whether another may follow."""
        head = self._read_head()
        if head is None:
            return False
        self.requestline = f"{head.method} {head.target} {head.version}"
        self.command, self.path, self.request_version = head.method, head.target, head.version
        self.close_connection = not head.keep_alive
        self.content_length = head.length
        self.headers = OldMessage()
        for name, value in head.fields:
            self.headers[name] = value
        self.environ = self.get_environ()
        self.application = self.server.application
        self._raw.allow(self._settings.body_s, refills=True)
        with ExitStack() as held:
            peer, proxies = self._connection.address, self.server.proxies
            if proxies.trust(peer):
                client = proxies.client(peer, self.environ.get("HTTP_X_FORWARDED_FOR", ""))
                if held.enter_context(self._connections.request_of(client)):
                    self.environ[REFUSAL] = self._too_many()
            self.handle_one_response()
        return not self.close_connection

    def _read_head(self) -> Head | None:
        """Return the next request; None if there is none, or it was refused."""
        line, began = b"", False
        self._raw.allow(IDLE_S if self._connection.proven else self._settings.head_s)
        self._connections.waits(self._connection)
        self._reads_head = True
        try:
            if not self.rfile.peek(1):
                return None
            began = True
            self._raw.allow(self._settings.head_s)
            line = read_line(self.rfile)
            head = read_head(line, self.rfile) if line else None
        except OvertimeError as refusal:
            # Whoever has sent nothing asks for nothing: browsers open connections ahead of time.
            if began:
                self._refuse(method_of(line), refusal)
            return None
        except RefusalError as refusal:
            self._refuse(method_of(line), refusal)
            return None
        finally:
            self._reads_head = False
            self._connections.works(self._connection)
        self._connection.proven = True
        return head

    def _refuse(self, method: str, refusal: RefusalError) -> None:
        """Have the application answer a request that cannot be read, as it answers every error."""
        self.requestline, self.command, self.path = f"{method} / HTTP/1.1", method, "/"
        self.request_version = "HTTP/1.1"
        self.close_connection = True
        self.content_length = None
        self.headers = OldMessage()
        self.environ = {**self.get_environ(), REFUSAL: refusal}
        self.application = self.server.application
        self.handle_one_response()

    def _too_many(self) -> RefusalError:
        message = ServerFaults.too_many_connections(limit=self._settings.connections_per_address)
        return RefusalError("rate_limited", message, retry_after=RETRY_S)

    def get_environ(self) -> dict[str, Any]:
        """Return the environment of a request."""
        environ: dict[str, Any] = super().get_environ()
        chunked = "transfer-encoding" in self.headers  # read_head takes no other coding
        expects = self.headers.get("expect", "").lower() == "100-continue" and self.request_version == "HTTP/1.1"
        self.wsgi_input = Body(self.rfile, self.content_length, self.socket if expects else None, chunked)
        environ["wsgi.input"] = self.wsgi_input
        environ["wsgi.input_terminated"] = True
        return environ

    def finalize_headers(self) -> None:
        """Add the headers of the connection. It ends where the next request's beginning would be uncertain."""
        super().finalize_headers()
        self.close_connection = self.close_connection or self.wsgi_input.left_over
        if self.close_connection and self.request_version == "HTTP/1.1":
            self.response_headers.append((b"Connection", b"close"))

    def handle_one_response(self) -> None:
        """Answer; afterwards, close if the body turned out to be damaged."""
        super().handle_one_response()
        self.close_connection = self.close_connection or self.wsgi_input.left_over

    def _sendall(self, data: bytes | bytearray) -> None:
        """Send in pieces, each within a time."""
        view = memoryview(data)
        for start in range(0, len(view), PIECE):
            self.socket.settimeout(WRITE_S)
            try:
                super()._sendall(view[start : start + PIECE])
            except TimeoutError as error:
                # As if it had gone: gevent then logs nothing.
                raise ConnectionResetError(errno.ECONNRESET, "the client takes nothing") from error

    def _send_error_response_if_possible(self, _code: int) -> None:
        """Answer a crash outside the application's own care, if nothing has been sent."""
        from api.http.problems import bare_problem  # noqa: PLC0415 - only now, when the process is patched

        self.close_connection = True
        if self.response_length:
            return
        status, headers, body = bare_problem("internal", ServerFaults.crashed_outside())
        with suppress(OSError):
            self.start_response(status, headers)
            self.write(b"" if self.command == "HEAD" else body)

    def _linger(self) -> None:
        """Let the client take the answer, although it still sends."""
        if not self._connection.dropped and self.wsgi_input_unread:
            self._read_on()

    def _read_on(self) -> None:
        """Say that nothing more comes, and drop what the client still sends."""
        self.socket.shutdown(socket.SHUT_WR)
        deadline = time.monotonic() + LINGER_S
        self._raw.allow(LINGER_S)
        taken = 0
        with suppress(RefusalError):
            while taken < MOST_LINGERING and time.monotonic() < deadline and (some := self._raw.read(PIECE)):
                taken += len(some)

    @property
    def wsgi_input_unread(self) -> bool:
        """Whether the client may still be sending."""
        return self.environ is not None and (REFUSAL in self.environ or self.wsgi_input.left_over)

    def _waits(self) -> None:
        if not self._reads_head:
            self._connections.waits(self._connection)

    def _comes(self) -> None:
        if not self._reads_head:
            self._connections.works(self._connection)
