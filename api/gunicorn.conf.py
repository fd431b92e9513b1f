"""How the API is served: `gunicorn -c api/gunicorn.conf.py`.

gevent's workers hold many open streams in one process. The service is loaded in the workers, after they are patched, so
nothing that opens connections may be imported here.
"""  # noqa: N999

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from api.serving.open_files import allow_open_files
from api.serving.worker import most_connections
from stores.infra.logs import configure_logs
from stores.infra.process_start import start_process

settings = start_process()  # the workers are forked, and inherit what it does
allow_open_files(most_connections(settings))

wsgi_app = "api.app:create_app()"
bind = f"{settings.host}:{settings.port}"
workers = settings.api_processes
# gevent's own WSGI server under gunicorn sends headers and body at once, which is faster for small answers; ours limits
# what a client may hold.
worker_class = "api.serving.worker.Worker"
worker_connections = most_connections(settings)
# Streams end within a second of the signal; this limit is for open requests.
graceful_timeout = 5
timeout = 60
control_socket_disable = True
logger_class = "api.http.gunicorn_hooks.Log"

# Folder in which the processes share their metrics; it is emptied at each start.
counted = Path(settings.home).absolute() / "metrics" / str(settings.port)
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(counted)


def on_starting(_server: Any) -> None:
    """Refuse to listen on a public address if nobody has a key."""
    shutil.rmtree(counted, ignore_errors=True)
    counted.mkdir(parents=True)
    if settings.host not in {"127.0.0.1", "::1", "localhost"}:
        subprocess.run([sys.executable, "-m", "api.http.gunicorn_hooks"], check=True)


def post_fork(_server: Any, _worker: Any) -> None:
    """Make each worker log JSON lines."""
    configure_logs("api")


def post_worker_init(worker: Any) -> None:
    """End open streams when the worker stops; clean up interrupted uploads; prepare the pages.

    What is shown of data sets is made beside the requests, which need not wait for it.
    """
    from api.dashboard import site  # noqa: PLC0415 - only now, when the process is patched

    service = worker.wsgi.extensions["ganforge"]
    service.hub.alive = lambda: worker.alive
    service.importer.tidy()
    service.looks.start(lambda: worker.alive)
    site.warm(worker.wsgi)


def child_exit(_server: Any, worker: Any) -> None:
    """Remove the metrics of a worker that has exited."""
    for file in counted.glob(f"gauge_live*_{worker.pid}.db"):
        file.unlink(missing_ok=True)
