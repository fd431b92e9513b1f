"""Pieces of a step as CUDA graphs: the GPU gets all kernels of a piece in one call instead of one after the other.

A piece is a function of tensors that makes the same calls on tensors of the same sizes every time. It draws no random
numbers, reads no number on the host and depends on no number that changes: those are in its inputs, or in tensors that
the step writes before. docs/decisions/0033-steps-in-graphs.md has the reasons.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Callable, Iterable, NamedTuple, Protocol, Sequence

import torch

from models.messages import Logs

if TYPE_CHECKING:
    from torch import Tensor

    from models.messages import Message

    Piece = Callable[..., Sequence[Tensor]]  # inputs -> scalars
    Key = tuple[object, ...]

# `off` makes every step run kernel by kernel, with the same weights to the bit.
SETTING = "GANFORGE_CUDA_GRAPHS"
# Calls of a piece before it is recorded. They are steps of the training like all others, and make what is made only
# once: the state of optimizers, handles and workspaces of libraries.
WARM_UPS = 2
# What recording ends with where it does not work. Some versions of torch lack an argument, or the whole function.
_CANNOT = (RuntimeError, MemoryError, TypeError, AttributeError)


class Capture(Protocol):
    """How calls are recorded."""

    def warm_up(self, call: Callable[[], Sequence[Tensor]]) -> Sequence[Tensor]:
        """Make a call as it will be recorded."""

    def record(self, call: Callable[[], None]) -> Callable[[], None]:
        """Record a call without making it; return what makes it.

        Raises:
            RuntimeError: the call cannot be recorded.
        """

    def forget(self) -> None:
        """Wait for what was recorded, which nobody will make again."""


class CudaCapture:
    """Records with CUDA. All graphs share the memory of what they compute in between, which no graph reads later."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        # Nothing can be recorded on the stream on which everything else runs.
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()

    def warm_up(self, call: Callable[[], Sequence[Tensor]]) -> Sequence[Tensor]:
        """Make a call on the stream that records, because backward passes and workspaces keep to their stream."""
        training = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(training)
        with torch.cuda.stream(self._stream):
            made = call()
        training.wait_stream(self._stream)
        return made

    def record(self, call: Callable[[], None]) -> Callable[[], None]:
        """Record a call. Other threads may go on meanwhile: they write a checkpoint, or fetch a batch."""
        graph, training = torch.cuda.CUDAGraph(), torch.cuda.current_stream(self._device)
        try:
            with torch.cuda.graph(graph, self._pool, self._stream, capture_error_mode="thread_local"):
                call()
        except _CANNOT:
            self._end_allocation()
            raise
        finally:
            # After an error torch may leave its own stream in place.
            torch.cuda.set_stream(training)
        return graph.replay

    def forget(self) -> None:
        """Wait for the last replays, whose memory may be given away. A pool without graphs cannot be used again."""
        torch.cuda.synchronize(self._device)
        self._pool = torch.cuda.graph_pool_handle()

    def _end_allocation(self) -> None:
        """Tell the allocator that nothing is recorded any more: until it knows, it returns no memory to the GPU."""
        end = getattr(torch._C, "_cuda_endAllocateToPool", None)
        # It may know already, and other versions of torch have other ways.
        with suppress(*_CANNOT):
            if end is not None:
                end(torch.cuda.current_device(), self._pool)


class _Recorded(NamedTuple):
    """A recorded piece, with the tensors that it reads and writes each time."""

    inputs: list[Tensor | None]
    outputs: Tensor  # [outputs of the piece]
    gradients: list[tuple[Tensor, Tensor]]  # weights, and what their gradients are written to
    replay: Callable[[], None]


def _silent(_words: Message) -> None:
    """Tell nobody."""


class Graphs:
    """Calls the pieces of a method's steps: from their third call on as recorded, if there is a way to record.

    A piece that cannot be recorded ends the recording, never the training.
    """

    def __init__(self, capture: Capture | None = None, tell: Callable[[Message], None] = _silent) -> None:
        self._capture = capture
        self._tell = tell
        self._calls: dict[Key, int] = {}
        self._recorded: dict[Key, _Recorded] = {}

    @property
    def on(self) -> bool:
        """Whether pieces are recorded."""
        return self._capture is not None

    def forget(self) -> None:
        """Forget what was recorded: tensors are about to be replaced, or memory is needed."""
        if self._capture is not None:
            self._capture.forget()
        self._calls.clear()
        self._recorded.clear()

    def run(
        self,
        name: str,
        piece: Piece,
        inputs: Sequence[Tensor | None],
        branch: object = None,
        trained: Iterable[Tensor] = (),
    ) -> Sequence[Tensor]:
        """Call a piece and return its outputs, all of them scalars.

        ``branch`` says which way the piece goes, where it has several. The gradients of ``trained`` are those of this
        call afterwards.
        """
        if self._capture is None:
            return piece(*inputs)
        key = (name, branch, *(None if one is None else one.shape for one in inputs))
        found = self._recorded.get(key)
        if found is None:
            self._calls[key] = self._calls.get(key, 0) + 1
            if self._calls[key] <= WARM_UPS:
                return self._capture.warm_up(lambda: piece(*inputs))
            try:
                found = self._recorded[key] = _record(self._capture, piece, inputs, trained)
            except _CANNOT as error:
                # Nothing has been computed yet, so the step can still be done.
                self._give_up(error)
                return piece(*inputs)
        return _replay(found, inputs)

    def _give_up(self, error: BaseException) -> None:
        self.forget()
        self._capture = None
        self._tell(Logs.no_graphs(error=" ".join(str(error).split())[:200]))


def of(device: torch.device, tell: Callable[[Message], None] = _silent) -> Graphs:
    """Return what calls pieces on this device: as graphs on a GPU, unless the environment forbids it."""
    allowed = device.type == "cuda" and os.environ.get(SETTING, "on") != "off"
    return Graphs(CudaCapture(device) if allowed else None, tell)


def _record(capture: Capture, piece: Piece, inputs: Sequence[Tensor | None], trained: Iterable[Tensor]) -> _Recorded:
    held = [None if one is None else torch.zeros_like(one) for one in inputs]
    made: list[Tensor] = []
    replay = capture.record(lambda: made.append(torch.stack(list(piece(*held)))))
    # Held on to, so that no later graph writes to them between a replay and the step of the optimizer.
    gradients = [(weight, weight.grad) for weight in trained if weight.grad is not None]
    return _Recorded(held, made[0], gradients, replay)


def _replay(recorded: _Recorded, inputs: Sequence[Tensor | None]) -> Sequence[Tensor]:
    for held, given in zip(recorded.inputs, inputs):
        if held is not None and given is not None:
            held.copy_(given)
    recorded.replay()
    for weight, gradient in recorded.gradients:
        weight.grad = gradient
    # A copy: the next replay, of whatever graph, may overwrite the outputs.
    return recorded.outputs.clone().unbind()
