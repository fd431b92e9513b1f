"""Progress of jobs whose events tell none: the watcher asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from ganforge.cli.watch import Lines, ticking
from ganforge.client import Client
from ganforge.errors import ApiError
from tests.waiting import until


class Service:
    """A client of a service that has one job, and perhaps the job that it waits for."""

    def __init__(
        self, fractions: Iterator[float], waits: bool = False, hidden: bool = False, kind: str = "evaluate"
    ) -> None:
        self.fractions = fractions
        self.waits = waits
        self.hidden = hidden
        self.kind = kind

    def job(self, job_id: str) -> dict[str, Any]:
        """Return the job, or the one that it waits for: what is under way has got on."""
        if job_id == "job_extractor":
            if self.hidden:
                raise ApiError(404, {"detail": "no job job_extractor"})
            return {"progress": {"fraction": next(self.fractions)}}
        return self.shown(0.0 if self.waits else next(self.fractions))

    def shown(self, fraction: float) -> dict[str, Any]:
        """Return the job."""
        waiting = {"state": "queued", "waits_for": "job_extractor", "reason_text": {"code": "awaits_extractor"}}
        running = {"state": "running", "waits_for": None, "reason_text": None}
        job = {"id": "job_1", "kind": self.kind, "progress": {"fraction": fraction}, "eta": None}
        return {**job, **(waiting if self.waits else running)}


def lines(service: Service) -> Lines:
    return Lines(cast("Client", service), cast("Any", service.shown(0.0)))


def test_an_evaluation_in_a_pipe_tells_every_fifth_of_its_way(capsys: pytest.CaptureFixture[str]) -> None:
    view = lines(Service(iter([0.1, 0.24, 0.3, 0.45, 1.0])))
    for _ in range(5):
        view.tick()
    assert capsys.readouterr().out.split() == ["24%", "45%", "100%"]


def test_a_job_that_waits_tells_how_far_its_extractor_is(capsys: pytest.CaptureFixture[str]) -> None:
    service = Service(iter([0.3, 0.4, 0.6]), waits=True)
    view = lines(service)
    for _ in range(3):
        view.tick()
    service.waits, service.fractions = False, iter([0.25])
    view.tick()
    assert capsys.readouterr().out.splitlines() == [
        "waits for its extractor, which is 30% made",
        "waits for its extractor, which is 60% made",
        "25%",
    ]


def test_the_extractor_of_somebody_else_is_waited_for_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    view = lines(Service(iter([]), waits=True, hidden=True))
    view.tick()
    assert capsys.readouterr().out == ""
    assert view.figures() == "waits for its extractor", "a bar on a terminal has no percentage"


def test_a_training_is_asked_for_while_it_waits_and_then_tells_of_itself(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganforge.cli.watch.REFRESH_S", 0.01)
    service = Service(iter([0.3]), waits=True, kind="train")

    def fractions() -> Iterator[float]:
        yield 0.3
        service.waits = False
        yield 0.4
        yield 0.9

    service.fractions = fractions()
    view = lines(service)
    with ticking(view):
        until(lambda: view.job["state"] == "running", 60, "the training's beginning")
    assert capsys.readouterr().out.splitlines() == ["waits for its extractor, which is 30% made"]


def test_what_is_watched_is_asked_for_until_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganforge.cli.watch.REFRESH_S", 0.01)
    asked = []

    def fractions() -> Iterator[float]:
        while True:
            asked.append(None)
            yield 0.1

    with ticking(lines(Service(fractions()))):
        until(lambda: len(asked) > 2, 60, "the third question")
    seen = len(asked)
    with ticking(lines(Service(fractions(), kind="train"))):
        assert len(asked) == seen
