"""Records pieces of a step without a GPU, as a CUDA graph would: operators, with the very tensors that they work on.

Whatever Python decides, and every number that it passes, is frozen when it is recorded; each replay runs the same
operators on the same memory. What CUDA refuses to record is an error here too: reading a number, drawing random ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

# Operators that make the host wait for a number.
_READS = ("_local_scalar_dense", "equal", "is_nonzero", "nonzero")


class _Operators(TorchDispatchMode):
    """Keeps every operator that makes or changes numbers, and what it changed, as it was before."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, Any, Any, list[torch.Tensor]]] = []
        self.before: list[tuple[torch.Tensor, torch.Tensor]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = kwargs or {}
        name = func._schema.name.partition("::")[2]
        if name in _READS or torch.Tag.nondeterministic_seeded in func.tags:
            raise RuntimeError(f"{name} cannot be recorded")
        given = _tensors((args, named))
        # Batch normalisation changes its running statistics, which its signature does not always tell.
        if func._schema.is_mutable or "batch_norm" in name:
            self.before += [(one, one.clone()) for one in given]
        out = func(*args, **named)
        # A view shows what its source holds, also after a replay.
        memory = {one.untyped_storage().data_ptr() for one in given}
        made = [one for one in _tensors(out) if one.untyped_storage().data_ptr() not in memory]
        if made or func._schema.is_mutable:
            self.calls.append((func, args, named, made))
        return out

    def undo(self) -> None:
        """Put everything back that was there before."""
        with torch.no_grad():
            for tensor, value in reversed(self.before):
                tensor.copy_(value)
        self.before.clear()

    @torch.no_grad()
    def replay(self) -> None:
        """Run all operators again, each on the tensors that it had and into those that it made."""
        for func, args, named, made in self.calls:
            again = _tensors(func(*args, **named))
            if made:
                memory = {one.untyped_storage().data_ptr() for one in _tensors((args, named))}
                fresh = [one for one in again if one.untyped_storage().data_ptr() not in memory]
                for old, new in zip(made, fresh, strict=True):
                    old.copy_(new)


class Tape:
    """Records on the CPU, and counts what it is asked for."""

    def __init__(self) -> None:
        self.warmed = self.recorded = self.replayed = self.forgotten = 0

    def warm_up(self, call: Callable[[], Sequence[torch.Tensor]]) -> Sequence[torch.Tensor]:
        """Make the call."""
        self.warmed += 1
        return call()

    def record(self, call: Callable[[], None]) -> Callable[[], None]:
        """Make the call and undo it, so that nothing has changed but what Python keeps."""
        operators = _Operators()
        try:
            with operators:
                call()
        finally:
            operators.undo()
        self.recorded += 1

        def replay() -> None:
            self.replayed += 1
            operators.replay()

        return replay

    def forget(self) -> None:
        """Count it."""
        self.forgotten += 1


def _tensors(tree: Any) -> list[torch.Tensor]:
    return [one for one in tree_leaves(tree) if isinstance(one, torch.Tensor)]
