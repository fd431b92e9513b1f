"""`ganforge evaluate`: submits an evaluation, watches it, and prints its report card."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ganforge.cli.jobs import resolve
from ganforge.cli.output import AsJson, finish, print_json, say, usage
from ganforge.cli.report_card import show_card
from ganforge.cli.submit import DryRun, Labels, MaxRuntime, Name, Priority, Queue, Watch, announce, parse_labels
from ganforge.cli.watch import follow
from ganforge.client import Client


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
        if as_json:
            ended = client.wait(made["id"])
            print_json(ended)
        else:
            ended = follow(client, made)
            show_card(client, ended)
    finish(ended)
