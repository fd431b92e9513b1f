"""CIFAR-10's batches without numpy: pickles of which only lists, numbers and the bytes of arrays are taken.

A pickle can name any function to be called. Here it can name what an array is made of, and nothing else, so a batch
that is not the official one is refused or shows other pictures, and does no harm.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, NamedTuple

from packing.layouts import CIFAR_FILES

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 32
PICTURE = 3 * SIDE * SIDE


class Batch(NamedTuple):
    """Pictures, 3,072 bytes each, channel by channel; and the number of each one's class."""

    pixels: bytes
    labels: list[int]


class _Array:
    """Stands in for an array of numpy while it is read: keeps its bytes."""

    content = b""

    def __init__(self, *_: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, tuple) and state and isinstance(state[-1], bytes):
            self.content = state[-1]


def _encode(text: Any, _: Any = None) -> bytes:
    return text.encode("latin-1") if isinstance(text, str) else b""


_KNOWN = {
    "numpy.core.multiarray _reconstruct": _Array,
    "numpy._core.multiarray _reconstruct": _Array,
    "numpy ndarray": _Array,
    "numpy dtype": _Array,
    "_codecs encode": _encode,
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Return what stands in for a name."""
        if f"{module} {name}" not in _KNOWN:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a batch of pictures")
        return _KNOWN[f"{module} {name}"]


def batches(folder: Path) -> dict[str, list[Batch]]:
    """Return the batches of both parts.

    Raises:
        ValueError: a file is no such batch.
        OSError: one cannot be read.
    """
    names = {"train": CIFAR_FILES[1:-1], "test": CIFAR_FILES[-1:]}
    return {part: [_read(folder / name) for name in files] for part, files in names.items()}


def _read(path: Path) -> Batch:
    try:
        with path.open("rb") as file:
            found = {_name(name): value for name, value in _Reader(file, encoding="bytes").load().items()}
        pixels, labels = found["data"].content, [int(label) for label in found["labels"]]
    except (pickle.UnpicklingError, AttributeError, EOFError, KeyError, IndexError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no batch of CIFAR-10 ({error})") from error
    if len(pixels) != PICTURE * len(labels):
        raise ValueError(f"{path} holds {len(pixels)} bytes for {len(labels)} pictures")
    return Batch(pixels, labels)


def _name(name: Any) -> str:
    return name.decode("ascii") if isinstance(name, bytes) else str(name)
