"""The report card of an evaluation, as the command line prints it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ganforge.cli.output import print_table, say
from ganforge.client import Client
from ganforge.errors import GanforgeError

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import Evaluation, Job

# What real images have where neither the result nor the report names it.
REAL = {"fd_ratio": 1.0, "kid": 0.0, "auth_pct": 50.0, "c_t": 0.0, "kl": 0.0, "density": 1.0}
# The figures of real images that only the report has.
IN_REPORT = ("precision", "recall", "density")


def show_card(client: Client, job: Job) -> None:
    """Print the report card of an evaluation that has succeeded; nothing for other jobs."""
    if job["result"] is None:
        return
    say("")
    say(job["result"]["summary"])
    print_table(("", "figure", "these images", "real images"), card(job["result"], _real(client, job)), "")
    extractor = job["result"]["extractor"]
    say(f"{job['result']['count']} images, compared by {extractor['name']} ({extractor['sha256'][:12]}).")
    say(f"`ganforge download {job['id']}` saves the pictures and the report.")


def _real(client: Client, job: Job) -> dict[str, float]:
    """Return the figures of real images that the report names; none of a report that is gone."""
    try:
        report = next(client.artifacts(job["id"], kind="report"), None)
        if report is None:
            return {}
        with tempfile.TemporaryDirectory() as folder:
            found = json.loads(client.download(report, Path(folder)).read_bytes())["reference"]
    except (GanforgeError, OSError, ValueError, KeyError):
        return {}
    return {name: found[name] for name in IN_REPORT if isinstance(found.get(name), float)}


def card(result: Evaluation, real: Mapping[str, float]) -> list[tuple[str, str, str, str]]:
    """Return the rows of the report card: the question of a group, a figure, its value, and that of real images.

    ``real`` has the figures of real images that the report names.
    """
    real = {**REAL, **real}
    rows: list[tuple[str, str, str, str]] = []
    fidelity, diversity, copying = result["fidelity"], result["diversity"], result["copying"]
    for question, figures in (
        (
            "Do they look real?",
            [
                ("FD", fidelity["fd"], fidelity["fd_reference"]),
                ("FD ratio", fidelity["fd_ratio"], real["fd_ratio"]),
                ("KID", fidelity["kid"], real["kid"]),
                ("precision", fidelity["precision"], real.get("precision")),
                ("density", fidelity["density"], real["density"]),
            ],
        ),
        (
            "Are all kinds there?",
            [
                ("recall", diversity["recall"], real.get("recall")),
                ("coverage", diversity["coverage"], diversity["coverage_reference"]),
                ("KL of classes", diversity["kl"], real["kl"]),
            ],
        ),
        (
            "Are they new?",
            [
                ("AuthPct", copying["auth_pct"], real["auth_pct"]),
                ("C_T", copying["c_t"], real["c_t"]),
                ("duplicates", copying["duplicates"], copying["duplicates_reference"]),
            ],
        ),
    ):
        rows += [
            (question if number == 0 else "", label, written(value), written(beside))
            for number, (label, value, beside) in enumerate(figures)
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
