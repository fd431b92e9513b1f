"""`ganforge evaluate`: submits an evaluation, watches it, and prints its report card."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ganforge.cli.jobs import resolve
from ganforge.cli.output import AsJson, usage
from ganforge.cli.submit import DryRun, Labels, MaxRuntime, Name, Priority, Queue, Watch, options, submit
from ganforge.client import Client
from models.limits import FEWEST_EVALUATED, MOST_EVALUATED, USUALLY_EVALUATED


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
    count: Annotated[
        int, typer.Option(help=f"Number of images to judge, {FEWEST_EVALUATED} to {MOST_EVALUATED:,}.")
    ] = USUALLY_EVALUATED,
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
    request |= {"params": {"count": count, "seed": seed, "extractor": extractor}}
    request |= options(name, labels, priority, queue, max_runtime)
    if job is None:
        request["source"] = {"dataset": images}
    else:
        with Client() as client:
            request["source"] = {"job": resolve(client, job, kind="train")["id"], "checkpoint": checkpoint}
    submit(request, watch, dry_run, as_json)
