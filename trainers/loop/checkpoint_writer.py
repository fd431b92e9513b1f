"""Writes checkpoints in a thread beside the training, so that the training does not wait for the disk."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from models.messages import Logs
from models.wire import File
from trainers.loop import checkpoints
from trainers.process.reporter import SAFETENSORS

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from trainers.loop.checkpoints import Snapshot
    from trainers.process.reporter import Reporter


class CheckpointWriter:
    """Writes one checkpoint at a time; the last one that was taken stays in the host's memory, to go back to."""

    def __init__(self, scratch: Path, reporter: Reporter) -> None:
        self.scratch = scratch
        self.reporter = reporter
        self.last: Snapshot | None = None
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None

    def submit(self, snapshot: Snapshot, *, best: bool) -> None:
        """Write in the background, after the checkpoint before; report an error of that one, and train on.

        A full disk may have room again later, and a checkpoint less costs less than the attempt.
        """
        self._join()
        if self._error is not None:
            self.reporter.log("error", Logs.checkpoint_not_written(error=str(self._error)))
            self._error = None
        self.last = snapshot
        self._thread = threading.Thread(target=self._write, args=(snapshot, best), name="checkpoint")
        self._thread.start()

    def spare(self) -> dict[str, torch.Tensor]:
        """Give up the last snapshot, once it is written: return its tensors, to be written over by the next one."""
        self._join()
        last, self.last = self.last, None
        return {} if last is None else last.tensors

    def finish(self) -> None:
        """Wait for the checkpoint that is being written.

        Raises:
            OSError: it could not be written.
        """
        self._join()
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def drain(self) -> Snapshot | None:
        """Wait for the checkpoint that is being written, however it ends, and return the last snapshot."""
        self._join()
        return self.last

    def _join(self) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _write(self, snapshot: Snapshot, best: bool) -> None:
        try:
            step = snapshot.meta["step"]
            path = self.scratch / f"checkpoint-{step:08d}.safetensors"
            checkpoints.write(path, snapshot)
            # Reported only now: a file that is reported is whole.
            self.reporter.file(File("checkpoint", path, step, snapshot.meta["epoch"], SAFETENSORS, best))
        except Exception as error:  # handed to the thread that trains, which decides
            self._error = error
