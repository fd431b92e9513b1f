"""The loopback interface, and its free TCP ports."""

from __future__ import annotations

import socket
from ipaddress import ip_address

LOOPBACK = "127.0.0.1"


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches this address or name."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def free_port() -> int:
    """Return a port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Return whether a server could listen on this port."""
    with socket.socket() as probe:
        # As servers do, so that connections of a server that has just ended don't block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, UnicodeError):  # the host's name may be none
            return False
        return True
