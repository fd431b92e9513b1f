"""`ganforge train` and `ganforge sample`, and what all commands share that submit a job."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganforge.cli import completion
from ganforge.cli.ids import checkpoint_id, dataset_id, resolve_id
from ganforge.cli.output import AsJson, finish, print_json, reason_words, say, usage
from ganforge.cli.report_card import show_card
from ganforge.cli.watch import follow
from ganforge.client import Client

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import Job

Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="Set a parameter, such as epochs=5 or grid_every.epochs=10 (repeatable)."
    ),
]
Labels = Annotated[list[str] | None, typer.Option("--label", metavar="KEY=VALUE", help="Add a label (repeatable).")]
Name = Annotated[str | None, typer.Option(help="Name of the job.")]
Project = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Project that the job belongs to.", autocompletion=completion.projects),
]
Notes = Annotated[str | None, typer.Option(metavar="TEXT", help="Notes on the job, in Markdown.")]
Priority = Annotated[int, typer.Option(help="-100 to 100; higher runs first.")]
Queue = Annotated[
    str,
    typer.Option(
        help="gpu, jetson or cpu; auto picks the earliest estimated finish.", autocompletion=completion.queues
    ),
]
MaxRuntime = Annotated[
    int | None,
    typer.Option(help="Time limit in seconds of running, over all attempts. A training ends with a checkpoint."),
]
Watch = Annotated[bool, typer.Option("--watch/--detach", help="Watch the job until it ends, or submit it only.")]
Plot = Annotated[bool, typer.Option("--plot", help="Draw the losses as curves while watching.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Validate the job and print it with its defaults as JSON; create nothing.")
]


def train(
    recipe: Annotated[
        str,
        typer.Argument(metavar="RECIPE", help="A recipe from `ganforge recipes`.", autocompletion=completion.recipes),
    ],
    dataset: Annotated[
        str,
        typer.Option(
            "--dataset", "-d", help="Name or id from `ganforge datasets`.", autocompletion=completion.datasets
        ),
    ] = "mnist-10k",
    settings: Settings = None,
    preset: Annotated[
        str | None, typer.Option(help="Preset of the recipe: published hyperparameters, unchanged.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed. The same seed gives the same weights.")] = 0,
    name: Name = None,
    project: Project = None,
    labels: Labels = None,
    notes: Notes = None,
    priority: Priority = 0,
    queue: Queue = "auto",
    max_runtime: MaxRuntime = None,
    watch: Watch = True,
    plot: Plot = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Submit a training job and watch it."""
    request: dict[str, Any] = {"kind": "train", "recipe": recipe, "preset": preset, "seed": seed}
    request["params"] = parse_settings(settings or [])
    request |= options(name, project, labels, notes, priority, queue, max_runtime)
    with Client() as client:
        request["dataset"] = dataset_id(client, dataset)
        submit(client, request, watch, dry_run, as_json, plot=plot)


def sample(
    job: Annotated[
        str,
        typer.Argument(
            metavar="JOB",
            help="Training job to sample from: an id, its last digits, or `last`.",
            autocompletion=completion.jobs,
        ),
    ],
    checkpoint: Annotated[str, typer.Option(help="best, latest or a checkpoint's id.")] = "best",
    settings: Settings = None,
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
    """Generate images from a checkpoint (--set count=64 --set seed=1 --set output=grid)."""
    request: dict[str, Any] = {"kind": "sample"}
    request["params"] = parse_settings(settings or [])
    request |= options(name, project, labels, notes, priority, queue, max_runtime)
    with Client() as client:
        source = resolve_id(client, job, kind="train")
        request["source"] = {"job": source, "checkpoint": checkpoint_id(client, source, checkpoint)}
        submit(client, request, watch, dry_run, as_json)


def parse_settings(given: list[str]) -> dict[str, Any]:
    """Return the parameters. A value is parsed as JSON if possible, else text; a dot in a name means a nested value."""
    params: dict[str, Any] = {}
    for one in given:
        path, equals, text = one.partition("=")
        if not equals or not path:
            usage(f"--set {one!r}: write NAME=VALUE, such as --set epochs=5")
        *parents, last = path.split(".")
        place = params
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                usage(f"--set {one!r}: {parent} already has a value")
        try:
            place[last] = _value(text)
        except (_NotFiniteError, RecursionError) as error:
            usage(f"--set {path}: {error}")
    return params


def parse_labels(given: list[str]) -> dict[str, str]:
    """Return the labels."""
    for one in given:
        if "=" not in one:
            usage(f"--label {one!r}: write KEY=VALUE, such as --label team=a")
    return dict(one.split("=", 1) for one in given)


class _NotFiniteError(Exception):
    """A number that JSON cannot hold."""


def _value(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_finite, parse_float=_finite)
    except ValueError:
        return text


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _NotFiniteError(f"{text[:20]} is not a finite number")
    return number


def options(
    name: str | None,
    project: str | None,
    labels: list[str] | None,
    notes: str | None,
    priority: int,
    queue: str,
    max_runtime: int | None,
) -> dict[str, Any]:
    """Return the fields of a request that jobs of all kinds have."""
    return {
        "name": name,
        "project": project,
        "notes": notes,
        "labels": parse_labels(labels or []),
        "priority": priority,
        "queue": queue,
        "max_runtime_s": max_runtime,
    }


def submit(
    client: Client, request: dict[str, Any], watch: bool, dry_run: bool, as_json: bool, *, plot: bool = False
) -> None:
    """Submit a job, and watch it if `watch` is set; or show what it would be, and create nothing."""
    job = client.submit(request, dry_run=dry_run)
    if dry_run:
        print_json(job)
        return
    submitted(client, job, watch, as_json, plot=plot)


def submitted(client: Client, job: Job, watch: bool, as_json: bool, *, plot: bool = False) -> None:
    """Print a new job, and watch it if `watch` is set."""
    if as_json and not watch:
        print_json(job)
        return
    if not as_json:
        announce(job)
    if watch:
        ended = follow(client, job, as_json=as_json, plot=plot)
        if not as_json:
            show_card(client, ended)
        finish(ended)
    say(f"`ganforge watch {job['id']}` shows it.")


def announce(job: Job) -> None:
    """Print the accepted job and its queue."""
    reason = f" ({reason_words(job['reason'])})" if job["reason"] else ""
    before = (job["position"] or 1) - 1
    behind = f", behind {before} other job{'s' if before > 1 else ''}" if before else ""
    say(f"{job['id']} is {job['state']} on {job['queue']}{behind}{reason}")
