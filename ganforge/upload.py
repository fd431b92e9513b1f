"""Upload of a data set: an archive as it is, a folder as a tar, an archive from a pipe by way of a temporary file."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from ganforge import folder_tar
from ganforge.errors import EncodingError, UploadError

STANDARD_INPUT = Path("-")
_PIECE = 1 << 20
Told = Callable[[int, int], None]  # bytes sent, of how many


@dataclass(frozen=True)
class Body:
    """A multipart form whose length is known before its bytes are generated."""

    content_type: str
    length: int
    pieces: Callable[[], Iterator[bytes]]


@dataclass(frozen=True)
class _Content:
    """What is sent as the form's file."""

    name: str
    length: int
    pieces: Callable[[], Iterator[bytes]]


def body(path: Path, fields: dict[str, str], told: Told, *, skip: bool, note: Callable[[str], None]) -> Body:
    """Return the form that uploads a folder or an archive; `-` is standard input.

    `skip` leaves out files of kinds that are not read, and `note` hears of files of a folder that are left out anyway.

    Raises:
        UploadError: there is nothing to upload.
        EncodingError: a field is not UTF-8 text.
    """
    try:
        sent = _content(path, skip=skip, note=note)
    except OSError as error:
        raise _unreadable(path if error.filename is None else Path(os.fsdecode(error.filename)), error) from error
    boundary = uuid.uuid4().hex
    form = "".join(_field(boundary, field, value) for field, value in fields.items()) + (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename={_quoted(sent.name)}\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    try:
        head = form.encode()
    except UnicodeError as error:
        raise EncodingError from error
    tail = f"\r\n--{boundary}--\r\n".encode()

    def pieces() -> Iterator[bytes]:
        count = 0
        yield head
        for piece in sent.pieces():
            yield piece
            count += len(piece)
            told(count, sent.length)
        yield tail

    return Body(f"multipart/form-data; boundary={boundary}", len(head) + sent.length + len(tail), pieces)


def _content(path: Path, *, skip: bool, note: Callable[[str], None]) -> _Content:
    if path == STANDARD_INPUT:
        return _piped(path.name, sys.stdin.buffer)
    path = path.absolute()
    facts = path.stat()
    if stat.S_ISDIR(facts.st_mode):
        members = folder_tar.members(path, skip=skip, note=note)
        return _Content(f"{path.name}.tar", folder_tar.length_of(members), partial(folder_tar.tar, members))
    if stat.S_ISREG(facts.st_mode):
        return _Content(path.name, facts.st_size, partial(_file, path, facts.st_size))
    if stat.S_ISFIFO(facts.st_mode):
        with path.open("rb") as pipe:
            return _piped(path.name, pipe)
    raise UploadError(f"{path} is a device or a socket: give a folder, an archive, or - for standard input")


def _piped(name: str, pipe: BinaryIO) -> _Content:
    """Return what comes through a pipe. It goes to a temporary file, since an upload tells its length first."""
    if pipe.isatty():
        raise UploadError("standard input is a terminal: pipe an archive into this command, or give a folder or a file")
    file = tempfile.TemporaryFile(prefix="ganforge-")  # noqa: SIM115 - read while it is sent; it has no name to remove
    try:
        shutil.copyfileobj(pipe, file, _PIECE)
        length = file.tell()
    except OSError as error:
        file.close()
        raise UploadError(
            f"the archive from {name} can't be kept in {tempfile.gettempdir()} while it is sent: {error.strerror}; "
            "set TMPDIR to a folder with more space, or save it to a file first"
        ) from error
    file.seek(0)
    return _Content("archive", length, lambda: iter(lambda: file.read(_PIECE), b""))


def _field(boundary: str, name: str, value: str) -> str:
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'


def _quoted(name: str) -> str:
    return json.dumps(name.encode("utf-8", "replace").decode().replace('"', "_").replace("\\", "_"))


def _file(path: Path, size: int) -> Iterator[bytes]:
    """Yield the bytes of a file, of which `size` were promised.

    Raises:
        UploadError: there are more or fewer by now, or they cannot be read.
    """
    left = size
    try:
        with path.open("rb") as file:
            while piece := file.read(min(_PIECE, left)):
                left -= len(piece)
                yield piece
            if left or file.read(1):
                raise UploadError(f"{path} changed during the upload; upload it again when it no longer changes")
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> UploadError:
    return UploadError(f"{path} can't be read: {error.strerror or error}")
