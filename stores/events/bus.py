"""Pub/sub hints that there are new rows to read. A lost hint delays an event; it never loses one."""

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
LOGS = "ganforge:logs"


@dataclass(frozen=True)
class Hint:
    """A committed event and the owner of its job."""

    owner: str
    event: Event


@dataclass(frozen=True)
class LogHint:
    """The log of a job has more lines."""

    job_id: str


def make_redis(settings: Settings) -> redis.Redis:
    """Return a client that detects a dead connection instead of waiting forever.

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
    """Publishes events after their commit and delivers them to listeners."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def publish(self, hints: Sequence[Hint]) -> None:
        """Publish hints. Never fails: streams find missed events in the rows."""
        try:
            for hint in hints:
                self._redis.publish(CHANNEL, json.dumps({"owner": hint.owner, "event": hint.event}))
        except redis.RedisError as error:
            log.warning("bus_unreachable", error=str(error), lost=len(hints))

    def log_grew(self, job_id: str) -> None:
        """Tell those who read a log along that it has more lines. Never fails: they look by themselves, less often."""
        try:
            self._redis.publish(LOGS, job_id)
        except redis.RedisError as error:
            log.warning("bus_unreachable", error=str(error), lost=1)

    def listen(self) -> Iterator[Hint | LogHint | None]:
        """Yield hints as they arrive, and None once a second without one, so that the caller can check other things.

        The first None says that the subscription stands: what commits after it will be heard.

        Raises:
            redis.RedisError: the connection broke; hints may have been lost since the last one.
        """
        with self._redis.pubsub(ignore_subscribe_messages=False) as pubsub:  # type: ignore[no-untyped-call]
            pubsub.subscribe(CHANNEL, LOGS)
            while True:
                message = pubsub.get_message(timeout=1.0)
                if message is None or message["type"] == "subscribe":
                    yield None
                elif message["type"] == "message" and message["channel"] == LOGS:
                    yield LogHint(message["data"])
                elif message["type"] == "message":
                    body = json.loads(message["data"])
                    yield Hint(body["owner"], body["event"])

    def ping(self) -> None:
        """Raise redis.RedisError unless the server answers."""
        self._redis.ping()
