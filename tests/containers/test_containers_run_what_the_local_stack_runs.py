"""One entry point per process, whoever starts it: the local stack's table is the measure."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ganforge.stack import processes
from ganforge.stack.devices import Seat
from ganforge.stack.home import Home
from stores.infra.settings import Settings
from tests.containers.conftest import ROOT, exec_form

HOME = Home(Path("/var/lib/ganforge"))
LOCAL = {
    "setup": processes.setup(HOME, {}),
    "api": processes.api(HOME, {}),
    "sweeper": processes.sweeper(HOME, {}),
    "worker-cpu": processes.worker(HOME, {}, Seat("worker-cpu", "cpu", "cpu")),
    "worker-gpu": processes.worker(HOME, {}, Seat("worker-gpu", "gpu", "GPU-1")),
    "worker-jetson": processes.worker(HOME, {}, Seat("worker-jetson", "jetson", "0")),
}
# What each image starts and is asked for beside that, as modules.
ENTRANCES = {
    "api": [
        "api.app",
        "api.setup",
        "api.http.gunicorn_hooks",
        "sweeper.sweeper",
        "sweeper.health",
        "migrations.env",
        "migrations.database_role",
    ],
    "worker": ["worker.celery_app", "worker.health"],
}


def _in_a_container(command: list[str]) -> list[str]:
    """Return a local command as it reads in an image: its folder is /app, its host tells processes apart."""
    moved = [part.replace(str(processes.CODE), "/app") for part in command]
    return [re.sub(r"\.\d+@%h$", "@%h", part) for part in moved]


@pytest.mark.parametrize("name", LOCAL)
def test_each_service_has_the_local_stacks_command(compose_services, targets, name):
    target = targets[compose_services[name]["build"]["target"]]
    entry = exec_form(target, "ENTRYPOINT")

    assert entry == ["python", "-m"]
    assert entry + compose_services[name]["command"] == ["python", *_in_a_container(LOCAL[name].command)[1:]]


@pytest.mark.parametrize(("image", "service"), [("api", "api"), ("worker", "worker-cpu")])
def test_an_image_by_itself_starts_what_compose_starts(compose_services, targets, image, service):
    assert exec_form(targets[image], "CMD") == compose_services[service]["command"]


@pytest.mark.parametrize("name", [name for name in LOCAL if name.startswith("worker-")])
def test_each_worker_serves_the_queue_of_its_device(compose_services, name):
    seat = LOCAL[name].env
    environment = compose_services[name]["environment"]
    assert environment["GANFORGE_QUEUE"] == seat["GANFORGE_QUEUE"]
    if name != "worker-gpu":  # a GPU's UUID is known on its host alone
        assert environment["GANFORGE_DEVICE"] == seat["GANFORGE_DEVICE"]


@pytest.mark.parametrize("image", ENTRANCES)
def test_an_image_holds_every_module_of_ours_that_its_processes_import(targets, image, tmp_path):
    for word, rest in targets[image]:
        if word == "COPY" and not rest.startswith("--from"):
            source, place = rest.split()
            (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / place).symlink_to(ROOT / source)
    # The checkout may be installed here, and would fill every gap: only the image's folders count.
    imports = [
        "import importlib, sys",
        "sys.meta_path[:] = [finder for finder in sys.meta_path if 'editable' not in str(finder)]",
        "sys.path[:] = [place for place in sys.path if 'editable' not in place]",
        *(f"importlib.import_module({module!r})" for module in ENTRANCES[image] if module != "migrations.env"),
        "assert 'torch' not in sys.modules",
    ]

    command = [sys.executable, "-c", "\n".join(imports)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stderr
    assert "migrations.env" not in ENTRANCES[image] or (tmp_path / "migrations" / "env.py").exists()


def test_every_setting_that_compose_hands_over_is_one(compose_services):
    known = {f"GANFORGE_{name.upper()}" for name in Settings.model_fields}
    for name, service in compose_services.items():
        handed = {key for key in service.get("environment", {}) if key.startswith("GANFORGE_")}
        if name == "database-role":
            handed -= {"GANFORGE_ADMIN_DATABASE_URL"}  # for this step alone, so no setting of the service
        assert handed <= known, name
