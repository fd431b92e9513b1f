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
    rows = {figure: (value, real) for _, figure, value, real in report_card.card(RESULT, ranges)}
    assert rows["precision"] == ("0.930", "0.850 to 0.930")
    assert rows["C_T"] == ("", "-2.500 to 2.500")
    assert rows["coverage"] == ("0.620", "0.960 to 0.980")
    # Without the report, the result itself has these.
    assert rows["FD"] == ("0.512", "0.120")
    assert rows["duplicates"] == ("0.0120", "0.0100")
    assert rows["KID"] == ("0.0021", "")
    assert rows["classes missing"] == ("8, 9", "none")
    shown = report_card.card(RESULT, {})
    assert [question for question, *_ in shown if question] == [
        "Do they look real?",
        "Are all kinds there?",
        "Are they new?",
    ]
    assert [figure for _, figure, *_ in shown][5:9] == ["recall", "coverage", "KL of classes", "classes missing"]


def test_without_classes_there_is_no_row_of_them() -> None:
    unknown = {**RESULT["diversity"], "class_histogram": None, "kl": None, "classes_missing": None}
    assert "classes missing" not in [row[1] for row in report_card.card({**RESULT, "diversity": unknown}, {})]


class NoFiles:
    """A client of a service that has lost the report."""

    def artifacts(self, job_id: str, kind: str) -> Iterator[Any]:
        """Return none."""
        assert (job_id, kind) == ("job_1", "report")
        return iter(())


def test_the_sentence_comes_first(capsys: pytest.CaptureFixture[str]) -> None:
    job: Any = {"id": "job_1", "result": RESULT}
    report_card.show_card(cast("Client", NoFiles()), job)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert lines[0] == RESULT["summary"]
    assert "these images" in lines[1]
    assert lines[-2] == "2000 images, compared by mnist-10k (abababababab)."
