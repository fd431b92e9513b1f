"""The memory and speed of one attempt, stored for the estimates of later jobs of the same shape."""

from __future__ import annotations

import time

import structlog
from sqlalchemy.exc import SQLAlchemyError

from models import wire
from models.job_profile import Shape
from models.states import DeviceClass, ErrorCode, Outcome
from stores.container import Stores
from stores.jobs.transitions import Claim, Ending
from worker.device import Device

log = structlog.get_logger(__name__)

# GPU memory of a process that torch does not count: CUDA's context and its libraries' workspaces.
CONTEXT_BYTES = 600 << 20


class ResourceStats:
    """Collects figures from the trainer's messages, and stores them when the attempt has ended."""

    def __init__(self, stores: Stores, device: Device, claim: Claim) -> None:
        self._stores = stores
        self._device = device
        self._queue = str(claim.job["queue"])
        self._shape = Shape.of(claim.job["recipe"], claim.job["params"]) if claim.job["kind"] == "train" else None
        self._whole = claim.attempt == 1
        self._room: int | None = claim.job.get("room")
        self._began = time.monotonic()
        self._peak: int | None = None
        self._halved = False
        self._training_s = 0.0
        self._images = 0

    def memory(self, message: wire.Memory) -> None:
        """Record the peak of memory: of the device on a GPU, of the process on a CPU, of both on a Jetson."""
        host, device = message.host_bytes, message.device_bytes or 0
        match self._device.kind:
            case DeviceClass.gpu:
                self._peak = device + CONTEXT_BYTES
            case DeviceClass.jetson:
                self._peak = host + device + CONTEXT_BYTES
            case DeviceClass.cpu:
                self._peak = host

    def epoch(self, message: wire.Epoch) -> None:
        """Record the seconds of an epoch."""
        self._training_s += message.seconds
        self._images += round(message.seconds * message.images_per_second)

    def alert(self, message: wire.Alert) -> None:
        """Record a batch that did not fit into memory."""
        self._halved = self._halved or message.code == "batch_halved"

    def ended(self, ending: Ending) -> None:
        """Store the figures. If that fails, only the figures are lost."""
        try:
            self._write(ending)
        except SQLAlchemyError as error:
            log.warning("lesson_not_written", error=str(error).splitlines()[0][:200])

    def _write(self, ending: Ending) -> None:
        seconds = time.monotonic() - self._began
        succeeded = ending.outcome is Outcome.succeeded
        if succeeded and self._whole:
            self._stores.schedule.speed_stats.took(self._queue, seconds)
        if self._shape is None:
            return
        if self._room is not None:
            if self._halved or ending.code is ErrorCode.out_of_memory:
                self._stores.schedule.memory_stats.ran_out(self._shape, self._queue, self._room)
            elif succeeded and self._peak is not None:
                self._stores.schedule.memory_stats.learn(self._shape, self._queue, self._peak, self._room)
        if succeeded and self._whole and not self._halved and self._training_s > 0 and self._images > 0:
            overhead = max(0.0, seconds - self._training_s)
            self._stores.schedule.speed_stats.learn(self._shape, self._queue, self._images / self._training_s, overhead)
