"""Watching a job: a progress bar on a terminal, plain lines otherwise."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from ganforge.cli import plot as plots
from ganforge.cli.output import INTERRUPTED, complain, console, on_terminal, print_json, reason_words, say, visible
from ganforge.client import Client
from ganforge.errors import ApiError, GanforgeError
from models.formats import duration
from models.states import TERMINAL

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import Event, Job

# Metrics in display order.
METRIC_LABELS = {"d_loss": "D loss", "g_loss": "G loss", "d_real": "D(real)", "d_fake": "D(fake)"}
REFRESH_S = 1.0
# Curves are read again so often.
CURVES_S = 2.0
POINTS = 400
# Curves in a file or a pipe are so wide; and a bar is drawn on terminals that are no narrower.
LINE_WIDTH = 72
BAR_WIDTH, WIDE = 72, 120
# The progress of jobs without epochs is told as a line each time that it has grown by so much.
LINE_EVERY = 0.2
# The reason of a job that waits for its extractor, by code.
WAITS = "awaits_extractor"
# Events of a running job that are repeated when somebody starts watching.
TOLD = 200


class View(ABC):
    """The job's state as its events report it, and a way to show it."""

    def __init__(self, client: Client, job: Job) -> None:
        self._client = client
        self.job = job
        self.values: dict[str, float] = {}
        self.rate: float | None = None
        # How far the job is that this one waits for, from 0 to 1; None: it waits for none, or for somebody else's.
        self.awaited: float | None = None
        self._asked = time.monotonic()

    @abstractmethod
    def note(self, text: str) -> None:
        """Print a permanent line."""

    @abstractmethod
    def moved(self, *, epoch_ended: bool) -> None:
        """Show progress."""

    @property
    def waits(self) -> bool:
        """Whether the job waits for the one that makes its extractor."""
        reason = self.job["reason_text"]
        return self.job["state"] == "queued" and reason is not None and reason["code"] == WAITS

    @property
    def silent(self) -> bool:
        """Whether events tell nothing of the job's progress now: of a training they do, once it has begun."""
        return self.job["kind"] != "train" or self.waits

    @abstractmethod
    def tick(self) -> None:
        """Ask for the progress of a job whose events tell none, and show it."""

    @abstractmethod
    def __enter__(self) -> View: ...

    @abstractmethod
    def __exit__(self, *error: object) -> None: ...

    def take(self, event: Event) -> None:
        """Show an event."""
        data = event["data"]
        match event["type"]:
            case "state":
                reason = f": {reason_words(data['reason'])}" if data.get("reason") else ""
                self.note(f"{data['to']}{reason}")
                self.refresh(force=True)
                self.moved(epoch_ended=False)
            case "metric":
                self._take_metrics(data)
            case "epoch":
                self.rate = data.get("images_per_second")
                self.values |= {k: v for k, v in data.items() if k in METRIC_LABELS and v is not None}
                self.job["progress"]["epoch"] = data["epoch"]
                self.refresh()
                self.moved(epoch_ended=True)
            case "alert":
                action = f" ({data['action']})" if "action" in data else ""
                self.note(f"alert {data['code']}{action}: {data['detail']}")
            case "log":
                self.note(f"{data['level']}: {data['message']}")
            case "artifact":
                self.note(f"saved {data['artifact']['name']}")

    def refresh(self, *, force: bool = False) -> None:
        """Request progress and ETA from the service, at a readable rate."""
        if force or time.monotonic() - self._asked > REFRESH_S:
            self.job = self._client.job(self.job["id"])
            self._asked = time.monotonic()
            self._ask_for_awaited()

    def _ask_for_awaited(self) -> None:
        waits_for = self.job["waits_for"] if self.waits else None
        try:
            awaited = None if waits_for is None else self._client.job(waits_for)
        except ApiError:  # somebody else's: the extractor of a shared data set is made once
            awaited = None
        self.awaited = None if awaited is None else awaited["progress"]["fraction"]

    def _take_metrics(self, data: dict[str, Any]) -> None:
        for name, values in data["values"].items():
            if name in METRIC_LABELS and values and values[-1] is not None:
                self.values[name] = values[-1]
        progress = self.job["progress"]
        if data["steps"]:
            progress["step"] = data["steps"][-1]
            progress["epoch"] = data.get("epoch") or progress["epoch"]
            if progress["steps"]:
                progress["fraction"] = min(1.0, progress["step"] / progress["steps"])
        self.moved(epoch_ended=False)

    def epoch(self) -> str:
        """Return the current epoch as text."""
        progress = self.job["progress"]
        if self.job["kind"] != "train":
            return ""
        # The first epoch may end before progress is requested again.
        epochs = progress["epochs"] or self.job["params"].get("epochs")
        return f"epoch {progress['epoch']}" + (f"/{epochs}" if epochs else "")

    def figures(self, *, eta_first: bool = False) -> str:
        """Return losses, speed and ETA as text; of a job that waits for another, how far that one is."""
        if self.waits:
            done = "" if self.awaited is None else f", which is {self.awaited:.0%} made"
            return f"waits for its extractor{done}"
        parts = [f"{label} {self.values[name]:.3f}" for name, label in METRIC_LABELS.items() if name in self.values]
        if self.rate:
            parts.append(f"{self.rate:,.0f} images/s")
        if self.job["state"] == "running" and self.job["eta"]:
            left = (datetime.fromisoformat(self.job["eta"]["at"]) - datetime.now(UTC)).total_seconds()
            parts.insert(0 if eta_first else len(parts), f"ETA {duration(left)}")
        return "  ".join(parts)


class Lines(View):
    """One plain line per epoch, for files, pipes and logs."""

    def __init__(self, client: Client, job: Job) -> None:
        super().__init__(client, job)
        self._told = 0.0
        self._waited = False

    def note(self, text: str) -> None:
        """See `View.note`."""
        say(text)

    def moved(self, *, epoch_ended: bool) -> None:
        """See `View.moved`."""
        if epoch_ended:
            say(f"{self.epoch()}  {self.figures()}")

    def tick(self) -> None:
        """See `View.tick`."""
        self.refresh(force=True)
        if self.waits != self._waited:
            self._waited, self._told = self.waits, 0.0
        fraction = (self.awaited if self.waits else self.job["progress"]["fraction"]) or 0.0
        if self.silent and fraction >= self._told + LINE_EVERY:
            self._told = fraction
            say(self.figures() if self.waits else f"{fraction:.0%}")

    def __enter__(self) -> View:
        return self

    def __exit__(self, *error: object) -> None:
        return


class Curves:
    """The losses of a job, as lines of a terminal; read from the service from time to time."""

    def __init__(self, client: Client, job_id: str) -> None:
        self._client = client
        self._job_id = job_id
        self._read_at = 0.0
        self._lines: list[str] = []
        self._width = 0

    def lines(self, width: int, *, now: bool = False) -> Sequence[str]:
        """Return the charts in `width` cells, read again if they are old, or `now`."""
        if now or width != self._width or time.monotonic() - self._read_at > CURVES_S:
            with suppress(GanforgeError):  # the stream of events tells that the service is away
                curves = self._client.metrics(self._job_id, plots.NAMES, max_points=POINTS)
                self._lines = plots.charts(curves, METRIC_LABELS, width)
            self._read_at, self._width = time.monotonic(), width
        return self._lines


class _Progress(Progress):
    """A progress bar below curves, if there are any."""

    above: Sequence[str] = ()

    def get_renderables(self) -> Iterator[RenderableType]:
        """See `Progress.get_renderables`."""
        if self.above:
            yield Text("\n".join(self.above), no_wrap=True, overflow="crop")
        yield from super().get_renderables()


class Bar(View):
    """A progress bar for a terminal, with permanent lines for important events."""

    def __init__(self, client: Client, job: Job, terminal: Console, curves: Curves | None = None) -> None:
        super().__init__(client, job)
        self._curves = curves
        # A narrow terminal has room for figures or for a bar, and figures say more.
        bar = [BarColumn(bar_width=12 if terminal.width < WIDE else 24)] if terminal.width >= BAR_WIDTH else []
        columns: list[ProgressColumn] = [
            TextColumn("{task.fields[epoch]}", table_column=Column(no_wrap=True)),
            *bar,
            TextColumn("{task.percentage:>3.0f}%", table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[figures]}", table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
        ]
        self._progress = _Progress(*columns, console=terminal, expand=True)
        self._task: TaskID | None = None

    def note(self, text: str) -> None:
        """See `View.note`."""
        self._progress.console.print(visible(text), markup=False, soft_wrap=True)

    def moved(self, *, epoch_ended: bool) -> None:
        """See `View.moved`."""
        del epoch_ended
        if self._curves is not None:
            self._progress.above = self._curves.lines(self._progress.console.width)
        fields: dict[str, Any] = {
            "completed": self.job["progress"]["fraction"] or 0.0,
            "epoch": self.epoch(),
            "figures": self.figures(eta_first=True),  # what a narrow terminal cuts is at the end
        }
        if self._task is None:
            self._task = self._progress.add_task("", total=1.0, **fields)
        else:
            self._progress.update(self._task, **fields)

    def tick(self) -> None:
        """See `View.tick`."""
        self.refresh(force=True)
        self.moved(epoch_ended=False)

    def __enter__(self) -> View:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._curves is not None:
            self._progress.above = self._curves.lines(self._progress.console.width, now=True)
        self._progress.stop()


def follow(client: Client, job: Job, *, as_json: bool = False, plot: bool = False) -> Job:
    """Show a job, with curves if `plot` is set, or print its events as JSON, until it ends; return the ended job.

    Raises:
        typer.Exit: Ctrl-C; the job goes on.
    """
    try:
        if as_json:
            for event in client.events(job["id"]):
                print_json(event)
        else:
            show(client, job, plot=plot)
        return client.wait(job["id"])
    except KeyboardInterrupt:
        complain(
            f"{job['id']} goes on; `ganforge watch {job['id']}` shows it, `ganforge cancel {job['id']}` cancels it"
        )
        raise typer.Exit(INTERRUPTED) from None


def show(client: Client, job: Job, check: Callable[[], None] = lambda: None, *, plot: bool = False) -> None:
    """Show a job until it ends. `check` is called periodically; an exception from it ends the watching."""
    curves = Curves(client, job["id"]) if plot else None
    on_screen = on_terminal()
    view: View = Bar(client, job, console(), curves) if on_screen else Lines(client, job)
    # Earlier events are summarised: somebody who starts watching late wants the job's current state.
    after = max(0, job["last_seq"] - TOLD) if job["state"] not in TERMINAL else 0

    def lost(why: str) -> None:
        check()
        view.note(f"connection lost ({why}), trying again")

    with view, ticking(view):
        for event in client.events(job["id"], after=after, on_break=lost):
            check()
            view.take(event)
    if curves is not None and not on_screen:
        for line in curves.lines(LINE_WIDTH, now=True):
            say(line)


@contextmanager
def ticking(view: View) -> Iterator[None]:
    """Ask for the progress of a job from time to time, as long as no event tells it."""
    over = threading.Event()

    def tick() -> None:
        while view.silent and not over.wait(REFRESH_S):
            try:
                view.tick()
            except GanforgeError:
                continue  # the stream of events tells that the service is away

    thread = threading.Thread(target=tick, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=REFRESH_S)
