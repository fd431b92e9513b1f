"""Progress of jobs whose events tell none: the watcher asks for it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any, cast

import pytest
from rich.cells import cell_len
from rich.console import Console

from ganforge.cli.watch import Bar, Curves, Lines, show, ticking
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


class Training(Service):
    """A client of a service that has one training, with its events and its curves."""

    def __init__(self) -> None:
        super().__init__(iter([]), kind="train")

    def job(self, job_id: str) -> dict[str, Any]:
        """Return the job, half done."""
        progress = {"epoch": 12, "epochs": 100, "step": 500, "steps": 1000, "fraction": 0.5}
        eta = {"at": "2100-01-01T00:00:00+00:00"}
        return {**self.shown(0.5), "progress": progress, "eta": eta, "params": {"epochs": 100}, "last_seq": 2}

    def events(self, job_id: str, **_: Any) -> Iterator[dict[str, Any]]:
        """Yield what happened."""
        values = {"d_loss": 0.6931, "g_loss": 1.2345, "d_real": 0.51, "d_fake": 0.49}
        yield {"type": "metric", "data": {"steps": [500], "epoch": 12, "values": {k: [v] for k, v in values.items()}}}
        yield {"type": "epoch", "data": {"epoch": 12, "images_per_second": 12345.0, **values}}

    def metrics(self, job_id: str, names: Any, *, max_points: int) -> dict[str, Any]:
        """Return a falling loss."""
        return {"d_loss": {"steps": list(range(50)), "values": [1 / (n + 1) for n in range(50)]}}


@pytest.mark.parametrize("width", [40, 80])
def test_progress_with_curves_fits_the_terminal(width: int) -> None:
    service, terminal = Training(), Console(file=io.StringIO(), width=width, height=24, force_terminal=True)
    client = cast("Client", service)
    with Bar(client, cast("Any", service.job("job_1")), terminal, Curves(client, "job_1")) as view:
        for event in service.events("job_1"):
            view.take(cast("Any", event))
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", cast("io.StringIO", terminal.file).getvalue())
    lines = [line.rstrip() for part in shown.splitlines() for line in part.split("\r")]
    assert max(map(cell_len, lines)) <= width, lines
    last = [line for line in lines if line.startswith("epoch")][-1]
    assert re.match(r"epoch 12/100 .*50% ETA ", last), lines
    assert ("━" in last) == (width == 80)
    assert "D loss 0.020" in lines
    assert lines.index("D loss 0.020") < lines.index(last)


def test_a_pipe_gets_plain_lines_and_the_curves_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    service = Training()
    show(cast("Client", service), cast("Any", service.job("job_1")), plot=True)
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\r" not in shown
    lines = shown.splitlines()
    assert lines[0].startswith("epoch 12/100  D loss 0.693")
    assert lines[1] == "D loss 0.020"
