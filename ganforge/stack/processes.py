"""The command lines of the service's processes."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import ganforge
from ganforge.stack.child import USERS, WORKERS, Child
from ganforge.stack.devices import Seat
from ganforge.stack.home import Home

# The processes run in the folder of the packages, so that a folder of the caller can't shadow one of them.
CODE = Path(ganforge.__file__).resolve().parent.parent
# A supervisor checkpoints its job and returns it within 15 s; the rest is for slow machines.
WORKER_GRACE_S = 20.0


def setup(home: Home, env: Mapping[str, str]) -> Child:
    """Migrates the tables, creates the bucket, the built-in rows and the admin key, then exits."""
    return _python(home, "setup", ["api.setup"], env)


def api(home: Home, env: Mapping[str, str]) -> Child:
    """Serves HTTP on GANFORGE_HOST and GANFORGE_PORT."""
    config = str(CODE / "api" / "gunicorn.conf.py")
    return _python(home, "api", ["gunicorn", "-c", config, "api.app:create_app()"], env)


def sweeper(home: Home, env: Mapping[str, str]) -> Child:
    """Sends lost messages again and puts the jobs of dead workers back into the queue."""
    beat = ["celery", "-A", "sweeper.sweeper", "beat", "-S", "sweeper.sweeper:Sweeper", "--pidfile="]
    return _python(home, "sweeper", beat, env)


def worker(home: Home, env: Mapping[str, str], seat: Seat) -> Child:
    """Supervises one device. Its name in Celery is unique, so that several stacks can share one broker."""
    node = ["-n", f"{seat.name}.{os.getpid()}@%h", "--without-gossip", "--without-mingle"]
    pool = ["--pool=threads", "--concurrency=1", "-Q", seat.queue, "--loglevel=INFO"]
    seated = {**env, "GANFORGE_QUEUE": seat.queue, "GANFORGE_DEVICE": seat.device, "GANFORGE_WORKER_NAME": seat.name}
    child = _python(home, seat.name, ["celery", "-A", "worker.celery_app", "worker", *pool, *node], seated)
    child.phase, child.grace = WORKERS, WORKER_GRACE_S
    return child


def _python(home: Home, name: str, module: list[str], env: Mapping[str, str]) -> Child:
    return Child(
        name=name,
        command=[sys.executable, "-m", *module],
        env=dict(env),
        log=home.log(name),
        folder=CODE,
        phase=USERS,
    )
