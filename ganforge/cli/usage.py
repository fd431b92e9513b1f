"""`ganforge usage`: the time and energy that jobs took."""

from __future__ import annotations

from typing import Annotated

import typer

from ganforge.cli.output import AsJson, print_items, print_table
from ganforge.client import Client
from models.formats import duration, number


def usage(
    since: Annotated[
        str | None,
        typer.Option(
            "--from", help="Start of the period, such as 2026-01-31T00:00:00Z. Default: 30 days before its end."
        ),
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="End of the period. Default: now.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show device time and energy of jobs, by owner, project and queue."""
    with Client() as client:
        found = client.usage(since=since, until=until)
    if as_json:
        print_items(found["data"], **{name: value for name, value in found.items() if name != "data"})
        return
    rows = (
        (
            row["owner"],
            row["project"],
            row["queue"],
            row["jobs"],
            row["attempts"],
            duration(row["device_s"]),
            _energy(row["energy_wh"]),
        )
        for row in found["data"]
    )
    heads = ("owner", "project", "queue", "jobs", "attempts", "device time", "energy")
    print_table(heads, rows, "No job ran in this period.")


def _energy(watt_hours: float | None) -> str | None:
    return None if watt_hours is None else f"{number(watt_hours)} Wh"
