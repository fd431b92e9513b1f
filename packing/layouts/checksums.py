"""Checksums of files that their authors published."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Mapping

if TYPE_CHECKING:
    from pathlib import Path

_PIECE = 1 << 20


def first_other(folder: Path, published: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the name of the first file that is not the published one, and what is wrong; None if all are right."""
    for name, wanted in published.items():
        try:
            found = _md5(folder / name)
        except OSError as error:
            return name, str(error)
        if found != wanted:
            return name, f"its MD5 is {found}, not {wanted}"
    return None


def _md5(path: Path) -> str:
    digest = hashlib.md5()  # noqa: S324 - the authors published these, and no others
    with path.open("rb") as file:
        for piece in iter(lambda: file.read(_PIECE), b""):
            digest.update(piece)
    return digest.hexdigest()
