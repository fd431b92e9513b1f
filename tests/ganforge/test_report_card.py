"""The report card as `ganforge evaluate` prints it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from ganforge.cli import report_card
from ganforge.client import Client

RESULT: Any = {
    "verdicts": ["modes_lost"],
    "summary": "The images look real, but only 8 of 10 classes appear.",
    "count": 2000,
    "extractor": {"name": "mnist-10k", "sha256": "ab" * 32, "accuracy": 0.99},
    "fidelity": {
        "fd": 0.51234,
        "fd_reference": 0.12,
        "fd_ratio": 4.27,
        "kid": 0.00213,
        "kid_std": 0.001,
        "precision": 0.93,
        "density": 1.05,
    },
    "diversity": {
        "recall": 0.71,
        "coverage": 0.62,
        "coverage_reference": 0.972,
        "class_histogram": [0.125] * 8 + [0.0] * 2,
        "kl": 0.22,
        "classes_missing": ["8", "9"],
    },
    "copying": {"auth_pct": 51.2, "c_t": None, "duplicates": 0.012, "duplicates_reference": 0.01},
}


def test_every_figure_stands_beside_the_range_of_real_images() -> None:
    ranges = {"precision": (0.85, 0.93), "c_t": (-2.5, 2.5), "coverage": (0.96, 0.98)}
    rows = {figure: (value, real) for _, figure, value, real, _ in report_card.card(RESULT, ranges)}
    assert rows["precision"] == ("0.930", "0.850 to 0.930")
    assert rows["C_T"] == ("", "-2.500 to 2.500")
    assert rows["coverage"] == ("0.620", "0.960 to 0.980")
    # Without the report, the result itself has these.
    assert rows["FD"] == ("0.512", "0.120")
    assert rows["duplicates"] == ("0.0120", "0.0100")
    assert rows["KID"] == ("0.0021", "")
    assert rows["classes missing"] == ("8, 9", "none")
    assert [figure for _, figure, *_ in report_card.card(RESULT, {})][5:9] == [
        "recall",
        "coverage",
        "KL of classes",
        "classes missing",
    ]


def test_each_question_has_its_answer_and_worse_figures_are_marked() -> None:
    ranges = {"fd_ratio": (0.8, 1.3), "recall": (0.84, 0.94), "coverage": (0.94, 1.0), "duplicates": (0.0, 0.03)}
    shown = report_card.card(RESULT, ranges)
    assert [said for said, *_ in shown if said] == [
        "Do they look real?",
        "  no fault found",
        "Are all kinds there?",
        "  no",
        "Are they new?",
        "  yes",
    ]
    assert [figure for _, figure, _, _, mark in shown if mark == "worse"] == [
        "FD ratio",
        "recall",
        "coverage",
        "classes missing",
    ]


def test_kinds_of_images_that_look_like_nothing_are_hard_to_tell() -> None:
    noise = {**RESULT, "verdicts": ["low_fidelity"], "fidelity": {**RESULT["fidelity"], "precision": 0.0}}
    said = [said for said, *_ in report_card.card(noise, {"coverage": (0.94, 1.0)}) if said]
    assert said[1::2] == ["  no", "  hard to tell", "  yes"]


def test_without_classes_there_is_no_row_of_them() -> None:
    unknown = {**RESULT["diversity"], "class_histogram": None, "kl": None, "classes_missing": None}
    assert "classes missing" not in [row[1] for row in report_card.card({**RESULT, "diversity": unknown}, {})]


class NoFiles:
    """A client of a service that has lost the report."""

    def artifacts(self, job_id: str, kind: str) -> Iterator[Any]:
        """Return none."""
        assert (job_id, kind) == ("job_1", "report")
        return iter(())


def _shown(capsys: pytest.CaptureFixture[str], result: Any) -> list[str]:
    job: Any = {"id": "job_1", "result": result, "source": {"job": "job_2", "checkpoint": "best"}}
    report_card.show_card(cast("Client", NoFiles()), job)
    return [line for line in capsys.readouterr().out.splitlines() if line.strip()]


def test_a_healthy_card_has_nothing_to_try(capsys: pytest.CaptureFixture[str]) -> None:
    assert not any("What to try" in line for line in _shown(capsys, {**RESULT, "verdicts": []}))


def test_the_sentence_comes_first(capsys: pytest.CaptureFixture[str]) -> None:
    lines = _shown(capsys, RESULT)
    assert lines[0] == RESULT["summary"]
    assert "these images" in lines[1]
    assert "What to try about modes lost:" in lines
    assert lines[-2] == "2000 images, compared by mnist-10k (abababababab)."
