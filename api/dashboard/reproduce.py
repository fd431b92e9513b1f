"""A job as a command line and as an API call that reproduce it, and its parameters beside their defaults."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from api.dashboard.params import prose

Job = Mapping[str, Any]

OPTIONS = {
    "--queue": "queue",
    "--name": "name",
    "--project": "project",
    "--priority": "priority",
    "--max-runtime": "max_runtime_s",
}


@dataclass(frozen=True)
class Param:
    """A parameter of a job, with its default."""

    name: str
    value: Any
    default: Any
    description: str

    @property
    def changed(self) -> bool:
        """Whether it differs from the default."""
        return bool(self.value != self.default)

    @property
    def about(self) -> Markup:
        """The description in the reader's language."""
        return prose(self.description)


def parameters(job: Job, schema: Mapping[str, Any]) -> list[Param]:
    """Return a job's parameters in the order of the recipe's schema."""
    properties = schema.get("properties", {})
    names = [*(name for name in properties if name in job["params"]), *(set(job["params"]) - set(properties))]
    facts = {name: properties.get(name, {}) for name in names}
    return [
        Param(name, job["params"][name], its.get("default"), its.get("description", "")) for name, its in facts.items()
    ]


def body(job: Job, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of POST /v1/jobs that makes the same job; defaults are left out."""
    params = {param.name: param.value for param in parameters(job, schema) if param.changed}
    made: dict[str, Any] = {"kind": job["kind"]}
    if job["kind"] == "train":
        # Without the preset: the parameters include its changes.
        made |= {"recipe": job["recipe"], "dataset": job["dataset"], "params": params, "seed": job["seed"]}
    else:
        made |= {"source": job["source"], "params": params}
        if job["kind"] == "evaluate":
            made["dataset"] = job["dataset"]
    # Elsewhere, the queue that `auto` chose here may not be served.
    if job["queue_asked"]:
        made["queue"] = job["queue"]
    # Without the notes, which are about this job.
    for name in ("name", "project", "labels", "priority", "max_runtime_s"):
        if job[name]:
            made[name] = job[name]
    return made


def curl(job: Job, schema: Mapping[str, Any], url: str) -> str:
    """Return the API call as a shell command."""
    # A shell expands nothing in single quotes; the key is a variable, so it is in double quotes.
    sent = shlex.quote(json.dumps(body(job, schema), indent=2, ensure_ascii=False))
    return "\n".join(
        [
            f"curl -sS {shlex.quote(f'{url}/v1/jobs')} \\",
            '  -H "Authorization: Bearer $GANFORGE_API_KEY" \\',
            "  -H 'Content-Type: application/json' \\",
            f"  -d {sent}",
        ]
    )


def command(job: Job, schema: Mapping[str, Any]) -> str:
    """Return the command line."""
    made = body(job, schema)
    if job["kind"] == "train":
        words = ["ganforge", "train", made["recipe"], "--dataset", made["dataset"], "--seed", str(made["seed"])]
    elif "dataset" in made["source"]:
        words = ["ganforge", "evaluate", "--images", made["source"]["dataset"], "--dataset", made["dataset"]]
    else:
        words = ["ganforge", made["kind"], made["source"]["job"], "--checkpoint", made["source"]["checkpoint"]]
        words += ["--dataset", made["dataset"]] if "dataset" in made else []
    for option, name in OPTIONS.items():
        if name in made:
            words += [option, str(made[name])]
    for label, text in made.get("labels", {}).items():
        words += ["--label", f"{label}={text}"]
    for name, value in made["params"].items():
        words += [f"--{name}", str(value)] if job["kind"] == "evaluate" else ["--set", f"{name}={_written(value)}"]
    return shlex.join(words)


def _written(value: Any) -> str:
    """Return a value as the command line parses it: text without quotes, unless it would parse as another type."""
    if not isinstance(value, str):
        return json.dumps(value, separators=(",", ":"))
    try:
        json.loads(value)
    except ValueError:
        return value
    return json.dumps(value)
