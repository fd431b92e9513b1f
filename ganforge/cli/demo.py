"""`ganforge demo`: train, sample and download on this machine, end to end."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from ganforge.animation import animate
from ganforge.cli.output import FAILED, INTERRUPTED, complain, say
from ganforge.cli.submit import announce
from ganforge.cli.watch import show
from ganforge.client import Client
from ganforge.errors import StackError, StoppedError
from ganforge.stack.home import Home
from ganforge.stack.settings import StackSettings
from ganforge.stack.signals import Signals
from models.formats import duration, size

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from ganforge.stack.stack import Stack
    from models.views import Artifact, Job

# Marks the demo's own jobs, so that an interrupted demo does not delay the next one.
LABEL = {"ganforge": "demo"}
DATASET = "mnist-10k"
RECIPE = "compact"
# Between two frames of the animation.
GRID_EVERY = {"seconds": 1.5}


def demo(
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the 9,000 digits.")] = 8,
    to: Annotated[Path, typer.Option("--to", "-o", file_okay=False, help="Folder for the results.")] = Path(
        "demo-output"
    ),
) -> None:
    """Train a GAN on handwritten digits through the whole service, sample new digits and download the results.

    Among them is an animation of how the digits became sharp.
    """
    with Signals().installed() as signals:
        try:
            Demo(signals, epochs, to).run()
        except (KeyboardInterrupt, StoppedError):
            say("Interrupted; everything that the demo started is stopped.")
            raise typer.Exit(INTERRUPTED) from None
        except StackError as error:
            complain(str(error))
            raise typer.Exit(FAILED) from None


class Demo:
    """The steps and their durations."""

    def __init__(self, signals: Signals, epochs: int, to: Path) -> None:
        self._signals = signals
        self._epochs = epochs
        self._to = to
        self._timings: list[tuple[str, float]] = []
        self._stack: Stack | None = None

    def run(self) -> None:
        """Run all steps, on the running stack or on a new one that is stopped afterwards."""
        settings = StackSettings.read(os.environ)
        home = Home(settings.home)
        running = home.read_stack()
        if running is not None:
            say(f"Using the stack that runs at {running['api']}")
            with self._signals.raising():
                self._work(str(running["api"]), home)
        else:
            # Imported here: the clients of database and broker would make every other command start 0.2 s later.
            from ganforge.stack.stack import Stack  # noqa: PLC0415

            stack = Stack(settings, self._signals, say)
            with self._step("starting the stack"):
                say(f"Starting database, broker, object store, API, worker and sweeper in {home.path}")
                stack.start()
            self._stack = stack
            try:
                with self._signals.raising():
                    self._work(stack.url, home)
            finally:
                with self._step("stopping the stack"):
                    say("Stopping the demo's processes")
                    stack.stop()
        self._report()

    def _work(self, url: str, home: Home) -> None:
        with Client(url, home.admin_key()) as client:
            if self._stack:
                self._clear(client)
            with self._step(f"training {RECIPE} for {self._epochs} epochs"):
                training = self._train(client)
            with self._step("drawing 64 new digits"):
                drawing = self._draw(client, training)
            with self._step("downloading"):
                self._download(client, training, drawing)

    def _clear(self, client: Client) -> None:
        """Cancel unfinished jobs of an earlier, killed demo, which would otherwise run first."""
        mark = ":".join(*LABEL.items())
        for job in client.jobs(label=mark, state=["queued", "running", "paused"]):
            client.cancel(job["id"])

    def _train(self, client: Client) -> Job:
        params = {"epochs": self._epochs, "grid_every": GRID_EVERY}
        return self._watched(client, client.train(RECIPE, DATASET, params=params, name="demo", labels=LABEL))

    def _draw(self, client: Client, training: Job) -> Job:
        params = {"count": 64, "seed": 1, "output": "grid"}
        job = client.sample(training["id"], checkpoint="latest", params=params, name="demo", labels=LABEL)
        return self._watched(client, job)

    def _watched(self, client: Client, job: Job) -> Job:
        announce(job)
        try:
            show(client, job, self._stack.check if self._stack else lambda: None)
        except KeyboardInterrupt:
            # Nobody needs the job any more.
            client.cancel(job["id"])
            raise
        job = client.wait(job["id"])
        if job["state"] != "succeeded":
            error = job["error"]
            raise StackError(
                f"{job['id']} {job['state']}" + (f": {error['detail']} [{error['code']}]" if error else "")
            )
        return job

    def _download(self, client: Client, training: Job, drawing: Job) -> None:
        made = list(client.artifacts(training["id"]))
        grids = sorted((one for one in made if one["kind"] == "grid"), key=lambda one: one["step"] or 0)
        wanted = {one["name"]: one for one in made if one["kind"] in {"loss_plot", "weights", "report"}}
        # Names without step numbers, so that a second demo replaces the files of the first.
        wanted["grid.png"] = grids[-1]
        wanted["samples.png"] = next(client.artifacts(drawing["id"], kind="samples"))
        self._to.mkdir(parents=True, exist_ok=True)
        for name, artifact in wanted.items():
            file = client.download(artifact, self._to / name)
            say(f"  {file}  {size(artifact['bytes'])}  {_meaning(artifact)}")
        with TemporaryDirectory() as folder:
            frames = [client.download(grid, Path(folder) / f"{number}.png") for number, grid in enumerate(grids)]
            file = animate(frames, self._to / "training.gif")
        say(f"  {file}  {size(file.stat().st_size)}  how the digits became sharp")

    def _report(self) -> None:
        total = sum(seconds for _, seconds in self._timings)
        say(f"\nDone in {duration(total)}:")
        for what, seconds in self._timings:
            say(f"  {seconds:6.1f} s  {what}")
        say(f"\nLook at {self._to}; `make up` keeps the service running, `ganforge --help` lists all commands.")

    @contextmanager
    def _step(self, what: str) -> Iterator[None]:
        start = time.monotonic()
        yield
        self._timings.append((what, time.monotonic() - start))


def _meaning(artifact: Artifact) -> str:
    return {
        "grid": "digits from the same noise as ever, after the last epoch",
        "loss_plot": "the losses over time",
        "weights": "a trained network",
        "report": "settings, speed, versions",
        "samples": "new digits, from the sampling job",
    }[artifact["kind"]]
