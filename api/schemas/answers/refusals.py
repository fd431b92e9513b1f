"""The body of an error."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from api.schemas.answers.base import Answer


class FieldError(Answer):
    """The error of one field of the request. In a search, `position` is the character at which it is, from 1."""

    model_config = ConfigDict(extra="allow")
    pointer: str = Field(description="JSON pointer into the body, or /query/NAME or /header/NAME.")
    detail: str


class Problem(Answer):
    """An error (RFC 9457)."""

    model_config = ConfigDict(extra="allow")
    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str | None
    errors: list[FieldError] = Field(default_factory=list)
