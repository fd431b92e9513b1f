"""The Celery side of a supervisor: `celery -A worker.celery_app worker --pool=threads --concurrency=1 -Q QUEUE`."""

from __future__ import annotations

from celery import Celery, signals
from kombu.asynchronous import get_event_loop

from stores.container import open_stores
from stores.infra.broker import RING, make_celery
from stores.infra.logs import configure_logs
from stores.infra.process_start import start_process
from stores.infra.settings import Settings
from worker.device import find_device
from worker.supervisor import Supervisor

# A task's slot becomes free shortly after its last signal.
LISTEN_AFTER_S = 0.01


def create_worker(settings: Settings) -> Celery:
    """Return a Celery application with one task, which makes the supervisor look for work."""
    app = make_celery(settings)
    supervisor = Supervisor(open_stores(settings, celery=app), find_device(settings))

    @app.task(name=RING, ignore_result=True)  # type: ignore[untyped-decorator]
    def ring(job_id: str | None = None) -> None:  # noqa: ARG001 - for Celery's own log line
        supervisor.work()

    @signals.setup_logging.connect(weak=False)  # type: ignore[untyped-decorator]
    def logs(**_: object) -> None:
        configure_logs(f"worker-{settings.queue}")

    @signals.worker_ready.connect(weak=False)  # type: ignore[untyped-decorator]
    def start(**_: object) -> None:
        supervisor.start()

    # Celery's event loop polls the broker when something wakes it, and not while the slot is taken. The end of a task
    # does not wake it: a message that arrives then would wait for the loop's next timer, up to a second.
    @signals.task_postrun.connect(weak=False)  # type: ignore[untyped-decorator]
    def listen_again(**_: object) -> None:
        if (hub := get_event_loop()) is not None:
            hub.call_soon(hub.call_later, LISTEN_AFTER_S, int)  # type: ignore[no-untyped-call]

    # Runs inside the signal handler of SIGTERM: it sets events and nothing else.
    @signals.worker_shutting_down.connect(weak=False)  # type: ignore[untyped-decorator]
    def stop_soon(**_: object) -> None:
        supervisor.stop_soon()

    @signals.worker_shutdown.connect(weak=False)  # type: ignore[untyped-decorator]
    def close(**_: object) -> None:
        supervisor.close()

    return app


def __getattr__(name: str) -> Celery:
    """Create `app` when Celery's command line asks for it, so that importing this module reads no settings."""
    if name == "app":
        return create_worker(start_process())
    raise AttributeError(name)
