"""The packed file: a safetensors file written as a stream, so that a data set need not fit into memory.

Each part (`train`, `test`; or `trainA`, `trainB`, `testA`, `testB` for translation) is a tensor ``<part>.pixels``,
uint8 (n, channels, height, width), and, where there are classes, ``<part>.labels``, uint8 (n, 2): little-endian numbers
below 65,536, in bytes: a number of several bytes would have to begin at a multiple of them, behind pixels of any
count. The text ``ganforge`` in its metadata is JSON: ``classes``, and whatever the writer adds.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

FORMAT = 1
PARTS = ("train", "test", "trainA", "trainB", "testA", "testB")
# The length of the header must be known before the first pixel. It has room for 1000 class names, padded with spaces.
_HEADER = (1 << 17) - 8
_MOST_CLASSES = 1 << 16


class PackedWriter:
    """Writes under a temporary name and renames at the end, so that a file that exists is complete. A context manager.

    ``shape`` is (channels, height, width) of every picture. Parts are written one after the other.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int], classes: tuple[str, ...] = ()) -> None:
        self.path = path
        self.shape = shape
        self.classes = classes
        self.counts: dict[str, int] = {}
        self._labels: dict[str, bytearray] = {}
        self._partial = path.with_name(f".{path.name}.{os.getpid()}.part")
        self._size = shape[0] * shape[1] * shape[2]
        self._file = self._partial.open("wb")
        self._file.write(bytes(8 + _HEADER))

    def __enter__(self) -> PackedWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self._partial.exists():
            self._partial.unlink()

    def add(self, part: str, pixels: bytes, label: int | None = None) -> None:
        """Add one picture, channel by channel, row by row.

        Raises:
            ValueError: the part is unknown or was left before, or the bytes are not one picture.
            OSError: the disk is full.
        """
        if part not in self.counts:
            if part not in PARTS:
                raise ValueError(f"part is {part!r}; it must be one of {', '.join(PARTS)}")
            self.counts[part] = 0
            self._labels[part] = bytearray()
        elif part != next(reversed(self.counts)):
            raise ValueError(f"part {part} was left before; write one part after the other")
        if len(pixels) != self._size:
            raise ValueError(f"a picture of {len(pixels)} bytes does not have the shape {self.shape}")
        self._file.write(pixels)
        self.counts[part] += 1
        if label is not None:
            if not 0 <= label < min(_MOST_CLASSES, len(self.classes)):
                raise ValueError(f"label {label} is none of {len(self.classes)} classes")
            self._labels[part] += label.to_bytes(2, "little")

    def finish(self, **facts: Any) -> None:
        """Write labels and header, sync the file to disk, and rename it.

        Raises:
            ValueError: no picture at all, labels for some pictures only, or too many class names for the header.
            OSError: the disk is full.
        """
        if not self.counts:
            raise ValueError("there is nothing in it")
        entries: dict[str, Any] = {
            "__metadata__": {
                "ganforge": json.dumps({"format": FORMAT, "classes": self.classes, **facts}, sort_keys=True)
            }
        }
        end = 0
        for part, count in self.counts.items():
            begin, end = end, end + count * self._size
            entries[f"{part}.pixels"] = {"dtype": "U8", "shape": [count, *self.shape], "data_offsets": [begin, end]}
        for part, labels in self._labels.items():
            if not labels:
                continue
            if len(labels) != 2 * self.counts[part]:
                raise ValueError(f"part {part} has labels for some of its pictures only")
            begin, end = end, end + len(labels)
            entries[f"{part}.labels"] = {"dtype": "U8", "shape": [len(labels) // 2, 2], "data_offsets": [begin, end]}
            self._file.write(labels)
        header = json.dumps(entries, separators=(",", ":")).encode()
        if len(header) > _HEADER:
            raise ValueError(f"{len(self.classes)} class names are too many or too long")
        self._file.seek(0)
        self._file.write(_HEADER.to_bytes(8, "little") + header.ljust(_HEADER))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._partial.replace(self.path)
