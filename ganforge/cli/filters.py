"""The options with which `ganforge jobs` and `ganforge bulk` choose jobs."""

from __future__ import annotations

from typing import Annotated

import typer

from ganforge.cli import completion

Search = Annotated[
    list[str] | None,
    typer.Option("--query", "-q", metavar="SEARCH", help="Search, such as 'digits params.batch_size>=64'."),
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
LabelFilter = Annotated[
    list[str] | None, typer.Option("--label", metavar="KEY=VALUE", help="Filter by label (repeatable).")
]
Projects = Annotated[
    list[str] | None, typer.Option("--project", metavar="NAME", help="Filter by project (repeatable).")
]
