"""The files that make the containers, read as their tools read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def compose() -> dict[str, Any]:
    """Return compose.yaml with its anchors resolved and its variables as they stand."""
    return yaml.safe_load((ROOT / "compose.yaml").read_text())


@pytest.fixture(scope="session")
def compose_services(compose: dict[str, Any]) -> dict[str, Any]:
    """Return the services of compose.yaml by name."""
    return compose["services"]


@pytest.fixture(scope="session")
def targets() -> dict[str, list[tuple[str, str]]]:
    """Return the instructions of the Dockerfile, each as its word and the rest, by target."""
    text = (ROOT / "Dockerfile").read_text()
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    stages: dict[str, list[tuple[str, str]]] = {"": []}
    name = ""
    for line in lines.replace("\\\n", "").splitlines():
        word, _, rest = line.partition(" ")
        if word == "FROM":
            name = rest.split(" AS ")[1]
            stages[name] = []
        elif word:
            stages[name].append((word, rest.strip()))
    return stages


def exec_form(target: list[tuple[str, str]], word: str) -> list[str]:
    """Return the list that ENTRYPOINT or CMD is given; a shell form is no JSON and fails."""
    (rest,) = [rest for name, rest in target if name == word]
    return json.loads(rest)
