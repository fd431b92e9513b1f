"""What a training says while it runs. The loop knows this class only, so it runs under a test with a list."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Mapping

from models import wire

if TYPE_CHECKING:
    from models.messages import Message
    from models.wire import FailureCode, FromTrainer, Level, Phase, Progress

PNG = "image/png"
SAFETENSORS = "application/octet-stream"
JSON = "application/json"
ZIP = "application/zip"


class Reporter(ABC):
    """Sends the messages of models/wire.py. A subclass says where they go, and whether to stop."""

    @abstractmethod
    def send(self, message: FromTrainer) -> None:
        """Pass on one message. Called from more than one thread."""

    @abstractmethod
    def should_stop(self) -> bool:
        """Tell whether somebody asked for the end of this attempt."""

    def started(
        self, start_step: int, steps: int, epochs: int | None, device: str, *, needs_units: bool = False
    ) -> None:
        """Say that the data are loaded and the networks are built or resumed."""
        self.send(wire.Started(start_step, steps, epochs, device, needs_units))

    def alive(self, phase: Phase, step: int | None = None) -> None:  # noqa: B027 - nothing to do without a supervisor
        """Say that the work gets on, and after how many steps. Cheap enough for every step.

        Called by the thread that works, never by a helper: that would live on while the work stands still.
        """

    def preparing(self) -> None:
        """Say that the data are being read or prepared."""
        self.alive("preparing")

    def drawing(self) -> None:
        """Say that images are being made, or packed into a file."""
        self.alive("sampling")

    def metric(
        self,
        epoch: int,
        steps: list[int],
        values: dict[str, list[float | None]],
        progress: Progress,
        data_wait_pct: float | None = None,
    ) -> None:
        """Pass on the values of all recorded steps since the last call, and the wait for data where it was read."""
        self.send(wire.Metric(epoch, steps, values, progress, data_wait_pct))

    def progress(self, progress: Progress) -> None:
        """Say how far the training is at its end, where that is further than the last metric or epoch said."""
        self.send(wire.ProgressUpdate(progress))

    def epoch(
        self, epoch: int, progress: Progress, seconds: float, rate: float, device: str, means: dict[str, float]
    ) -> None:
        """Say that an epoch ended: its seconds, its images per second and the mean of every metric."""
        rounded = round(seconds, 3), round(rate, 1)
        self.send(wire.Epoch(epoch, progress.step, progress.images, *rounded, device, means, progress))

    def file(self, file: wire.File) -> None:
        """Hand over a finished file."""
        self.send(file)

    def log(self, level: Level, message: Message) -> None:
        """Say something to the person who watches."""
        self.send(wire.Log(level, str(message), wire.text_of(message)))

    def info(self, message: Message) -> None:
        """Say something that is nothing to worry about."""
        self.log("info", message)

    def alert(
        self,
        code: str,
        message: Message,
        step: int,
        params: Mapping[str, wire.Param],
        *,
        back_to: int | None = None,
        action: str | None = None,
    ) -> None:
        """Warn that something is wrong with the training, with the numbers and with what follows from it."""
        self.send(wire.Alert(code, str(message), step, dict(params), back_to, wire.text_of(message), action))

    def memory(self, peak: wire.Memory) -> None:
        """Say how many bytes the work needed at the most, so that the next job like it finds a device with room."""
        self.send(peak)

    def result(self, values: dict[str, object]) -> None:
        """Say what was measured."""
        self.send(wire.Result(values))

    def quality(self, fd_ratio: float, extractor: str) -> None:
        """Say how good the images of the checkpoint `best` are, by the extractor of this sha256."""
        self.send(wire.Quality(fd_ratio, extractor))

    def done(self, reason: Message | None, alarm: str | None = None) -> None:
        """Say that everything was written, and which alarm ended the training, if one did."""
        self.send(wire.Done(None) if reason is None else wire.Done(str(reason), wire.text_of(reason), alarm))

    def stopped(self) -> None:
        """Say that the attempt ended because somebody asked for it."""
        self.send(wire.Stopped())

    def paused(self, alarm: str) -> None:
        """Say that the attempt ended because an alarm pauses the job."""
        self.send(wire.Paused(alarm))

    def failed(self, code: FailureCode, message: Message) -> None:
        """Say that an error ended the attempt."""
        self.send(wire.Failed(code, str(message), wire.text_of(message)))


class ListReporter(Reporter):
    """Keeps every message in a list, as its supervisor would read it; stops after a given generator step."""

    def __init__(self, stop_at_step: int | None = None) -> None:
        self.messages: list[dict[str, object]] = []
        self.stop_at_step = stop_at_step
        self.step = 0

    def send(self, message: FromTrainer) -> None:
        """Keep the message."""
        if isinstance(message, wire.Started):
            self.step = message.start_step
        self.messages.append(json.loads(wire.write(message)))

    def should_stop(self) -> bool:
        """Count the steps: the loop asks once before each."""
        if self.stop_at_step is not None and self.step >= self.stop_at_step:
            return True
        self.step += 1
        return False

    def of(self, kind: str) -> list[dict[str, object]]:
        """Return the messages of one type, in order."""
        return [message for message in self.messages if message["type"] == kind]
