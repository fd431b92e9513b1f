"""Downloads of an object: a signed link, or the bytes themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from flask import Response

from api.http.routes import Reply
from stores.infra.blobs import Blobs

# An artifact never changes, so clients may cache it.
KEPT = "private, max-age=31536000, immutable"


def hand_out(
    blobs: Blobs,
    key: str,
    name: str,
    content_type: str,
    *,
    redirect: bool,
    size: int | None = None,
    part: range | None = None,
) -> Reply | Response:
    """Return a redirection to a signed link, or the object, or a part of it, as an attachment of this name."""
    filename = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    if redirect:
        return Reply(None, 303, {"Location": blobs.link(key, filename, content_type)})
    # The first piece is read before the answer begins, so that a missing object gives an error, not a truncated file.
    pieces: Iterator[bytes] = blobs.stream(key, part)
    response = Response(chain([next(pieces, b"")], pieces), mimetype=content_type)
    if size is not None:
        response.content_length = size if part is None else len(part)
    if part is not None:
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response
