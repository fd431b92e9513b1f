"""Looks at the live generator: when they are due, and their figures once the device has made them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainers.loop.look_watches import EVERY, EVERY_STEPS, Measure, Seen

if TYPE_CHECKING:
    import torch

    from trainers.methods.live_look import LiveLook, Look

_KEPT = "look"  # the name, in a checkpoint, of the fakes that the next look compares with


class Looks:
    """Takes looks between steps. They stay on the device until the metrics of their steps are read."""

    def __init__(self, live: LiveLook | None, batch_size: int) -> None:
        self._live = live
        self._measure = None if live is None else Measure(live.real, live.others)
        # In images, so that looks come at the same steps in every run of a job.
        self.every = max(EVERY, EVERY_STEPS * batch_size)
        self._unread: dict[int, Look] = {}

    def due(self, before: int, seen: int) -> bool:
        """Return whether to look after a step that took the images seen from ``before`` to ``seen``."""
        return self._live is not None and seen // self.every > before // self.every

    def take(self, step: int) -> None:
        """Look after this step. Waits for nothing."""
        if self._live is not None:
            self._unread[step] = self._live.take()

    def read(self, step: int) -> Seen | None:
        """Return the figures of the look after this step, if there was one. Waits for the device."""
        look = self._unread.pop(step, None)
        return None if look is None or self._measure is None else self._measure.see(look)

    def discard(self) -> None:
        """Forget what was not read: those steps will be done again from a checkpoint."""
        self._unread.clear()

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return what the next look compares with, for the checkpoint."""
        before = None if self._measure is None else self._measure.before
        return {} if before is None else {_KEPT: before}

    def restore(self, tensors: dict[str, torch.Tensor]) -> None:
        """Continue from a checkpoint; those of earlier versions lack it."""
        if self._measure is not None:
            before = tensors.get(_KEPT)
            self._measure.before = None if before is None else before.clone()
