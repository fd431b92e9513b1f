"""Finds what a step must not do on a GPU, without a GPU: torch's `meta` device stands in for one.

A tensor on `meta` has a shape and a type but no numbers, so that reading one is an error; and every operator that is
called tells what device its inputs are on.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from trainers.data.rng import Draws

META = torch.device("meta")
# The sizes of their outputs depend on numbers on the device.
_SIZED_BY_NUMBERS = ("nonzero", "masked_select", "unique", "_unique2", "bincount", "repeat_interleave", "argwhere")
# Without a kernel that sums in a fixed order: an exact training on a GPU would end with an error.
_UNORDERED = (
    "reflection_pad1d_backward",
    "reflection_pad2d_backward",
    "upsample_linear1d_backward",
    "upsample_bilinear2d_backward",
    "upsample_bicubic2d_backward",
    "_adaptive_avg_pool2d_backward",
    "adaptive_max_pool2d_backward",
    "grid_sampler_2d_backward",
    "max_unpool2d",
    "nll_loss2d_forward",
    "histc",
    "median",
    "put_",
)
_READS = ("_local_scalar_dense", "equal", "is_nonzero")


class MetaDraws(Draws):
    """Draws on the device that stands for a GPU. Numbers of the host are as ever."""

    def __init__(self, seed: int, salt: int) -> None:
        super().__init__(seed, salt, torch.device("cpu"))
        self.device = META

    def salted(self, salt: int) -> Draws:
        """Return the same draws with another salt."""
        return MetaDraws(self.seed, salt)

    def normal(self, shape: tuple[int, ...], stream: str, *index: int) -> torch.Tensor:
        """Return a tensor on the device."""
        return torch.randn(shape, device=self.device)

    def uniform(self, shape: tuple[int, ...], stream: str, *index: int) -> torch.Tensor:
        """Return a tensor on the device."""
        return torch.rand(shape, device=self.device)


class Waits(TorchDispatchMode):
    """Lists the operators that would wait (reads of numbers, sizes from numbers, copies from ordinary memory).

    It also lists those that have no deterministic kernel on a GPU.
    """

    def __init__(self, monkeypatch: Any) -> None:
        super().__init__()
        self.found: list[str] = []
        self._pinned: list[torch.Tensor] = []
        # There is no pinned memory without a GPU: a copy that is remembered stands for it.
        monkeypatch.setattr(torch.Tensor, "pin_memory", self._pinning())
        for name in ("tensor", "as_tensor"):
            monkeypatch.setattr(torch, name, self._from_numbers(name, getattr(torch, name)))
        new_tensor = torch.Tensor.new_tensor
        monkeypatch.setattr(torch.Tensor, "new_tensor", self._from_numbers("new_tensor", new_tensor))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = kwargs or {}
        given = [one for one in tree_leaves((args, named)) if isinstance(one, torch.Tensor)]
        name = func._schema.name.partition("::")[2]
        on_device = [one for one in given if one.device == META]
        # A number on the host is passed to a kernel by its value.
        on_host = [one for one in given if one.device != META and one.dim()]
        if on_device and name in (*_SIZED_BY_NUMBERS, *_READS, *_UNORDERED):
            self.found.append(name)
        elif name == "index" and any(one.dtype == torch.bool for one in on_device[1:]):
            self.found.append("index by bool")
        elif name in ("_to_copy", "copy_"):
            self._look_at_copy(name, given, named, args)
        elif on_device and on_host:
            self.found.append(f"{name} of both devices")
        return func(*args, **named)

    def _look_at_copy(self, name: str, given: list[torch.Tensor], named: dict[str, Any], args: Any) -> None:
        source = given[-1]
        target = torch.device(named.get("device") or source.device) if name == "_to_copy" else given[0].device
        if target == source.device:
            return
        waits = not (named.get("non_blocking") or (name == "copy_" and len(args) > 2 and args[2]))
        pinned = any(source.data_ptr() == one.data_ptr() for one in self._pinned) if target == META else False
        if waits or not pinned:
            self.found.append(f"{name} from {source.device} to {target}")

    def _pinning(self) -> Any:
        def pin_memory(tensor: torch.Tensor) -> torch.Tensor:
            assert tensor.device.type == "cpu"
            self._pinned.append(tensor.clone())
            return self._pinned[-1]

        return pin_memory

    def _from_numbers(self, name: str, made: Any) -> Any:
        def record(*args: Any, **named: Any) -> Any:
            made_of = made(*args, **named)
            if made_of.device == META:
                self.found.append(name)
            return made_of

        return record
