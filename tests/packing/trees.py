"""Trees of files as people have them, laid out as a folder and packed in every way that an upload may come."""

from __future__ import annotations

import base64
import warnings
from pathlib import Path
from typing import Any

from ganforge import folder_tar
from models.messages import Message
from packing.importer import Order, import_archive
from tests.api.uploads.archives import Files, tarred, zipped

# 24x16 pixels, red on the left and blue on the right; libheif's encoder made it.
HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAXxtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9jAAAA"
    "AERAAAEAAQAAAAABoAABAAAAAAAAAEcAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA/GlwcnAAAADc"
    "aXBjbwAAAHVodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQApQgEBA3AAAAMAkAAAAwAA"
    "AwAeoCCBBZbqrprm4CGgwIAAAAyAAAADAIRiAAEABkQBwXPBiQAAABNjb2xybmNseAABAA0ABoAAAAAUaXNwZQAAAAAAAABAAAAAQAAAAChjbGFw"
    "AAAAGAAAAAEAAAAQAAAAAf///9gAAAAC////0AAAAAIAAAAQcGl4aQAAAAADCAgIAAAAGGlwbWEAAAAAAAAAAQABBYECAwWEAAAAT21kYXQAAABD"
    "KAGvEyGlHGjlNVP9k5dSAWZepMAs8abNDLZBeYwWFQuIKrUHLoUr6IL1KgOm6DcX0fqAc1O958wttzVhgLSb4X8w2A=="
)


def laid_out(folder: Path, files: Files) -> Path:
    """Write the files below a folder; a name that ends with a slash is a folder."""
    for name, content in files.items():
        path = folder / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_bytes(content)
    return folder


def sent(folder: Path, *, skip: bool = False) -> bytes:
    """Return the tar that the command line sends of a folder."""
    return b"".join(folder_tar.tar(folder_tar.members(folder, skip=skip, note=lambda _note: None)))


def every_way(folder: Path, files: Files, *, skip: bool = False) -> dict[str, bytes]:
    """Return the files as archives: sent as a folder, as a zip and as a tar."""
    return {
        "folder": sent(laid_out(folder, files), skip=skip),
        "zip": zipped(files),
        "tar": tarred({name: content for name, content in files.items() if not name.endswith("/")}),
    }


def imported(path: Path, archive: bytes, *, skip: bool = False) -> dict[str, Any]:
    """Import an archive; return the facts, with the notes in English."""
    path.mkdir(exist_ok=True)
    (path / "archive").write_bytes(archive)
    with warnings.catch_warnings():
        facts = import_archive(
            Order(path / "archive", path / "out", path / "preview", None, skip), lambda *_progress: None
        )
    return {**facts, "notes": [str(Message.of(note)) for note in facts["notes"]]}
