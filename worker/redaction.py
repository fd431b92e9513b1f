"""Masks secrets in what a trainer writes and tells, before anybody stores it.

A trainer has no secret in its environment (worker/device.py). This is the second wall: for what a library reads
elsewhere, and for what a data set or a path contains.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urlsplit

from pydantic import SecretStr

from models import wire
from models.access_keys import KEY_PREFIX
from stores.infra.settings import Settings

MASK = "***"
# A shorter secret is too likely a part of other words. So is a plain word, such as the name of a user.
LEAST_LENGTH, LEAST_LETTERS = 8, 12
# Settings of other programs in the supervisor's environment: their values are secret if their names say so.
SECRET_NAME = re.compile(r"SECRET|PASSWORD|PASSWD|TOKEN|CREDENTIAL|API_?KEY|ACCESS_KEY|PRIVATE_KEY", re.IGNORECASE)
# What looks like a secret whoever made it: keys of this service, signing secrets, and passwords in URLs.
PATTERNS = (
    re.compile(rf"(?<![A-Za-z0-9_])(?P<kept>{KEY_PREFIX}|whsec_)[A-Za-z0-9+/=_-]{{16,}}"),
    re.compile(r"(?P<kept>\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@\"'\\]*:)[^\s/@\"'\\]+(?=@)"),
)

Told = TypeVar("Told", bound=wire.Text | wire.Log | wire.Alert | wire.Done | wire.Failed)


class Redactor:
    """Knows the secrets of this supervisor's process."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first: one secret may contain another.
        known = sorted({one for secret in secrets for one in _forms(secret) if _is_telling(one)}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    @classmethod
    def of(cls, settings: Settings, environment: Mapping[str, str] = os.environ) -> Redactor:
        """Return the redactor that knows the secrets of the settings and of an environment."""
        given = [value.get_secret_value() for value in dict(settings).values() if isinstance(value, SecretStr)]
        named = [value for name, value in environment.items() if SECRET_NAME.search(name)]
        return cls([*given, *named])

    def text(self, text: str) -> str:
        """Return a text with a mask for each secret. The number of its lines stays."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        for pattern in PATTERNS:
            text = pattern.sub(rf"\g<kept>{MASK}", text)
        return text

    def message(self, message: Told) -> Told:
        """Return a message of the trainer with masked texts."""
        masked: dict[str, Any] = {name: self._value(value) for name, value in vars(message).items()}
        return replace(message, **masked)

    def _value(self, value: object) -> object:
        match value:
            case str():
                return self.text(value)
            case wire.Text():
                return self.message(value)
            case dict():
                return {name: self._value(one) for name, one in value.items()}
            case _:
                return value


def _forms(secret: str) -> Iterator[str]:
    """Yield a secret as it may stand in a text: line by line, and of an address only the password."""
    parts = urlsplit(secret) if "://" in secret else None
    for one in (secret,) if parts is None else (parts.password or "",):
        for line in one.splitlines():
            yield from (line, quote(line, safe=""), unquote(line))


def _is_telling(secret: str) -> bool:
    return len(secret) >= (LEAST_LETTERS if secret.isalpha() else LEAST_LENGTH)
