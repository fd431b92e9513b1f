"""Download of an artifact: complete and verified, or no file at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from ganforge.errors import DownloadError
from ganforge.transport import Transport

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import Artifact


def fetch(transport: Transport, artifact: Artifact, to: Path) -> Path:
    """Write the artifact's bytes to `to` (a file, or a folder to put it into under its own name); return the file.

    Raises:
        DownloadError: the bytes differ from the stored ones, or cannot be written.
        ApiError: the service refused.
        UnreachableError: it does not answer.
    """
    # The name comes from the service: only its last part is used for the file.
    target = to / (Path(artifact["name"]).name or artifact["id"]) if to.is_dir() else to
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    except OSError as error:
        raise DownloadError(f"{target} can't be written: {error.strerror}") from error
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file, _content(transport, artifact["id"]) as answer:
            digest, size = hashlib.sha256(), 0
            for chunk in answer.iter_bytes():
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        if digest.hexdigest() != artifact["sha256"]:
            raise DownloadError(
                f"{artifact['name']} came damaged ({size} of {artifact['bytes']} bytes, wrong sha256): try again"
            )
        part.chmod(0o666 & ~_umask())
        part.replace(target)
    except OSError as error:
        raise DownloadError(f"{target} can't be written: {error.strerror}") from error
    except httpx.RequestError as error:
        raise DownloadError(f"the download of {artifact['name']} was interrupted ({error}): try again") from error
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
    return target


@contextmanager
def _content(transport: Transport, artifact_id: str) -> Iterator[httpx.Response]:
    path = f"/v1/artifacts/{artifact_id}/content"
    redirect = transport.send("GET", path)
    linked = _follow(transport, redirect.headers["Location"]) if redirect.has_redirect_location else None
    if linked is not None:
        with closing(linked):
            yield linked
        return
    # The object store may be unreachable from here; the service then forwards the bytes itself.
    with transport.stream(f"{path}?redirect=false", {}) as answer:
        yield answer


def _follow(transport: Transport, link: str) -> httpx.Response | None:
    try:
        answer = transport.links.send(transport.links.build_request("GET", link), stream=True)
    except httpx.ConnectError:
        return None
    if answer.is_success:
        return answer
    answer.close()
    return None


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
