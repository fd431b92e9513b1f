"""Parsing of multipart forms: texts into a model, the one file directly to the disk."""

from __future__ import annotations

import errno
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, TypeVar

from flask import Request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import MultiPartParser
from werkzeug.wsgi import get_input_stream

from api.http.parsing import strange_text
from api.http.problems import FieldError, InvalidError, ProblemError, fault, field, pointer
from api.uploads.spool import SpooledFile
from models.messages import BodyFaults, FieldFaults, Message

Model = TypeVar("Model", bound=BaseModel)

FILE = "file"
_MOST_TEXT = 1_000_000  # bytes of a text field, and of what the parser holds at once
_PIECE = 1 << 18
_MOST_PARTS = 20


def read_form(request: Request, model: type[Model], folder: Path, limit: int) -> Model:
    """Return the form as an instance of the model; its field `file` is the path of the file, in `folder`.

    Raises:
        ProblemError: 415 for another content type, 400 for what can't be read, 413 for more than `limit` bytes.
        InvalidError: a field is missing, unknown, given twice or wrong.
        OSError: the disk is full.
    """
    boundary = request.mimetype_params.get("boundary", "")
    if request.mimetype != "multipart/form-data" or not boundary:
        raise ProblemError("unsupported_media", BodyFaults.not_a_form())
    with ExitStack() as opened:
        values, errors = _values(*_parse(request, boundary, folder, limit, opened))
    known = list(model.model_fields)
    if errors:
        raise InvalidError(errors)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise InvalidError([field(pointer(one["loc"][:1]), fault(one, known)) for one in found]) from error


def _parse(request: Request, boundary: str, folder: Path, limit: int, opened: ExitStack) -> tuple[Any, Any]:
    def spool(
        total_content_length: int | None = None,  # noqa: ARG001 - werkzeug calls it by these names
        content_type: str | None = None,  # noqa: ARG001
        filename: str | None = None,  # noqa: ARG001
        content_length: int | None = None,  # noqa: ARG001
    ) -> IO[bytes]:
        # The client's file name is ignored and never used as a path.
        handle, path = tempfile.mkstemp(prefix="upload-", dir=folder)
        file = opened.enter_context(SpooledFile(handle, Path(path)))
        return file.stream

    parser = MultiPartParser(spool, _MOST_TEXT, buffer_size=_PIECE, max_form_parts=_MOST_PARTS)
    try:
        stream = get_input_stream(request.environ, max_content_length=limit)
        return parser.parse(stream, boundary.encode("latin-1", "replace"), request.content_length)
    except RequestEntityTooLarge as error:
        raise ProblemError("too_large", _too_large(limit)) from error
    except ValueError as error:
        raise ProblemError("malformed", BodyFaults.form_unreadable(error=str(error))) from error
    except OSError as error:
        if error.errno is not None and error.errno not in {errno.ECONNRESET, errno.EPIPE}:
            raise
        raise ProblemError("malformed", BodyFaults.form_cut_off()) from error


def _too_large(limit: int) -> Message:
    return BodyFaults.upload_too_large(limit=limit, most_text=_MOST_TEXT, most_parts=_MOST_PARTS)


def _values(texts: Any, files: Any) -> tuple[dict[str, Any], list[FieldError]]:
    values: dict[str, Any] = {}
    errors: list[FieldError] = []
    for name, given in texts.lists():
        place = pointer([name.encode(errors="replace").decode()])
        if strange := next((bad for bad in map(strange_text, [name, *given]) if bad), None):
            errors.append(field(place, strange))
        elif len(given) > 1:
            errors.append(field(place, FieldFaults.given_twice()))
        elif name == FILE:
            errors.append(field(place, FieldFaults.not_a_file()))
        else:
            values[name] = given[0]
    for name, given in files.lists():
        place = pointer([name.encode(errors="replace").decode()])
        if name != FILE:
            errors.append(field(place, FieldFaults.not_the_file()))
        elif len(given) > 1:
            errors.append(field(place, FieldFaults.given_twice()))
        else:
            values[name] = given[0].stream.path
    return values, errors
