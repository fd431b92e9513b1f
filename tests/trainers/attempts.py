"""Attempts under test: run in this process with a list as reporter, or as the real process on a pipe."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from trainers.process.reporter import ListReporter
from trainers.process.spec import TrainSpec, parse
from trainers.train import train

ROOT = Path(__file__).resolve().parents[2]
# Where small trainings run: `make check-gpu` asks for cuda.
DEVICE = os.environ.get("GANFORGE_TEST_DEVICE", "cpu")


def idx_bytes(images: Any) -> bytes:
    """Encode uint8 images (n, height, width) in MNIST's own format."""
    head = b"\0\0\x08" + bytes([images.ndim]) + b"".join(int(n).to_bytes(4, "big") for n in images.shape)
    return head + np.ascontiguousarray(images).tobytes()


def write_digits(folder: Path, train_images: Any, test_images: Any, labels: tuple[Any, Any] | None = None) -> None:
    """Write both parts, the first gzipped and the second plain, as people's folders have them; classes if given."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, of_part in zip(("train", "t10k"), labels or (), strict=False):
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(idx_bytes(of_part))
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(train_images)))
    (folder / "t10k-images-idx3-ubyte").write_bytes(idx_bytes(test_images))


def sha256(path: str | Path) -> str:
    """Hash a file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


@dataclass
class Attempt:
    """What an attempt said."""

    messages: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def run(cls, line: str, stop_at_step: int | None = None) -> Attempt:
        """Train in this process; stop before the step that follows ``stop_at_step``."""
        spec = parse(line)
        assert isinstance(spec, TrainSpec)
        reporter = ListReporter(stop_at_step)
        train(spec, reporter)
        return cls(reporter.messages)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the messages of one type, in order."""
        return [message for message in self.messages if message["type"] == kind]

    def files(self, kind: str) -> list[dict[str, Any]]:
        """Return the files of one kind, in order."""
        return [message for message in self.of("file") if message["kind"] == kind]

    @property
    def checkpoint(self) -> str:
        """The path of the last checkpoint."""
        return str(self.files("checkpoint")[-1]["path"])

    @property
    def hashes(self) -> dict[str, str]:
        """The sha256 of every weights file."""
        return {Path(message["path"]).name: sha256(message["path"]) for message in self.files("weights")}

    @property
    def series(self) -> dict[int, dict[str, float | None]]:
        """Every recorded step with its metrics; fails if a metric of a step is told twice."""
        told: dict[int, dict[str, float | None]] = {}
        for message in self.of("metric"):
            for index, step in enumerate(message["steps"]):
                row = told.setdefault(step, {})
                # Figures that are taken once an epoch come in a message of their own.
                assert not row.keys() & message["values"].keys()
                row.update({name: values[index] for name, values in message["values"].items()})
        return told


class Process:
    """`python -m trainers`, as the supervisor starts it."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "trainers"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=ROOT, start_new_session=True)
        self.messages: list[dict[str, Any]] = []
        self.signs: list[dict[str, Any]] = []  # of life, which may come between any two messages

    def write(self, line: dict[str, Any] | str) -> None:
        """Send one line."""
        assert self.process.stdin is not None
        self.process.stdin.write((line if isinstance(line, str) else json.dumps(line)).encode() + b"\n")
        self.process.stdin.flush()

    def read(self) -> dict[str, Any] | None:
        """Return the next message, or None at the end. The test's own time limit is the deadline."""
        assert self.process.stdout is not None
        for line in iter(self.process.stdout.readline, b""):
            message: dict[str, Any] = json.loads(line)
            if message["type"] == "alive":
                self.signs.append(message)
                continue
            self.messages.append(message)
            return message
        return None

    def until(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Read on to the next message of this type with these fields."""
        message = self.read()
        while message is not None:
            if message["type"] == kind and all(message.get(name) == value for name, value in fields.items()):
                return message
            message = self.read()
        raise AssertionError(f"the trainer ended without {kind}: {self.messages[-3:]}\n{self.errors()}")

    def errors(self) -> str:
        """Return what it wrote to standard error, to its end."""
        assert self.process.stderr is not None
        return self.process.stderr.read().decode()

    def end(self) -> int:
        """Read to the end and return the exit code."""
        while self.read() is not None:
            pass
        return self.process.wait(timeout=60)

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    continue
