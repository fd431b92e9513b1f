"""The service's address and key: from arguments, the environment, or the local stack."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from ganforge.errors import GanforgeError, UnreachableError
from ganforge.stack.home import Home
from ganforge.stack.ports import is_loopback
from ganforge.stack.settings import DEFAULT_HOME
from models.access_keys import KEY_PREFIX

# What a header can carry. Keys of the service are letters, digits and underscores.
_HEADER_TEXT = re.compile("[!-~]+")
NOT_RUNNING = (
    "start one with `make up`, or set GANFORGE_HOME to the .ganforge folder of one that was started in another folder, "
    "or GANFORGE_URL and GANFORGE_API_KEY to one that runs elsewhere"
)


@dataclass(frozen=True)
class Connection:
    """Address and key of a service. The repr hides the key."""

    url: str
    key: str = field(repr=False)

    @property
    def local(self) -> bool:
        """Return whether the service is on this machine, so that no proxy may be used."""
        return is_loopback(urlsplit(self.url).hostname or "")


def find_connection(
    url: str | None = None, key: str | None = None, environment: Mapping[str, str] | None = None
) -> Connection:
    """Return the service to talk to.

    The address is `url`, else GANFORGE_URL, else that of the stack running on GANFORGE_HOME; the key is `key`, else
    GANFORGE_API_KEY, else the admin key of that stack, which goes to that stack's address alone.

    Raises:
        UnreachableError: no address is given and no local stack runs.
        GanforgeError: the address is invalid, or no key is known.
    """
    env = os.environ if environment is None else environment
    home = Home(Path(env.get("GANFORGE_HOME") or DEFAULT_HOME))
    stack = home.read_stack()
    local = str(stack["api"]) if stack else None
    address = (url or env.get("GANFORGE_URL") or local or "").strip().rstrip("/")
    if not address:
        raise UnreachableError(f"no service runs on {home.path}: {NOT_RUNNING}")
    _check_address(address)
    secret, source = (key or env.get("GANFORGE_API_KEY") or "").strip(), "key" if key else "GANFORGE_API_KEY"
    if not secret and address == local:
        secret, source = home.admin_key(), str(home.admin_key_file)
    if not secret:
        raise GanforgeError(
            f"no key for {address}: set GANFORGE_API_KEY (an admin makes one with `ganforge keys create`)"
        )
    if not _HEADER_TEXT.fullmatch(secret):
        raise GanforgeError(
            f"the access key in {source} holds a character that no key has, such as a space, a line break or a "
            "typographic quote: copy the key again"
        )
    return Connection(address, secret)


def _check_address(address: str) -> None:
    """Raise GanforgeError unless it is the address of a service. A password in it is not shown."""
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port beyond 65535, half of a pair of brackets
        usable = False
    if "@" in address:
        raise GanforgeError("GANFORGE_URL names a user or a password: leave them out, GANFORGE_API_KEY holds the key")
    given = "an access key" if KEY_PREFIX in address else repr(address)
    if not usable:
        raise GanforgeError(f"GANFORGE_URL is {given}; it must look like http://127.0.0.1:8000")
    try:
        httpx.URL(address).raw_host.decode("ascii").encode("idna")  # as the name is looked up
    except (httpx.InvalidURL, ValueError) as error:
        raise GanforgeError(f"GANFORGE_URL is {given}, whose host name is not valid") from error
