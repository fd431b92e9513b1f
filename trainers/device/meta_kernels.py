"""Keeps out of trainers what torch registers, as it is imported, for tensors without data.

Only its compiler computes with such tensors, and trainers never compile. Each trainer is ready sooner for it
(docs/decisions/0024-no-compiler-in-trainers.md has the figures).
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

NAME = "torch._meta_registrations"


class NoMetaKernels(ModuleType):
    """Stands for `torch._meta_registrations`, which torch imports and never asks. A name brings in the real one."""

    def __getattr__(self, name: str) -> object:
        """Import the real module. Whoever looks through all modules asks for double underscores, and needs none."""
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(bring_in(), name)


def keep_out() -> None:
    """Put the stand-in in the place of the registrations. Torch must not be imported yet, or this changes nothing."""
    if "torch" not in sys.modules:
        sys.modules[NAME] = NoMetaKernels(NAME)


def complete() -> None:
    """Import what torch needs of them for itself, once it is imported: since 2.14, its generators of random numbers."""
    torch = importlib.import_module("torch")
    try:
        torch.Generator()
    except RuntimeError:  # which names the module
        importlib.import_module("torch._prims.rng_prims")


def bring_in() -> ModuleType:
    """Import the real module if the stand-in is in its place, and return it.

    Raises:
        ImportError: this torch has no such module.
    """
    if isinstance(sys.modules.get(NAME), NoMetaKernels):
        del sys.modules[NAME]
    return importlib.import_module(NAME)
