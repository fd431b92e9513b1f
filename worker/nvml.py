"""GPUs as NVIDIA's management library lists them, asked in this process: no program is started for an answer.

The library belongs to the driver, and `nvidia-ml-py` calls it. Where either is missing nothing is known here.
"""

from __future__ import annotations

from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING, Protocol, TypeVar

try:
    import pynvml
except ImportError:  # the worker of a board, or a smaller image, does without
    pynvml = None

if TYPE_CHECKING:
    from collections.abc import Callable

    class Memory(Protocol):
        """What the library tells of a GPU's memory, in bytes."""

        total: int
        free: int

    class Rates(Protocol):
        """What the library tells of a GPU's load, in percent of the last moments."""

        gpu: int


Answer = TypeVar("Answer")
# A driver that hangs must not hold up the heartbeat that asks it.
ANSWER_S = 10.0


@dataclass(frozen=True)
class Gpu:
    """One GPU. Bytes and degrees are None where the driver does not report them (a GPU with MIG)."""

    index: str
    uuid: str
    name: str
    total: int | None
    free: int | None
    temperature: float | None
    busy_pct: float | None = None
    watts: float | None = None


class Nvml:
    """The library, opened when it is first asked. Opening it wakes a driver that nobody uses, so it stays open."""

    def __init__(self) -> None:
        self._open = False
        self._lock = Lock()
        self._answers: SimpleQueue[list[Gpu] | None] | None = None  # of a question that is under way

    def gpus(self) -> list[Gpu] | None:
        """Return the GPUs that answer, none while the driver hangs; None where the library cannot be used."""
        if pynvml is None:
            return None
        with self._lock:
            if self._answers is None:
                self._answers = SimpleQueue()
                Thread(target=self._ask, args=(self._answers,), name="nvml", daemon=True).start()
            try:
                found = self._answers.get(timeout=ANSWER_S)
            except Empty:
                return []  # the next call waits for the same answer
            self._answers = None
            return found

    def _ask(self, answers: SimpleQueue[list[Gpu] | None]) -> None:
        answers.put(self._listed())

    def _listed(self) -> list[Gpu] | None:
        try:
            if not self._open:
                pynvml.nvmlInit()
                self._open = True
            found = [_optional(_gpu, index) for index in range(pynvml.nvmlDeviceGetCount())]
        except pynvml.NVMLError:
            # A driver that was replaced meanwhile has to be opened anew.
            self._open = False
            return None
        return [gpu for gpu in found if gpu is not None]


def _gpu(index: int) -> Gpu:
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    uuid, name = pynvml.nvmlDeviceGetUUID(handle), pynvml.nvmlDeviceGetName(handle)
    memory: Memory | None = _optional(pynvml.nvmlDeviceGetMemoryInfo, handle)
    degrees: int | None = _optional(pynvml.nvmlDeviceGetTemperature, handle, pynvml.NVML_TEMPERATURE_GPU)
    busy: Rates | None = _optional(pynvml.nvmlDeviceGetUtilizationRates, handle)
    milliwatts: int | None = _optional(pynvml.nvmlDeviceGetPowerUsage, handle)
    total, free = (None, None) if memory is None else (int(memory.total), int(memory.free))
    return Gpu(
        str(index),
        str(uuid),
        str(name),
        total,
        free,
        None if degrees is None else float(degrees),
        None if busy is None else float(busy.gpu),
        None if milliwatts is None else milliwatts / 1000,
    )


def _optional(ask: Callable[..., Answer], *given: object) -> Answer | None:
    """Return an answer; None for what this GPU does not tell."""
    try:
        return ask(*given)
    except pynvml.NVMLError:
        return None
