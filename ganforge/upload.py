"""Upload of a data set: an archive as it is, a folder as a tar that is streamed with one file in memory at a time."""

from __future__ import annotations

import json
import os
import tarfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ganforge.errors import EncodingError, UploadError

# Only these files of a folder are uploaded.
PICTURES = {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib"}
_PIECE = 1 << 20
_BLOCK = tarfile.BLOCKSIZE
Told = Callable[[int, int], None]  # bytes sent, of how many


@dataclass(frozen=True)
class Body:
    """A multipart form whose length is known before its bytes are generated."""

    content_type: str
    length: int
    pieces: Callable[[], Iterator[bytes]]


def body(path: Path, fields: dict[str, str], told: Told) -> Body:
    """Return the form that uploads a folder or an archive.

    Raises:
        UploadError: there is nothing to upload.
        EncodingError: a field is not UTF-8 text.
    """
    path = path.absolute()
    content: Callable[[], Iterator[bytes]]
    try:
        if path.is_dir():
            members = _members(path)
            length, content, name = _tar_length(members), partial(_tar, members), f"{path.name}.tar"
        else:
            length, content, name = path.stat().st_size, partial(_file, path), path.name
    except OSError as error:
        raise UploadError(f"{path} can't be read: {error.strerror}") from error
    boundary = uuid.uuid4().hex
    form = "".join(_field(boundary, field, value) for field, value in fields.items()) + (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename={_quoted(name)}\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    try:
        head = form.encode()
    except UnicodeError as error:
        raise EncodingError from error
    tail = f"\r\n--{boundary}--\r\n".encode()

    def pieces() -> Iterator[bytes]:
        sent = 0
        yield head
        for piece in content():
            yield piece
            sent += len(piece)
            told(sent, length)
        yield tail

    return Body(f"multipart/form-data; boundary={boundary}", len(head) + length + len(tail), pieces)


def _field(boundary: str, name: str, value: str) -> str:
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'


def _quoted(name: str) -> str:
    return json.dumps(name.encode("utf-8", "replace").decode().replace('"', "_").replace("\\", "_"))


def _file(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from iter(lambda: file.read(_PIECE), b"")


@dataclass(frozen=True)
class _Member:
    path: Path | None  # None is a folder
    header: bytes
    size: int


def _members(folder: Path) -> list[_Member]:
    """Return the pictures and folders below a folder, sorted by name: a folder always gives the same data set."""
    found: list[_Member] = []
    pictures = 0
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = Path(place).relative_to(folder)
        # Folders are included so that the service notices an empty class.
        found += [_Member(None, _header(str(inside / name), 0, folder=True), 0) for name in folders]
        for name in sorted(files):
            path = Path(place, name)
            if path.suffix.lower() in PICTURES and not name.startswith("."):
                size = path.stat().st_size
                found.append(_Member(path, _header(str(inside / name), size), size))
                pictures += 1
    if not pictures:
        raise UploadError(f"{folder} holds no pictures of these types: {', '.join(sorted(PICTURES))}")
    return found


def _header(name: str, size: int, *, folder: bool = False) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    if folder:
        info.type = tarfile.DIRTYPE
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _tar_length(members: list[_Member]) -> int:
    return sum(len(member.header) + _padded(member.size) for member in members) + 2 * _BLOCK


def _tar(members: list[_Member]) -> Iterator[bytes]:
    for member in members:
        content = b""
        if member.path is not None:
            try:
                content = member.path.read_bytes()
            except OSError as error:
                raise UploadError(f"{member.path} can't be read: {error.strerror}") from error
            if len(content) != member.size:
                raise UploadError(f"{member.path} changed during the upload; upload it again when it no longer changes")
        yield member.header + content.ljust(_padded(member.size), b"\0")
    yield bytes(2 * _BLOCK)
