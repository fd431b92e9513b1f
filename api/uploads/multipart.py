"""Parsing of multipart forms: texts into a model, the one file directly to the disk."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from flask import Request
from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import Headers
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import (
    HEADER_CONTINUATION_RE,
    Data,
    Epilogue,
    Event,
    Field,
    File,
    MultipartDecoder,
    NeedData,
)

from api.http.field_faults import fault
from api.http.parsing import strange_text
from api.http.problems import FieldError, InvalidError, ProblemError, field, pointer
from api.uploads.body import Body
from api.uploads.spool import SpooledFile
from models.messages import BodyFaults, FieldFaults, Message

Model = TypeVar("Model", bound=BaseModel)

FILE = "file"
# Read and written in a fifth of a millisecond. Everybody else's requests wait that long for each upload under way.
_PIECE = 1 << 16
_MOST_PARTS = 20
_MOST_TEXT = 65_536  # bytes of a text field; the longest field is a name
_MOST_HELD = 1_000_000  # bytes that the decoder holds at once: more than a piece, and than any part's headers
# Encodings that a client may state for a text field. Whatever else it states, the text has to be UTF-8.
_CHARSETS = {"ascii", "us-ascii", "iso-8859-1"}
_HAS_FILENAME = re.compile(r";\s*filename\*?\s*=", re.IGNORECASE)


class _Decoder(MultipartDecoder):
    """Takes headers that are not UTF-8: the client's file name may be in the encoding of its machine, and is unused."""

    def _parse_headers(self, data: bytes | bytearray) -> Headers:
        lines = HEADER_CONTINUATION_RE.sub(b" ", data).splitlines()
        parted = (line.decode("utf-8", "surrogateescape").partition(":") for line in lines if line.strip(b" \t"))
        return Headers([(name.strip(" \t"), value.strip(" \t")) for name, _, value in parted])


class _Form:
    """Collects the parts of a form as they come."""

    def __init__(self, open_file: Callable[[], SpooledFile]) -> None:
        self.values: dict[str, object] = {}
        self.errors: list[FieldError] = []
        self._open_file = open_file
        self._parts = 0
        self._name = ""
        self._charset = "utf-8"
        self._text = bytearray()
        self._file: SpooledFile | None = None

    def begin(self, part: Field | File) -> None:
        """Begin a part.

        Raises:
            ProblemError: it has no name, or is one too many.
            InvalidError: a file that is no field's, or text in place of the file: the rest is not worth reading.
        """
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise ProblemError("malformed", BodyFaults.too_many_parts(limit=_MOST_PARTS))
        if not isinstance(part.name, str):
            raise ProblemError("malformed", BodyFaults.part_without_name())
        self._name = part.name
        is_file = isinstance(part, File) or bool(_HAS_FILENAME.search(part.headers["content-disposition"]))
        if is_file != (part.name == FILE):
            self.refuse(FieldFaults.not_the_file() if is_file else FieldFaults.not_a_file())
        if part.name in self.values:
            self.refuse(FieldFaults.given_twice())
        if is_file:
            self._file = self._open_file()
        else:
            stated = parse_options_header(part.headers.get("content-type"))[1].get("charset", "").lower()
            self._charset = stated if stated in _CHARSETS else "utf-8"

    def add(self, data: Data) -> None:
        """Take data of the part that has begun.

        Raises:
            InvalidError: the text is too long.
            ProblemError: 503 when the disk has no room for the file.
        """
        if self._file is not None:
            self._file.write(data.data)
        else:
            self._text += data.data
            if len(self._text) > _MOST_TEXT:
                self.refuse(FieldFaults.too_many_bytes(limit=_MOST_TEXT))
        if not data.more_data:
            self._end_part()

    def refuse(self, message: Message) -> None:
        """Refuse the form for the field that has begun, and for what was found before.

        Raises:
            InvalidError: always.
        """
        raise InvalidError([*self.errors, field(self._place(), message)])

    def close(self) -> None:
        """Close the file, whatever happened."""
        if self._file is not None:
            self._file.close()

    def _end_part(self) -> None:
        if self._file is not None:
            self._file.close()
            self.values[FILE] = self._file.path
            self._file = None
            return
        try:
            text = self._text.decode(self._charset)
            self._name.encode()  # what is not UTF-8 in a header came as halves of surrogates
        except UnicodeError:
            self.errors.append(field(self._place(), FieldFaults.text_not_utf8()))
            text = ""
        if strange := strange_text(text) or ("\0" in self._name and FieldFaults.nul_character()) or None:
            self.errors.append(field(self._place(), strange))
        self.values[self._name] = text
        self._text.clear()

    def _place(self) -> str:
        return pointer([self._name.encode(errors="replace").decode()])


def read_form(
    request: Request, model: type[Model], open_file: Callable[[], SpooledFile], limit: int, deadline_s: float
) -> Model:
    """Return the form as an instance of the model; its field `file` is the path of the file that `open_file` opened.

    Raises:
        ProblemError: 415 for another content type, 400 for what can't be read, 413 for more than `limit` bytes, 503 for
            a body that comes too late or finds no room on the disk.
        RefusalError: the body comes too slowly.
        InvalidError: a field is missing, unknown, given twice or wrong.
        OSError: the disk is full.
    """
    boundary = request.mimetype_params.get("boundary", "")
    if request.mimetype != "multipart/form-data" or not boundary:
        raise ProblemError("unsupported_media", BodyFaults.not_a_form())
    form = _Form(open_file)
    try:
        _read_parts(Body(request, limit, deadline_s), boundary.encode("latin-1", "replace"), form)
    except RequestEntityTooLarge as error:
        raise ProblemError("too_large", BodyFaults.upload_too_large(limit=limit)) from error
    finally:
        form.close()
    if form.errors:
        raise InvalidError(form.errors)
    try:
        return model.model_validate(form.values)
    except ValidationError as error:
        known = list(model.model_fields)
        found = error.errors(include_url=False)
        raise InvalidError([field(pointer(one["loc"][:1]), fault(one, known)) for one in found]) from error


def _read_parts(body: Body, boundary: bytes, form: _Form) -> None:
    for event in _events(body, boundary):
        if isinstance(event, Field | File):
            form.begin(event)
        elif isinstance(event, Data):
            form.add(event)


def _events(body: Body, boundary: bytes) -> Iterator[Event]:
    """Yield the decoder's events while the body comes.

    Raises:
        ProblemError: it is no form.
    """
    decoder = _Decoder(boundary)
    ended = False
    while not ended:
        piece = body.read(_PIECE)
        ended = not piece
        # The decoder holds what comes before the first boundary, and a part's headers, until they end.
        if len(decoder.buffer) + len(piece) > _MOST_HELD:
            raise ProblemError("malformed", BodyFaults.form_without_end(limit=_MOST_HELD))
        try:
            decoder.receive_data(piece or None)
            while not isinstance(event := decoder.next_event(), NeedData):
                if isinstance(event, Epilogue):
                    return
                yield event
        except ValueError as error:
            raise ProblemError("malformed", BodyFaults.form_unreadable(error=str(error))) from error
