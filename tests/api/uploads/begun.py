"""An upload of which no more than the beginning is sent."""

from __future__ import annotations

import socket

from tests.api.server import Server


def begin(server: Server, key: str, length: int = 1_000_000) -> socket.socket:
    """Begin an upload of so many bytes: send its headers and those of its file. Return the connection."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    head = (
        f"POST /v1/datasets HTTP/1.1\r\nHost: here\r\nContent-Length: {length}\r\nAuthorization: Bearer {key}\r\n"
        "Content-Type: multipart/form-data; boundary=a\r\n\r\n"
        '--a\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
    )
    connection.sendall(head.encode())
    return connection
