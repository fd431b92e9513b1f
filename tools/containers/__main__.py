"""`python -m tools.containers` (`make test-containers`): build the images, and try compose.yaml with them.

A training, a sampling, an upgrade from the images of another commit while a job runs and a stream is open, and a
restart on the same volumes. It needs podman and buildah, as root, and the images that compose.yaml names, or a base
image to build stand-ins from. What it makes is called ganforge-test, and goes at the end.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from ganforge.client import Client
from ganforge.errors import GanforgeError
from ganforge.stack.ports import free_port
from tools.containers import checks
from tools.containers.compose import ComposeError, Service, read
from tools.containers.podman import ContainerError, Project, build, podman, run_in

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "ganforge-test"
PORTS = ("GANFORGE_PORT", "GANFORGE_S3_PORT", "GANFORGE_POSTGRES_PORT", "GANFORGE_REDIS_PORT")
SECRETS = (
    "GANFORGE_POSTGRES_PASSWORD",
    "GANFORGE_DATABASE_PASSWORD",
    "GANFORGE_REDIS_PASSWORD",
    "GANFORGE_S3_SECRET_KEY",
)
STAND_INS = ("postgres", "redis", "minio")
_began = time.monotonic()


def say(text: str) -> None:
    """Print a line with the time since the start."""
    sys.stdout.write(f"{time.monotonic() - _began:7.1f} s  {text}\n")
    sys.stdout.flush()


class Version:
    """One version of the service: its checkout, its images, its compose file."""

    def __init__(self, tag: str, folder: Path, environment: dict[str, str]) -> None:
        self.tag = tag
        self.folder = folder
        self._environment = environment

    def build(self, bases: dict[str, str], pip: str) -> None:
        """Build both images."""
        for target in ("api", "worker"):
            build(self.folder, target, f"ganforge-{target}:{self.tag}", bases, pip=pip)
            size = podman("image", "inspect", "--format", "{{.Size}}", f"ganforge-{target}:{self.tag}")
            say(f"built ganforge-{target}:{self.tag}, {int(size) / 1e9:.2f} GB")

    def services(self) -> list[Service]:
        """Give its images the names that its compose file uses, and return its services."""
        for target in ("api", "worker"):
            podman("tag", f"ganforge-{target}:{self.tag}", f"localhost/ganforge-{target}:latest")
        return read(self.folder / "compose.yaml", PROJECT, self._environment)


def stand_ins(base: str, pip: str) -> None:
    """Build what stands in for the images that compose.yaml pulls."""
    images = {one.name: one.image for one in read(ROOT / "compose.yaml", PROJECT, dict.fromkeys(SECRETS, "x"))}
    with tempfile.TemporaryDirectory(prefix="ganforge-servers-") as folder:
        context = Path(folder)
        shutil.copy(ROOT / "constraints.txt", context)
        servers = shutil.copytree(ROOT / "tools/containers/servers", context / "tools/containers/servers")
        for target in STAND_INS:
            file = str(servers / "Dockerfile")
            build(context, target, f"localhost/{images[target]}", {"BASE": base}, file=file, pip=pip)
            say(f"built a stand-in for {images[target]}")


def by_name(services: list[Service], name: str) -> Service:
    """Return one service."""
    return next(one for one in services if one.name == name)


def connect(services: list[Service], environment: dict[str, str]) -> Client:
    """Return a client with the admin key that the setup has written."""
    key = run_in(by_name(services, "api"), "print(open('/var/lib/ganforge/admin.key').read().strip())")
    return Client(f"http://127.0.0.1:{environment['GANFORGE_PORT']}", key)


def refuses_a_missing_secret(environment: dict[str, str]) -> None:
    """Check that nothing can start without a secret."""
    for name in SECRETS:
        without = {key: value for key, value in environment.items() if key != name}
        try:
            read(ROOT / "compose.yaml", PROJECT, without)
        except ComposeError as error:
            say(f"refused: {error}")
        else:
            raise ContainerError(f"compose.yaml can be read without {name}")


def drive(before: Version, now: Version, environment: dict[str, str]) -> None:
    """Bring the version before up, use it, upgrade it under load, restart it, and remove everything."""
    project = Project(PROJECT, say)
    services = before.services()
    try:
        say("== up, the images of the commit before")
        project.up(services)
        with connect(services, environment) as one:
            trained = checks.train_and_sample(one, say)
            running = checks.Running(one, partial(connect, services, environment), say)
        say("== up, the images of this commit, with a running job and an open stream")
        services = now.services()
        project.up(services)
        with connect(services, environment) as one:
            running.went_on(one)
            checks.is_kept(one, trained, say)
            checks.train_and_sample(one, say)
            checks.upload(one, say)
        checks.database_role(by_name(services, "api"), say)
        checks.confinement([one for one in services if one.content.get("read_only") and not one.ends], say)
        say("== down and up on the same volumes")
        project.down(services)
        project.up(services)
        with connect(services, environment) as one:
            checks.is_kept(one, trained, say)
    finally:
        project.down(services, volumes=True)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.containers", description=__doc__)
    parser.add_argument("--before", default="HEAD^", help="the commit to upgrade from (default: HEAD^)")
    parser.add_argument("--base", default="", help="base of our images; default: the Dockerfile's")
    parser.add_argument("--servers-base", default="", help="build stand-ins for Postgres, Redis and S3 on this base")
    parser.add_argument("--pip-conf", default="", help="pip's configuration for the builds; no image keeps it")
    given = parser.parse_args()
    environment = {name: str(free_port()) for name in PORTS} | {name: secrets.token_hex(20) for name in SECRETS}
    environment["GANFORGE_S3_PUBLIC_URL"] = f"http://127.0.0.1:{environment['GANFORGE_S3_PORT']}"
    bases = {"API_BASE": given.base, "WORKER_BASE": given.base} if given.base else {}
    commit = subprocess.check_output(["git", "rev-parse", "--short", given.before], cwd=ROOT, text=True).strip()
    with tempfile.TemporaryDirectory(prefix="ganforge-before-") as folder:
        # With the modes of a checkout, so that builds of equal files share their layers.
        archived = ["git", "-c", "tar.umask=0022", "archive", commit]
        archive = subprocess.run(archived, cwd=ROOT, check=True, capture_output=True).stdout
        subprocess.run(["tar", "x", "-C", folder], input=archive, check=True)
        before, now = Version("before", Path(folder), environment), Version("now", ROOT, environment)
        try:
            refuses_a_missing_secret(environment)
            if given.servers_base:
                stand_ins(given.servers_base, given.pip_conf)
            say(f"== images of {commit} and of this checkout")
            before.build(bases, given.pip_conf)
            now.build(bases, given.pip_conf)
            drive(before, now, environment)
        except (ContainerError, ComposeError, checks.CheckError, GanforgeError, OSError) as error:
            say(f"FAILED: {error}")
            return 1
    say("all checks passed")
    return 0


if __name__ == "__main__":
    os.umask(0o022)  # what the builds copy must be readable in the images
    sys.exit(main())
