"""Who may come in: keys, roles and rates."""

from __future__ import annotations

from enum import Enum

from flask import Request
from limits import RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from api.problems import ProblemError
from models.states import Role
from stores.keys import Keys, Principal
from stores.settings import Settings

# A key has 256 random bits, so this bounds noise in the logs and load on the database, not the odds of a guess.
WRONG_KEYS_A_MINUTE = 600


class Access(Enum):
    """What a route asks of its caller."""

    public = "public"  # nothing
    read = "read"  # any key
    change = "change"  # a key that is not a viewer's
    admin = "admin"  # an admin's key


class Doorkeeper:
    """Checks keys, roles and rates. Counts in this process's memory: a limit holds for each API process."""

    def __init__(self, settings: Settings, keys: Keys) -> None:
        self._keys = keys
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._rate = RateLimitItemPerSecond(settings.rate_limit)
        self._wrong = RateLimitItemPerMinute(WRONG_KEYS_A_MINUTE)

    def admit(self, request: Request, access: Access) -> Principal | None:
        """Return whose key came with the request; None where none is needed.

        Raises:
            ProblemError: 401 without a valid key, 403 when its role does not suffice, 429 when it comes too often.
        """
        if access is Access.public:
            return None
        who = self._keys.authenticate(self._secret(request))
        if who is None:
            if not self._limiter.hit(self._wrong, request.remote_addr or ""):
                raise _too_many("too many wrong keys from this address", 60)
            raise _unauthenticated("this key is unknown or revoked")
        if not self._limiter.hit(self._rate, who.key_id):
            raise _too_many(f"this key may make {self._rate.amount} requests a second", 1)
        if access is Access.admin and who.role is not Role.admin:
            raise ProblemError("forbidden", f"this needs an admin's key; yours is a {who.role}'s")
        if access is Access.change and who.role is Role.viewer:
            raise ProblemError("forbidden", "a viewer's key reads only; ask an admin for a user's key")
        return who

    @staticmethod
    def _secret(request: Request) -> str:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise _unauthenticated("send your key as `Authorization: Bearer gf_…`")
        return secret.strip()


def _unauthenticated(detail: str) -> ProblemError:
    return ProblemError("unauthenticated", detail, headers={"WWW-Authenticate": 'Bearer realm="ganforge"'})


def _too_many(detail: str, seconds: int) -> ProblemError:
    return ProblemError("rate_limited", detail, headers={"Retry-After": str(seconds)})
