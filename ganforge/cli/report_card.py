"""The report card of an evaluation, as the command line prints it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganforge.cli.output import print_table, say
from ganforge.client import Client
from ganforge.errors import GanforgeError
from models.card_figures import BETTER, Answer, Group, Range, advice, answer, fits

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import Evaluation, Job

# The question of each group of figures, and each figure's label and name.
GROUPS: tuple[tuple[str, Group, tuple[tuple[str, str], ...]], ...] = (
    (
        "Do they look real?",
        "fidelity",
        (("FD", "fd"), ("FD ratio", "fd_ratio"), ("KID", "kid"), ("precision", "precision"), ("density", "density")),
    ),
    ("Are all kinds there?", "diversity", (("recall", "recall"), ("coverage", "coverage"), ("KL of classes", "kl"))),
    ("Are they new?", "copying", (("AuthPct", "auth_pct"), ("C_T", "c_t"), ("duplicates", "duplicates"))),
)
ANSWERS = {Answer.bad: "no", Answer.fine: "yes", Answer.worse: "no fault found", Answer.unclear: "hard to tell"}
Ranges = Mapping[str, Range]


def show_card(client: Client, job: Job) -> None:
    """Print the report card of an evaluation that has succeeded; nothing for other jobs."""
    result = job["result"]
    if result is None:
        return
    say("")
    say(result["summary"])
    print_table(("", "figure", "these images", "real images", ""), card(result, _real_ranges(client, job)), "")
    for verdict in result["verdicts"]:
        say(f"What to try about {verdict.replace('_', ' ')}:")
        for one in advice(verdict, result, job["source"] or {}):
            say(f"  - {one}")
    extractor = result["extractor"]
    say(f"{result['count']} images, compared by {extractor['name']} ({extractor['sha256'][:12]}).")
    say(f"`ganforge open {job['id']}` shows the images and the closest pairs; `ganforge download` saves them.")


def _real_ranges(client: Client, job: Job) -> Ranges:
    """Return the range that each figure has for new real images, from the report; nothing where that is gone."""
    try:
        report = next(client.artifacts(job["id"], kind="report"), None)
        if report is None:
            return {}
        with tempfile.TemporaryDirectory() as folder:
            found = json.loads(client.download(report, Path(folder)).read_bytes())["real_ranges"]
        return {name: (float(low), float(high)) for name, (low, high) in found.items()}
    except (GanforgeError, OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def card(result: Evaluation, ranges: Ranges) -> list[tuple[str, str, str, str, str]]:
    """Return the rows of the report card: the question of a group, a figure, its value, that of real images, a mark.

    ``ranges`` are those of new real images, by the name of the figure; a mark says that a figure is worse than these.
    The answer stands below the question.
    """
    rows: list[tuple[str, str, str, str, str]] = []
    for question, group, figures in GROUPS:
        values: Mapping[str, Any] = result[group]
        fitting = {name: _fits(name, values[name], ranges) for _, name in figures}
        found = [
            (label, written(values[name]), _beside(name, values, ranges), "worse" if fitting[name] is False else "")
            for label, name in figures
        ]
        missing = values.get("classes_missing")
        if missing is not None:
            named = ", ".join(map(str, missing))
            found.append(("classes missing", named or "none", "none", "worse" if named else ""))
        said = (question, f"  {ANSWERS[answer(group, result, fitting.values())]}")
        rows += [(said[number] if number < len(said) else "", *row) for number, row in enumerate(found)]
    return rows


def _fits(name: str, value: float | None, ranges: Ranges) -> bool | None:
    return None if value is None or name not in BETTER else fits(name, value, ranges.get(name))


def _beside(name: str, values: Mapping[str, Any], ranges: Ranges) -> str:
    """Return what real images have: the range of the report, or the one reference that a result has itself."""
    if name in ranges:
        low, high = ranges[name]
        return f"{written(low)} to {written(high)}"
    return written(values.get(f"{name}_reference"))


def written(value: float | None) -> str:
    """Return a figure with three digits that count; empty if there is none."""
    if value is None:
        return ""
    return f"{value:.4f}" if abs(value) < 0.1 else f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}"
