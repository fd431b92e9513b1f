"""Trusted proxies: only what they say in `X-Forwarded-…` counts, because anybody can send these headers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]

_HOST = re.compile(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


class Proxies:
    """The networks of trusted proxies."""

    def __init__(self, networks: Iterable[IPv4Network | IPv6Network]) -> None:
        self._networks = tuple(networks)

    def trust(self, address: str) -> bool:
        """Return whether this is the address of a trusted proxy."""
        if not self._networks:
            return False
        try:
            found = ip_address(address)
        except ValueError:
            return False
        if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        return any(found in network for network in self._networks)

    def client(self, peer: str, forwarded_for: str) -> str:
        """Return the address of the client, given the other end of the connection and `X-Forwarded-For`.

        Each proxy adds on the right whom it heard, so the first from the right that is no trusted proxy is the client.
        What stands further left was sent by the client, who may write anything.
        """
        if not self.trust(peer):
            return peer
        client = peer
        for part in reversed(forwarded_for.split(",")):
            address = _address(part)
            if address is None:
                return client
            client = address
            if not self.trust(address):
                break
        return client


def _address(text: str) -> str | None:
    """Return the address in an entry of X-Forwarded-For, which may have a port; None if there is none."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        return str(ip_address(bare))
    except ValueError:
        return None


class BehindProxies:
    """WSGI middleware: puts what trusted proxies say about the client, its scheme and host into the environment."""

    def __init__(self, application: Application, proxies: Proxies) -> None:
        self._application = application
        self._proxies = proxies

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer the request."""
        peer = environ.get("REMOTE_ADDR", "")
        if self._proxies.trust(peer):
            environ["REMOTE_ADDR"] = self._proxies.client(peer, environ.get("HTTP_X_FORWARDED_FOR", ""))
            scheme = _last(environ, "HTTP_X_FORWARDED_PROTO").lower()
            if scheme in {"http", "https"}:
                environ["wsgi.url_scheme"] = scheme
            host = _last(environ, "HTTP_X_FORWARDED_HOST")
            if _HOST.fullmatch(host):
                environ["HTTP_HOST"] = host
        return self._application(environ, start_response)


def _last(environ: Environ, name: str) -> str:
    """Return the last value of a header, which the nearest proxy has set."""
    return str(environ.get(name, "")).rpartition(",")[2].strip()
