"""Connections to receivers, which users choose: to public addresses alone, and for a limited time in all.

A name is resolved once. Every address it has is checked, and the connection goes to one of these addresses, not to the
name: a resolver that answers otherwise the next time changes nothing. TLS still checks the certificate of the name.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any

import httpcore
from httpcore import NetworkBackend, NetworkStream, SyncBackend

from models.messages import DeliveryFaults, MessageError
from stores.webhooks.addresses import is_public

# Returns the addresses of a host and a port.
Resolver = Callable[[str, int], list[str]]


class NotAllowedError(MessageError):
    """The name leads to an address that webhooks may not reach, or nowhere."""


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses that the system's resolver knows, the preferred one first.

    Raises:
        OSError
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Deadline:
    """A moment by which everything has to be over."""

    def __init__(self, limit_s: float) -> None:
        self._at = monotonic() + limit_s

    def left(self) -> float:
        """Return the seconds that are left.

        Raises:
            httpcore.ReadTimeout: none.
        """
        if (left := self._at - monotonic()) <= 0:
            raise httpcore.ReadTimeout
        return left


class TimedStream(NetworkStream):
    """A connection on which all reads and writes together end by the deadline, however slowly bytes come."""

    def __init__(self, stream: NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """See NetworkStream."""
        del timeout
        return self._stream.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """See NetworkStream."""
        del timeout
        self._stream.write(buffer, self._deadline.left())

    def close(self) -> None:
        """See NetworkStream."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> NetworkStream:
        """See NetworkStream."""
        del timeout
        secured = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left())
        return TimedStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """See NetworkStream."""
        return self._stream.get_extra_info(info)


class GuardedNetwork(NetworkBackend):
    """Connects to what a name resolves to, if all of that is public (or `private` addresses are allowed)."""

    def __init__(self, deadline: Deadline, resolver: Resolver, *, private: bool) -> None:
        self._deadline = deadline
        self._resolver = resolver
        self._private = private
        self._plain = SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> NetworkStream:
        """Connect to the first of the host's addresses that answers.

        Raises:
            NotAllowedError: before anything is sent.
            httpcore.ConnectError, httpcore.ConnectTimeout
        """
        del timeout, local_address
        addresses = self._checked(host, port)
        for number, address in enumerate(addresses, start=1):
            try:
                share = self._deadline.left() / (len(addresses) - number + 1)
                stream = self._plain.connect_tcp(address, port, share, None, socket_options)
                return TimedStream(stream, self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(addresses):
                    raise
        raise NotAllowedError(DeliveryFaults.delivery_unresolved(host=host, error="no address"))

    def _checked(self, host: str, port: int) -> list[str]:
        try:
            addresses = self._resolver(host, port)
        except (OSError, UnicodeError) as error:
            words = getattr(error, "strerror", None) or type(error).__name__
            raise NotAllowedError(DeliveryFaults.delivery_unresolved(host=host, error=words)) from error
        for address in addresses:
            if not self._private and not is_public(address):
                raise NotAllowedError(DeliveryFaults.delivery_forbidden(host=host, address=address))
        return addresses
