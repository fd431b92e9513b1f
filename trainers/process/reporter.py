"""What a training says while it runs. The loop knows this class only, so it runs under a test with a list."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

PNG = "image/png"
SAFETENSORS = "application/octet-stream"
TEXT = "text/plain; charset=utf-8"
JSON = "application/json"
ZIP = "application/zip"


@dataclass(frozen=True)
class Progress:
    """How far a training is. ``epoch`` is the one in hand, from 1; ``fraction`` of the budget is 0 to 1."""

    epoch: int
    epochs: int
    step: int
    steps: int
    images: int
    fraction: float


@dataclass(frozen=True)
class File:
    """A finished file in the scratch folder, for the supervisor to take away."""

    kind: str
    path: Path
    step: int | None
    epoch: int | None
    content_type: str
    best: bool = False


class Reporter(ABC):
    """The messages of docs/05-trainer-protocol.md. A subclass says where they go, and whether to stop."""

    @abstractmethod
    def send(self, message: dict[str, Any]) -> None:
        """Pass on one message. Called from more than one thread."""

    @abstractmethod
    def should_stop(self) -> bool:
        """Tell whether somebody asked for the end of this attempt."""

    def started(self, start_step: int, steps: int, epochs: int | None, device: str) -> None:
        """Data are loaded, networks built or resumed."""
        self.send({"type": "started", "start_step": start_step, "steps": steps, "epochs": epochs, "device": device})

    def metric(self, epoch: int, steps: list[int], values: dict[str, list[float | None]], progress: Progress) -> None:
        """Pass on the values of all recorded steps since the last call."""
        self.send(
            {"type": "metric", "epoch": epoch, "steps": steps, "values": values, "progress": dict(vars(progress))}
        )

    def progress(self, progress: Progress) -> None:
        """Say how far it is at the end, where that is further than the last metric or epoch told."""
        self.send({"type": "progress", "progress": dict(vars(progress))})

    def epoch(
        self, epoch: int, progress: Progress, seconds: float, rate: float, device: str, means: dict[str, float]
    ) -> None:
        """An epoch ended: how far it is with it, its seconds, images per second, and the mean of every metric."""
        self.send(
            {
                "type": "epoch",
                "epoch": epoch,
                "step": progress.step,
                "images": progress.images,
                "seconds": round(seconds, 3),
                "images_per_second": round(rate, 1),
                "device": device,
                "means": means,
                "progress": dict(vars(progress)),
            }
        )

    def file(self, file: File) -> None:
        """Hand over a finished file."""
        self.send(
            {
                "type": "file",
                "kind": file.kind,
                "name": file.path.name,
                "path": str(file.path),
                "step": file.step,
                "epoch": file.epoch,
                "content_type": file.content_type,
                "best": file.best,
            }
        )

    def log(self, level: str, message: str) -> None:
        """Say something to the person who watches. Levels: info, warning, error."""
        self.send({"type": "log", "level": level, "message": message})

    def info(self, message: str) -> None:
        """Say something of no concern."""
        self.log("info", message)

    def alert(self, code: str, detail: str, **numbers: float | str | None) -> None:
        """Warn that something is wrong with the training, with the numbers."""
        self.send({"type": "alert", "code": code, "detail": detail, **numbers})

    def memory(self, peak: dict[str, int]) -> None:
        """Tell the most bytes that the work needed, so that the next job like it finds a device with room."""
        self.send({"type": "memory", **peak})

    def done(self, reason: str | None) -> None:
        """Everything was written."""
        self.send({"type": "done", "reason": reason})

    def stopped(self) -> None:
        """Ended because somebody asked."""
        self.send({"type": "stopped"})

    def failed(self, code: str, detail: str) -> None:
        """Ended by an error."""
        self.send({"type": "failed", "code": code, "detail": detail})


class ListReporter(Reporter):
    """Keeps every message in a list; stops after a given generator step, if one is given."""

    def __init__(self, stop_at_step: int | None = None) -> None:
        self.messages: list[dict[str, Any]] = []
        self.stop_at_step = stop_at_step
        self.step = 0

    def send(self, message: dict[str, Any]) -> None:
        """Keep the message."""
        if message["type"] == "started":
            self.step = message["start_step"]
        self.messages.append(message)

    def should_stop(self) -> bool:
        """Count the steps: the loop asks once before each."""
        if self.stop_at_step is not None and self.step >= self.stop_at_step:
            return True
        self.step += 1
        return False

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the messages of one type, in order."""
        return [message for message in self.messages if message["type"] == kind]
