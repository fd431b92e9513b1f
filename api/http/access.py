"""Access: keys or sessions, roles and request rates."""

from __future__ import annotations

import math
import time
from collections import Counter
from enum import Enum

from flask import Request

from api.http.language import SESSION_COOKIE
from api.http.problems import ProblemError
from api.http.turns import Turns
from models.messages import Door, Message, word
from models.states import Role
from stores.accounts.keys import Keys, Principal
from stores.accounts.sessions import Session, Sessions
from stores.infra.settings import Settings

COOKIE = SESSION_COOKIE
CSRF_HEADER = "X-CSRF-Token"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

# A key has 256 random bits, so this bounds noise in the logs and load on the database, not the odds of a guess.
WRONG_KEYS_A_MINUTE = 600

# Requests for shared pages that an address may send within ten seconds. A page asks for less than ten things, and then
# for an image now and then; many people may share an address.
GUESTS_S = 10
GUEST_REQUESTS = 300


class Access(Enum):
    """The access rule of a route."""

    public = "public"  # nothing
    read = "read"  # any key
    change = "change"  # a key that is not a viewer's
    admin = "admin"  # an admin's key


def allows(who: Principal, access: Access) -> bool:
    """Return whether the caller's role suffices."""
    if access is Access.admin:
        return who.role is Role.admin
    return access is not Access.change or who.role is not Role.viewer


class Window:
    """Counts requests of each caller in a fixed time window; the counts restart with each window."""

    def __init__(self, seconds: float, limit: int) -> None:
        self._seconds = seconds
        self._limit = limit
        self._began = 0.0
        self._counts: Counter[str] = Counter()

    def full(self, caller: str) -> bool:
        """Count a request of this caller. Returns whether it exceeds the limit."""
        now = time.monotonic()
        if now - self._began >= self._seconds:
            self._began = now
            self._counts.clear()
        self._counts[caller] += 1
        return self._counts[caller] > self._limit

    @property
    def retry_after(self) -> str:
        """Whole seconds until the next window."""
        return str(math.ceil(max(0.0, self._began + self._seconds - time.monotonic())) or 1)


class Doorkeeper:
    """Checks keys, sessions, roles and rates. The counts are in memory, so a limit applies to each API process."""

    def __init__(self, settings: Settings, keys: Keys, sessions: Sessions) -> None:
        self._keys = keys
        self._sessions = sessions
        self._limit = settings.rate_limit
        self._rate = Window(1, settings.rate_limit)
        self._wrong = Window(60, WRONG_KEYS_A_MINUTE)
        self._guests = Window(GUESTS_S, GUEST_REQUESTS)
        # Lookups take turns too, by secret: beyond the pool's connections, all would wait for who comes most often.
        self._turns = Turns()

    def admit(self, request: Request, access: Access) -> Principal | None:
        """Return the holder of the request's key; None if the route needs none.

        Raises:
            ProblemError: 401 without a valid key, 403 when its role does not suffice, 429 when it comes too often.
        """
        if access is Access.public:
            return None
        by_session = "Authorization" not in request.headers and COOKIE in request.cookies
        who = self.session(request).who if by_session else self.holder(self._secret(request), request)
        if self._rate.full(who.key_id):
            raise _too_many(Door.too_many_requests(limit=self._limit), self._rate)
        self.permit(who, access)
        return who

    def admit_guest(self, request: Request) -> None:
        """Count a request for a shared page, which needs no key.

        Raises:
            ProblemError: 429 when too many have come from its address.
        """
        if self._guests.full(request.remote_addr or ""):
            raise _too_many(Door.too_many_guests(), self._guests)

    def permit(self, who: Principal, access: Access) -> None:
        """Check that the caller's role suffices.

        Raises:
            ProblemError: 403.
        """
        if allows(who, access):
            return
        if access is Access.admin:
            raise ProblemError("forbidden", Door.needs_admin(role=word(who.role)))
        raise ProblemError("forbidden", Door.viewers_read_only())

    def holder(self, secret: str, request: Request) -> Principal:
        """Return the key's holder.

        Raises:
            ProblemError: 401 for a key that is unknown or revoked, 429 when too many such have come.
        """
        with self._turns.taken(secret):
            who = self._keys.authenticate(secret)
        if who is None:
            if self._wrong.full(request.remote_addr or ""):
                raise _too_many(Door.too_many_wrong_keys(), self._wrong)
            raise _unauthenticated(Door.key_unknown())
        return who

    def session(self, request: Request) -> Session:
        """Return the session of the request's cookie. A change must come from one of our own pages.

        Raises:
            ProblemError: 401 when it has ended, 403 for a change without the token that our pages carry.
        """
        token = request.cookies.get(COOKIE, "")
        with self._turns.taken(token):
            session = self._sessions.find(token)
        if session is None:
            raise _unauthenticated(Door.session_ended())
        if request.method not in SAFE:
            refuse_other_sites(request)
            # A form of another type is an upload, which only its view may read.
            plain = request.mimetype == "application/x-www-form-urlencoded"
            given = request.headers.get(CSRF_HEADER) or (request.form.get("csrf_token", "") if plain else "")
            if not session.sent_by_a_page(given):
                raise ProblemError("forbidden", Door.needs_csrf_token(header=CSRF_HEADER))
        return session

    @staticmethod
    def _secret(request: Request) -> str:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise _unauthenticated(Door.send_a_key())
        return secret.strip()


def refuse_other_sites(request: Request) -> None:
    """Refuse what a page of another site sent.

    Browsers say so in `Sec-Fetch-Site`; older ones, and all over plain HTTP, only in `Origin`. Others send neither.

    Raises:
        ProblemError: 403.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        ours = site in {"same-origin", "none"}
    else:
        origin = request.headers.get("Origin")
        # Both leave out the usual port of the scheme. An untrusted proxy may hide the scheme, so it is not compared.
        ours = origin is None or origin.partition("://")[2].lower() == request.host.lower()
    if not ours:
        raise ProblemError("forbidden", Door.other_site())


def _unauthenticated(message: Message) -> ProblemError:
    return ProblemError("unauthenticated", message, headers={"WWW-Authenticate": 'Bearer realm="ganforge"'})


def _too_many(message: Message, window: Window) -> ProblemError:
    return ProblemError("rate_limited", message, headers={"Retry-After": window.retry_after})
