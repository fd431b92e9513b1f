"""Brings the services of a compose file up and down with podman, and builds images with buildah."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tools.containers.compose import Service

# Label of a container: what it was made from. One that is still right is left alone at the next `up`.
MADE_FROM = "ganforge.made-from"


class ContainerError(Exception):
    """A command failed, or a service did not become what it should; the text has its last log lines."""


def podman(*arguments: str, program: str = "podman") -> str:
    """Run a command and return what it prints.

    Raises:
        ContainerError: it failed.
    """
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ContainerError(f"{program} {arguments[0]} ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    return done.stdout.strip()


def build(folder: Path, target: str, tag: str, arguments: Mapping[str, str], *, file: str = "", pip: str = "") -> None:
    """Build one target of a Dockerfile. `pip` is a file with pip's configuration, which no image keeps."""
    options = ["--layers", "--isolation", "chroot", "--format", "docker", "--target", target, "--tag", tag]
    options += ["--file", file] if file else []
    options += ["--secret", f"id=pip.conf,src={pip}"] if pip else []
    for name, value in arguments.items():
        options += ["--build-arg", f"{name}={value}"]
    podman("build", *options, str(folder), program="buildah")


class Project:
    """The containers, volumes and network of one compose project."""

    def __init__(self, name: str, say: Callable[[str], None]) -> None:
        self.name = name
        self._say = say

    def up(self, services: list[Service]) -> None:
        """Start all services in order, and replace those whose image or settings have changed.

        Raises:
            ContainerError: a step failed, or a service did not become healthy.
        """
        if self.name not in podman("network", "ls", "--format", "{{.Name}}").split():
            podman("network", "create", self.name)
        for service in services:
            self._ensure(service)
            if service.ends:
                code = podman("wait", service.container)
                if code != "0":
                    raise ContainerError(f"{service.name} ended with {code}:\n{logs(service)}")
                self._say(f"{service.name} has ended with 0")
            else:
                self._await_health(service)

    def down(self, services: list[Service], *, volumes: bool = False) -> None:
        """Stop and remove the containers in reverse order, and the network; with `volumes`, the data too."""
        for service in reversed(services):
            _remove(service)
        podman("network", "rm", "--force", self.name)
        if volumes:
            for volume in podman("volume", "ls", "--quiet", "--filter", f"name=^{self.name}-").split():
                podman("volume", "rm", "--force", volume)
        self._say("down")

    def _ensure(self, service: Service) -> None:
        image = podman("image", "inspect", "--format", "{{.Id}}", service.image)
        arguments = service.run()
        made_from = hashlib.sha256(json.dumps([image, arguments, service.command()]).encode()).hexdigest()
        label = f'{{{{index .Config.Labels "{MADE_FROM}"}}}} {{{{.State.Running}}}}'
        found = subprocess.run(
            ["podman", "container", "inspect", "--format", label, service.container],
            capture_output=True,
            text=True,
            check=False,
        )
        if found.returncode == 0 and found.stdout.split() == [made_from, "true"]:
            self._say(f"{service.name} stays as it is")
            return
        began = time.monotonic()
        if found.returncode == 0:
            _remove(service)
            self._say(f"{service.name} stopped after {time.monotonic() - began:.1f} s, to be replaced")
        podman(
            *("run", "--detach", "--pull", "never", "--label", f"{MADE_FROM}={made_from}"),
            *(*arguments, service.image, *service.command()),
        )

    def _await_health(self, service: Service) -> None:
        began = time.monotonic()
        while True:
            done = subprocess.run(
                ["podman", "exec", service.container, *service.check()], capture_output=True, text=True, check=False
            )
            took = time.monotonic() - began
            if done.returncode == 0:
                self._say(f"{service.name} is healthy after {took:.1f} s")
                return
            if took > service.start_s:
                raise ContainerError(f"{service.name} is not healthy: {done.stderr}\n{logs(service)}")
            time.sleep(0.5)


def logs(service: Service, lines: int = 30) -> str:
    """Return the last lines that a service has logged."""
    command = ["podman", "logs", "--tail", str(lines), service.container]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout


def run_in(service: Service, code: str, *, python: str = "python") -> str:
    """Run Python code in a service's container and return what it prints."""
    return podman("exec", service.container, python, "-c", code)


def _remove(service: Service) -> None:
    podman("stop", "--ignore", "--time", str(service.stop_s), service.container)
    podman("rm", "--ignore", "--force", service.container)
