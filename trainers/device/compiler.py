"""Keeps torch's compiler out of trainers, which never compile.

Optimizers import `torch._dynamo` only to tell the compiler to leave them alone, which costs every trainer time and
memory (docs/decisions/0024-no-compiler-in-trainers.md has the figures).
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar

import torch

from trainers.device import meta_kernels

if TYPE_CHECKING:
    from typing import Callable

    Function = TypeVar("Function", bound=Callable[..., object])

NAME = "torch._dynamo"


class NoCompiler(ModuleType):
    """Stands for `torch._dynamo` with the two functions that optimizers call. Any other name brings in the real one."""

    def disable(self, function: Function, recursive: bool = True, *, wrapping: bool = True) -> Function:  # noqa: ARG002
        """Return the function: without a compiler nothing looks into it."""
        return function

    def graph_break(self, *_: object) -> None:
        """Do nothing: there is no graph."""

    def __getattr__(self, name: str) -> object:
        """Import the real module. Whoever looks through all modules asks for double underscores, and needs none."""
        if name.startswith("__") and name != "__path__":
            raise AttributeError(name)
        if sys.modules.get(NAME) is self:
            del sys.modules[NAME]
            with contextlib.suppress(ImportError):  # an older torch, which has none
                meta_kernels.bring_in()
        return getattr(importlib.import_module(NAME), name)


def keep_out() -> None:
    """Put the stand-in in the place of the compiler, unless it is there already."""
    if NAME not in sys.modules:
        stand_in = NoCompiler(NAME)
        sys.modules[NAME] = stand_in
        # `import torch._dynamo` binds `torch`; the name is then looked up in it.
        setattr(torch, "_dynamo", stand_in)  # noqa: B010 - mypy knows torch's own
