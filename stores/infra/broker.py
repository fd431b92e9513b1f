"""The message that a queue has work. SQL decides which job runs (stores/jobs/claim.py)."""

from __future__ import annotations

import structlog
from celery import Celery
from kombu.exceptions import OperationalError

from stores.infra.failpoints import reach
from stores.infra.settings import Settings

log = structlog.get_logger(__name__)

RING = "ganforge.ring"


def make_celery(settings: Settings) -> Celery:
    """Return the Celery application; nothing connects before the first message.

    Early acknowledgement, no results, no prefetching: losing a message must not matter, and a second one does nothing.
    """
    app = Celery("ganforge", broker=settings.redis_url.get_secret_value())
    app.conf.update(
        task_acks_late=False,
        task_ignore_result=True,
        result_backend=None,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_enable_remote_control=False,
        task_create_missing_queues=True,
        task_publish_retry=False,
        broker_connection_retry=True,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "socket_timeout": 10,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
            "health_check_interval": 10,
            "retry_on_timeout": True,
            # How long sending may take while the broker is down: the request that made the job waits for it.
            "max_retries": 1,
            "interval_start": 0,
            "interval_step": 0.1,
            "interval_max": 0.1,
        },
    )
    return app


class Bell:
    """Sends the message for a queue. Never fails: the sweeper sends lost messages again."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def ring(self, queue: str, job_id: str | None = None) -> None:
        """Announce work on `queue`; the job id is only for the logs."""
        reach("ringing")
        try:
            self._app.send_task(RING, args=[job_id], queue=queue, ignore_result=True)
        except (OperationalError, OSError) as error:
            log.warning("bell_unreachable", queue=queue, job=job_id, error=str(error))
