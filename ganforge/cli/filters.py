"""The options with which `ganforge jobs` and `ganforge bulk` choose jobs."""

from __future__ import annotations

from typing import Annotated

import typer

from ganforge.cli import completion

Search = Annotated[
    list[str] | None,
    typer.Option(
        "--query",
        "-q",
        metavar="SEARCH",
        help="Search: words in name, notes, labels or id, and terms such as 'params.batch_size>=64'.",
    ),
]
States = Annotated[
    list[str] | None,
    typer.Option("--state", metavar="STATE", help="Filter by state (repeatable).", autocompletion=completion.states),
]
Kinds = Annotated[
    list[str] | None,
    typer.Option(
        "--kind",
        metavar="KIND",
        help="Filter by kind: train, sample or evaluate (repeatable).",
        autocompletion=completion.kinds,
    ),
]
Recipes = Annotated[
    list[str] | None,
    typer.Option(
        "--recipe", metavar="RECIPE", help="Filter by recipe (repeatable).", autocompletion=completion.recipes
    ),
]
Queues = Annotated[
    list[str] | None,
    typer.Option(
        "--queue",
        metavar="QUEUE",
        help="Filter by queue: gpu, jetson or cpu (repeatable).",
        autocompletion=completion.queues,
    ),
]


def _labels(given: list[str] | None) -> list[str] | None:
    for one in given or []:
        if "=" not in one and ":" not in one:
            raise typer.BadParameter(f"write KEY=VALUE, such as team=a, not {one!r}")
    return given


LabelFilter = Annotated[
    list[str] | None,
    typer.Option("--label", metavar="KEY=VALUE", help="Filter by label (repeatable).", callback=_labels),
]
Projects = Annotated[
    list[str] | None,
    typer.Option(
        "--project", metavar="NAME", help="Filter by project (repeatable).", autocompletion=completion.projects
    ),
]
DatasetFilter = Annotated[
    str | None,
    typer.Option("--dataset", "-d", metavar="NAME", help="Filter by data set.", autocompletion=completion.datasets),
]
Starred = Annotated[bool, typer.Option("--starred", help="Filter by star: only jobs that have one.")]
