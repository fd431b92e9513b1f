"""`ganforge evaluate`: submits an evaluation, watches it, and prints its report card."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ganforge.cli import completion
from ganforge.cli.ids import checkpoint_id, dataset_id, resolve_id
from ganforge.cli.output import AsJson, usage
from ganforge.cli.submit import (
    DryRun,
    Labels,
    MaxRuntime,
    Name,
    Notes,
    Priority,
    Project,
    Queue,
    Watch,
    options,
    submit,
)
from ganforge.client import Client
from models.limits import FEWEST_EVALUATED, MOST_EVALUATED, USUALLY_EVALUATED


def evaluate(
    job: Annotated[
        str | None,
        typer.Argument(
            metavar="JOB",
            help="Training job to evaluate: an id, its last digits, or `last`.",
            autocompletion=completion.jobs,
        ),
    ] = None,
    images: Annotated[
        str | None,
        typer.Option(
            metavar="DATASET",
            help="Evaluate the images of a data set instead of a job's.",
            autocompletion=completion.datasets,
        ),
    ] = None,
    checkpoint: Annotated[str, typer.Option(help="best, latest or a checkpoint's id.")] = "best",
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset",
            "-d",
            help="Data set to compare with. Default: the one trained on.",
            autocompletion=completion.datasets,
        ),
    ] = None,
    count: Annotated[
        int, typer.Option(help=f"Number of images to evaluate, {FEWEST_EVALUATED} to {MOST_EVALUATED:,}.")
    ] = USUALLY_EVALUATED,
    seed: Annotated[int, typer.Option(help="Random seed. The same seed gives the same figures.")] = 1,
    extractor: Annotated[str, typer.Option(help="Network whose features are compared.")] = "auto",
    name: Name = None,
    project: Project = None,
    labels: Labels = None,
    notes: Notes = None,
    priority: Priority = 0,
    queue: Queue = "auto",
    max_runtime: MaxRuntime = None,
    watch: Watch = True,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Evaluate a job's images: do they look real, are all kinds there, are they new?"""
    if (job is None) == (images is None):
        usage("give either a training job or --images DATASET")
    request: dict[str, Any] = {"kind": "evaluate"}
    request |= {"params": {"count": count, "seed": seed, "extractor": extractor}}
    request |= options(name, project, labels, notes, priority, queue, max_runtime)
    with Client() as client:
        request["dataset"] = None if dataset is None else dataset_id(client, dataset)
        if job is not None:
            trained = resolve_id(client, job, kind="train")
            request["source"] = {"job": trained, "checkpoint": checkpoint_id(client, trained, checkpoint)}
        elif images is not None:
            request["source"] = {"dataset": dataset_id(client, images)}
        submit(client, request, watch, dry_run, as_json)
