"""Pub/sub: the hint that there is more to read. Rows are the truth; a lost hint costs a moment, never an event."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from models.views import Event
from stores.infra.settings import Settings

log = structlog.get_logger(__name__)

CHANNEL = "ganforge:events"


@dataclass(frozen=True)
class Hint:
    """An event as it was committed, and whose job it belongs to."""

    owner: str
    event: Event


def make_redis(settings: Settings) -> redis.Redis:
    """Return a client that notices a dead connection instead of waiting for ever.

    It tries once more on a fresh connection and then gives up: the library's own patience would hold every request for
    seconds while the broker is away, for a hint that may be lost.
    """
    return redis.Redis.from_url(
        settings.redis_url.get_secret_value(),
        socket_timeout=5,
        socket_connect_timeout=2,
        health_check_interval=15,
        retry=Retry(NoBackoff(), 1),
        decode_responses=True,
    )


class Bus:
    """Publishes events after their commit, and hands them to whoever listens."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def publish(self, hints: Sequence[Hint]) -> None:
        """Tell the open streams. Never fails: streams find what they missed in the rows."""
        try:
            for hint in hints:
                self._redis.publish(CHANNEL, json.dumps({"owner": hint.owner, "event": hint.event}))
        except redis.RedisError as error:
            log.warning("bus_unreachable", error=str(error), lost=len(hints))

    def listen(self) -> Iterator[Hint | None]:
        """Yield hints as they arrive, and None once a second when there are none, so that the caller can look around.

        The first None says that the subscription stands: what commits after it will be heard.

        Raises:
            redis.RedisError: the connection broke; hints may have been lost since the last one.
        """
        with self._redis.pubsub(ignore_subscribe_messages=False) as pubsub:  # type: ignore[no-untyped-call]
            pubsub.subscribe(CHANNEL)
            while True:
                message = pubsub.get_message(timeout=1.0)
                if message is None or message["type"] == "subscribe":
                    yield None
                elif message["type"] == "message":
                    body = json.loads(message["data"])
                    yield Hint(body["owner"], body["event"])

    def ping(self) -> None:
        """Raise redis.RedisError unless the server answers."""
        self._redis.ping()
