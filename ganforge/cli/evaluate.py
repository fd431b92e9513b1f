"""`ganforge evaluate`: submits an evaluation, waits for it, and prints its report card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganforge.cli.jobs import resolve
from ganforge.cli.output import AsJson, finish, print_json, print_table, say, usage
from ganforge.cli.submit import DryRun, Labels, MaxRuntime, Name, Priority, Queue, Watch, announce, parse_labels
from ganforge.cli.watch import follow
from ganforge.client import Client

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import Evaluation, Job

# What real images have where the result names no reference of its own.
REAL = {"fd_ratio": 1.0, "kid": 0.0, "auth_pct": 50.0, "c_t": 0.0, "kl": 0.0, "density": 1.0}


def evaluate(
    job: Annotated[
        str | None, typer.Argument(metavar="[JOB]", help="The training job to judge, or `last` for the newest.")
    ] = None,
    images: Annotated[
        str | None, typer.Option(metavar="DATASET", help="Judge the images of a data set instead of a job's.")
    ] = None,
    checkpoint: Annotated[str, typer.Option(help="best, latest, or a checkpoint's id.")] = "best",
    dataset: Annotated[
        str | None,
        typer.Option("--dataset", "-d", help="The data set to compare with; if not given: the one trained on."),
    ] = None,
    count: Annotated[int, typer.Option(help="Number of images to judge, 200 to 10,000.")] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same figures.")] = 1,
    extractor: Annotated[str, typer.Option(help="The network whose features are compared.")] = "auto",
    name: Name = None,
    labels: Labels = None,
    priority: Priority = 0,
    queue: Queue = "auto",
    max_runtime: MaxRuntime = None,
    watch: Watch = True,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Tell how good a job's images are: whether they look real, whether all kinds are there, whether they are new."""
    if (job is None) == (images is None):
        usage("give either a training job or --images DATASET")
    request: dict[str, Any] = {"kind": "evaluate", "dataset": dataset}
    request |= {"params": {"count": count, "seed": seed, "extractor": extractor}, "labels": parse_labels(labels or [])}
    request |= {"name": name, "priority": priority, "queue": queue, "max_runtime_s": max_runtime}
    with Client() as client:
        if job is None:
            request["source"] = {"dataset": images}
        else:
            request["source"] = {"job": resolve(client, job, kind="train")["id"], "checkpoint": checkpoint}
        made = client.submit(request, dry_run=dry_run)
        if dry_run or (as_json and not watch):
            print_json(made)
            return
        if not as_json:
            announce(made)
        if not watch:
            say(f"`ganforge watch {made['id']}` shows it.")
            return
        ended = client.wait(made["id"]) if as_json else follow(client, made)
    _show(ended, as_json)
    finish(ended)


def _show(job: Job, as_json: bool) -> None:
    if as_json:
        print_json(job)
    elif job["result"] is not None:
        say("")
        say(job["result"]["summary"])
        print_table(("", "figure", "these images", "real images"), card(job["result"]), "")
        extractor = job["result"]["extractor"]
        say(f"{job['result']['count']} images, compared by {extractor['name']} ({extractor['sha256'][:12]}).")
        say(f"`ganforge download {job['id']}` saves the pictures and the report.")


def card(result: Evaluation) -> list[tuple[str, str, str, str]]:
    """Return the rows of the report card: the question of a group, a figure, its value, and that of real images."""
    rows: list[tuple[str, str, str, str]] = []
    fidelity, diversity, copying = result["fidelity"], result["diversity"], result["copying"]
    for question, figures in (
        (
            "Do they look real?",
            [
                ("FD", fidelity["fd"], fidelity["fd_reference"]),
                ("FD ratio", fidelity["fd_ratio"], REAL["fd_ratio"]),
                ("KID", fidelity["kid"], REAL["kid"]),
                ("precision", fidelity["precision"], None),
                ("density", fidelity["density"], REAL["density"]),
            ],
        ),
        (
            "Are all kinds there?",
            [
                ("recall", diversity["recall"], None),
                ("coverage", diversity["coverage"], diversity["coverage_reference"]),
                ("KL of classes", diversity["kl"], REAL["kl"]),
            ],
        ),
        (
            "Are they new?",
            [
                ("AuthPct", copying["auth_pct"], REAL["auth_pct"]),
                ("C_T", copying["c_t"], REAL["c_t"]),
                ("duplicates", copying["duplicates"], copying["duplicates_reference"]),
            ],
        ),
    ):
        rows += [
            (question if number == 0 else "", label, written(value), written(real))
            for number, (label, value, real) in enumerate(figures)
        ]
    missing = diversity["classes_missing"]
    if missing is not None:
        rows.insert(8, ("", "classes missing", ", ".join(map(str, missing)) or "none", "none"))
    return rows


def written(value: float | None) -> str:
    """Return a figure with three digits that count; empty if there is none."""
    if value is None:
        return ""
    return f"{value:.4f}" if abs(value) < 0.1 else f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}"
