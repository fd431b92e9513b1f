"""compose.yaml as commands of podman: just those parts of the format that the file uses; any other is an error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

KNOWN = {
    *("image", "build", "command", "environment", "volumes", "ports", "user", "init", "read_only", "tmpfs", "cap_drop"),
    *("security_opt", "restart", "stop_grace_period", "shm_size", "depends_on", "healthcheck"),
}
_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?:(?P<kind>:-|:\?)(?P<other>[^}]*))?\})")


class ComposeError(Exception):
    """The file asks for something that is not known here, or a variable is missing."""


@dataclass(frozen=True)
class Service:
    """One service of the file, its variables filled in."""

    name: str
    project: str
    content: Mapping[str, Any]
    needs: Mapping[str, str] = field(default_factory=dict)

    @property
    def container(self) -> str:
        """Name of its container."""
        return f"{self.project}-{self.name}"

    @property
    def image(self) -> str:
        """Name of its image."""
        return str(self.content["image"])

    @property
    def ends(self) -> bool:
        """Whether it is a step that runs to its end."""
        return bool(self.content["healthcheck"].get("disable"))

    @property
    def stop_s(self) -> int:
        """Seconds it gets to stop."""
        return _seconds(self.content.get("stop_grace_period", "10s"))

    @property
    def start_s(self) -> int:
        """Seconds until it must be healthy, with time for checks that fail once or twice."""
        check = self.content["healthcheck"]
        return _seconds(check.get("start_period", "0s")) + _seconds(check["interval"]) * int(check["retries"])

    def run(self) -> list[str]:
        """Return the arguments of `podman run`, without the image's and the command's."""
        one = self.content
        options = ["--name", self.container, "--network", self.project, "--network-alias", self.name]
        options += ["--restart", str(one["restart"]), "--stop-timeout", str(self.stop_s)]
        options += [flag for key, flag in (("init", "--init"), ("read_only", "--read-only")) if one.get(key)]
        for key, flag in (("user", "--user"), ("shm_size", "--shm-size")):
            options += [flag, str(one[key])] if key in one else []
        for key, flag in (("tmpfs", "--tmpfs"), ("cap_drop", "--cap-drop"), ("security_opt", "--security-opt")):
            options += [part for value in one.get(key, ()) for part in (flag, str(value).removesuffix(":true"))]
        options += ["--read-only-tmpfs=false"] if one.get("read_only") else []
        for name, value in one.get("environment", {}).items():
            options += ["--env", f"{name}={value}"]
        for volume in one.get("volumes", ()):
            source, _, rest = str(volume).partition(":")
            options += ["--volume", f"{source if '/' in source else f'{self.project}-{source}'}:{rest}"]
        for port in one.get("ports", ()):
            options += ["--publish", str(port)]
        return [*options, "--no-healthcheck"]

    def check(self) -> list[str]:
        """Return the command of the health check, for the container's inside.

        Whoever waits for the service runs it: podman's own timers need systemd.
        """
        kind, *command = self.content["healthcheck"]["test"]
        return ["sh", "-c", *command] if kind == "CMD-SHELL" else [str(part) for part in command]

    def command(self) -> list[str]:
        """Return the command that follows the image's name."""
        return [str(part) for part in self.content.get("command", ())]


def read(path: Path, project: str, environment: Mapping[str, str]) -> list[Service]:
    """Return the services without a profile, each after those that it needs.

    Raises:
        ComposeError: see there.
    """
    content = yaml.safe_load(path.read_text())
    services = []
    # The variables of services with a profile are asked for too, as compose does.
    for name, raw in _filled(content["services"], environment).items():
        if "profiles" in raw:
            continue
        if unknown := set(raw) - KNOWN:
            raise ComposeError(f"service {name}: {', '.join(sorted(unknown))} is not known here")
        needs = {on: each["condition"] for on, each in raw.get("depends_on", {}).items()}
        services.append(Service(name, project, raw, needs))
    return _in_order(services)


def _in_order(services: list[Service]) -> list[Service]:
    ordered: list[Service] = []
    waiting = list(services)
    while waiting:
        ready = [one for one in waiting if set(one.needs) <= {each.name for each in ordered}]
        if not ready:
            raise ComposeError(f"these services need each other: {', '.join(one.name for one in waiting)}")
        ordered += ready
        waiting = [one for one in waiting if one not in ready]
    return ordered


def _filled(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: _variable(found, environment), value)
    if isinstance(value, list):
        return [_filled(one, environment) for one in value]
    if isinstance(value, dict):
        return {key: _filled(one, environment) for key, one in value.items()}
    return value


def _variable(found: re.Match[str], environment: Mapping[str, str]) -> str:
    if found["name"] is None:
        return "$"
    value = environment.get(found["name"], "")
    if value or found["kind"] is None:
        return value
    if found["kind"] == ":?":
        raise ComposeError(f"required variable {found['name']} is missing a value: {found['other']}")
    return found["other"]


def _seconds(duration: str) -> int:
    if not re.fullmatch(r"\d+s", duration):
        raise ComposeError(f"{duration!r} is not a number of seconds")
    return int(duration[:-1])
