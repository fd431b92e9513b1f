"""Where webhooks may lead: the form of their addresses, and which addresses of the internet are public.

Whoever makes a webhook chooses where this service connects to. So an address is checked twice: its form when the
webhook is made, and what its name resolves to before each connection (sweeper/webhooks/network.py).
"""

from __future__ import annotations

import re
import socket
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from models.messages import Message, MessageError, WebhookFaults
from models.webhooks import MAX_URL, WebhookFormat

# Letters that an address may have as they are; all others have to be written as %XX, or in Punycode.
_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?P<host>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(?:[/?][!$%&'()*+,./0-9:;=?@A-Z_a-z~\[\]-]*)?)"
)
_MAILBOX = re.compile(r"mailto:(?P<mailbox>[A-Za-z0-9._+-]{1,64}@(?P<domain>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+))")
_PORTS = {"https": 443, "http": 80}

# What the standard library of some Python versions takes for public: IETF protocols, and the relays of 6to4.
_NOT_PUBLIC = (ip_network("192.0.0.0/24"), ip_network("192.88.99.0/24"), ip_network("100.64.0.0/10"))
_GLOBAL_UNICAST = ip_network("2000::/3")
_NAT64 = ip_network("64:ff9b::/96")  # an IPv4 address in its last 32 bits, which a gateway connects to


class BadUrlError(MessageError):
    """A webhook may not lead there."""


@dataclass(frozen=True)
class Target:
    """An address over HTTP, taken apart."""

    scheme: str
    host: str  # without brackets
    port: int
    path: str  # with the query

    @property
    def authority(self) -> str:
        """The value of the header `Host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def http_target(url: str, *, private: bool) -> Target:
    """Take the address of a receiver apart. `private` allows http and addresses that are not public.

    Raises:
        BadUrlError
    """
    schemes = ("https", "http") if private else ("https",)
    not_allowed = WebhookFaults.url_not_http() if private else WebhookFaults.url_not_https()
    scheme = url.partition("://")[0].lower()
    if scheme not in schemes:
        raise BadUrlError(not_allowed)
    if "#" in url:
        raise BadUrlError(WebhookFaults.url_with_fragment())
    if "@" in re.split(r"[/?\\]", url.partition("://")[2], maxsplit=1)[0]:
        raise BadUrlError(WebhookFaults.url_with_password())
    match = _URL.fullmatch(url)
    if match is None or len(url) > MAX_URL:
        raise BadUrlError(WebhookFaults.url_unreadable())
    host, port = match["host"].strip("[]").lower(), int(match["port"] or _PORTS[scheme])
    if not 1 <= port <= 65_535 or (":" in match["host"] and _literal(host) is None):
        raise BadUrlError(WebhookFaults.url_unreadable())
    path = match["path"] if match["path"].startswith("/") else "/" + match["path"]
    if not private and (address := _private_at_sight(host)):
        raise BadUrlError(WebhookFaults.url_private(address=address))
    return Target(scheme, host, port, path)


def mailbox(url: str, domains: Collection[str]) -> str:
    """Return the e-mail address that a `mailto:` names; `domains`: those it may belong to, empty for all.

    Raises:
        BadUrlError
    """
    match = _MAILBOX.fullmatch(url)
    if match is None or ".." in url:
        raise BadUrlError(WebhookFaults.url_not_mailto())
    if domains and match["domain"].lower() not in domains:
        raise BadUrlError(WebhookFaults.mail_domain(domains=sorted(domains)))
    return match["mailbox"]


def refusal(url: str, format_: str, *, private: bool, domains: Collection[str]) -> Message | None:
    """Return why a webhook of this format may not lead there; None if it may."""
    try:
        if format_ == WebhookFormat.email:
            mailbox(url, domains)
        else:
            http_target(url, private=private)
    except BadUrlError as error:
        return error.message
    return None


def shown(url: str) -> str:
    """Return an address of Slack's with its path left out: who knows the path may write to the channel."""
    match = _URL.fullmatch(url)
    return "…" if match is None else f"{match['scheme']}://{match['host']}/…"


def is_public(address: str) -> bool:
    """Return whether an IP address, as a resolver gives it, belongs to the public internet.

    IPv6 addresses that stand for an IPv4 address are judged by that one.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv4Address):
        return _is_public_v4(found)
    if found.scope_id is not None:
        return False
    inner = _inner(found)
    if inner is not None:
        return _is_public_v4(inner)
    # Teredo has an IPv4 server and a client behind it: nothing that is worth the risk.
    return found in _GLOBAL_UNICAST and found.is_global and found.teredo is None


def _inner(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address stands for."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None


def _is_public_v4(address: IPv4Address) -> bool:
    special = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback
    return address.is_global and not special and not any(address in network for network in _NOT_PUBLIC)


def _literal(host: str) -> str | None:
    """Return the IP address that a host is, None for a name. `127.1` and `0x7f000001` are addresses for a resolver."""
    try:
        return str(IPv6Address(host)) if ":" in host else str(IPv4Address(socket.inet_aton(host)))
    except (OSError, ValueError):
        return None


def _private_at_sight(host: str) -> str | None:
    """Return the address that is not public, as far as the host shows it without a resolver."""
    bare = host.rstrip(".")
    if bare == "localhost" or bare.endswith(".localhost"):
        return host
    address = _literal(bare)
    return None if address is None or is_public(address) else address
