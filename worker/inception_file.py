"""The user's file of Inception weights: found in `extractors/` below a data root, and known by its sha256."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from models import wire
from models.extractors import FOLDER, INCEPTION, INCEPTION_FILES
from models.messages import ExtractorFaults, Message, MessageError, Words

# Names of files that are not looked into: a file of weights has a hundred megabytes.
_LEAST_BYTES = 50_000_000


class NoInceptionError(MessageError):
    """There is no file of known Inception weights; the message tells where it was looked for, and what would do."""


def find(roots: Sequence[Path], least_bytes: int = _LEAST_BYTES) -> wire.ExtractorSpec:
    """Return the extractor of the first file whose sha256 is known.

    Raises:
        NoInceptionError
    """
    unknown = []
    for path in _files(roots, least_bytes):
        try:
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            unknown.append(f"{path} ({error.strerror})")
            continue
        if sha256 in INCEPTION_FILES:
            return wire.ExtractorSpec(INCEPTION, path.absolute(), sha256)
        unknown.append(f"{path} ({sha256})")
    raise NoInceptionError(_none(roots, unknown))


def _files(roots: Sequence[Path], least_bytes: int) -> Iterator[Path]:
    for root in roots:
        folder = root / FOLDER
        if folder.is_dir():
            yield from (
                path for path in sorted(folder.iterdir()) if path.is_file() and path.stat().st_size >= least_bytes
            )


def _none(roots: Sequence[Path], unknown: list[str]) -> Message:
    *others, last = (known.file for known in INCEPTION_FILES.values())
    files = Words.either(some=others, last=last)
    folders = [str(root / FOLDER) for root in roots]
    if not folders:
        return ExtractorFaults.no_data_roots(files=files)
    if unknown:
        return ExtractorFaults.unknown_files(found=unknown, files=files)
    return ExtractorFaults.no_inception_file(folders=folders, files=files)
