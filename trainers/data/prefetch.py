"""The next batch on its way to a GPU while the GPU works on this one, for pixels that stay on the host."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Callable, NamedTuple, Protocol

import torch

if TYPE_CHECKING:
    from concurrent.futures import Future
    from typing import List

    from trainers.data.sampler import Place

    Gather = Callable[[torch.Tensor], List[torch.Tensor]]


class Sent(NamedTuple):
    """Tensors of the device that are being copied, and what is recorded behind the copies."""

    tensors: list[torch.Tensor]
    copied: torch.cuda.Event


class Lane(Protocol):
    """How tensors come from the host to the device."""

    def send(self, tensors: list[torch.Tensor]) -> Sent:
        """Begin to copy; called by the thread that gathers."""

    def receive(self, sent: Sent) -> list[torch.Tensor]:
        """Return the copies; called by the thread that trains. What it queues from now on comes after the copying."""


class GpuLane:
    """Copies on a stream of its own, beside the kernels of the training."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def send(self, tensors: list[torch.Tensor]) -> Sent:
        """Queue copies out of pinned memory, which nobody waits for."""
        with torch.cuda.stream(self._stream):
            copies = [tensor.pin_memory().to(self._device, non_blocking=True) for tensor in tensors]
            copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
            copied.record(self._stream)
        return Sent(copies, copied)

    def receive(self, sent: Sent) -> list[torch.Tensor]:
        """Let the training's stream wait for the copies; the host does not."""
        training = torch.cuda.current_stream(self._device)
        training.wait_event(sent.copied)
        for tensor in sent.tensors:
            # The memory belongs to the other stream: it must not be used again there before the training is done.
            tensor.record_stream(training)
        return sent.tensors


class _Ahead(NamedTuple):
    place: Place
    sent: Future[Sent]


class Prefetch:
    """Gathers and sends one batch ahead, in a thread.

    The sampler counts a batch when it is taken, not when it is fetched, so that a checkpoint does not know of this.
    What was fetched for another place, before a batch was halved or a checkpoint put back, is never used.
    """

    def __init__(self, gather: Gather, lane: Lane) -> None:
        self._gather = gather  # numbers of images -> tensors on the host; it must change nothing
        self._lane = lane
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="prefetch")
        self._ahead: _Ahead | None = None

    def take(self, place: Place, chosen: torch.Tensor) -> list[torch.Tensor]:
        """Return the tensors of the images of these numbers, on the device."""
        ahead, self._ahead = self._ahead, None
        fetched = ahead is not None and ahead.place == place
        # An error of the thread, such as a lack of memory, is raised here.
        sent = ahead.sent.result() if ahead is not None and fetched else self._fetch(chosen)
        return self._lane.receive(sent)

    def begin(self, place: Place, chosen: torch.Tensor) -> None:
        """Fetch the images of these numbers, which will be taken next."""
        self._ahead = _Ahead(place, self._thread.submit(self._fetch, chosen))

    def _fetch(self, chosen: torch.Tensor) -> Sent:
        return self._lane.send(self._gather(chosen))
