"""`ganforge show`: one job with all that is known of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ganforge.cli.ids import JobId, resolve
from ganforge.cli.output import AsJson, ago, as_typed, done_words, print_json, print_table, reason_words, say
from ganforge.cli.report_card import show_card
from ganforge.client import Client

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import Job


def show(job_id: JobId, as_json: AsJson = False) -> None:
    """Show a job: its state, project, labels, notes, parameters and results."""
    with Client() as client:
        job = resolve(client, job_id)
        if as_json:
            print_json(job)
            return
        known = ((name, value) for name, value in _facts(job) if value not in {None, ""})
        print_table((job["id"], ""), known, "")
        print_table(("parameter", "value"), _parameters(job), "It has no parameters.")
        if job["notes"]:
            say(f"Notes:\n{job['notes']}")
        show_card(client, job)


def _facts(job: Job) -> Iterator[tuple[str, Any]]:
    """Yield what there is to know of a job by name; None or an empty text for what is not known."""
    progress, error = job["progress"], job["error"]
    yield "name", job["name"]
    yield "project", job["project"]
    yield "labels", as_typed(job["labels"])
    yield "star", "yes" if job["starred"] else None
    yield "owner", job["owner"]
    yield "state", job["state"] + (f", and will {job['pending_action']}" if job["pending_action"] else "")
    yield "because", reason_words(job["reason"])
    yield "error", error and f"{error['detail']} [{error['code']}]"
    yield "progress", done_words(progress["fraction"])
    yield "epoch", progress["epoch"]
    yield "expected end", ago(job["eta"]["at"]) if job["eta"] else None
    yield "queue", job["queue"] + (f", number {job['position']}" if job["position"] else "")
    yield "worker", job["worker"]
    yield "priority", job["priority"] or None
    yield "kind", job["kind"]
    yield "recipe", job["recipe"] + (f", preset {job['preset']}" if job["preset"] else "")
    yield "data set", job["dataset"]
    yield "source", as_typed(job["source"])
    yield "retry of", job["parent"]
    yield "seed", job["seed"]
    yield "attempts", f"{job['attempt']} of {job['max_attempts']}"
    yield "FD ratio", None if job["fd_ratio"] is None else f"{job['fd_ratio']:.2f}"
    for moment in ("created", "started", "finished", "trashed"):
        yield moment, ago(job[f"{moment}_at"])  # type: ignore[literal-required]


def _parameters(job: Job) -> Iterator[tuple[str, str]]:
    """Yield each parameter as `--set` takes it."""
    for name, value in sorted(job["params"].items()):
        if isinstance(value, dict) and value:
            yield from ((f"{name}.{inner}", as_typed(one)) for inner, one in value.items())
        else:
            yield name, as_typed(value)
