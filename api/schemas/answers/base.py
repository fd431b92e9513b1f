"""The base class of answers, and a page of a list."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Entry = TypeVar("Entry")


class Answer(BaseModel):
    """An answer of this service."""

    model_config = ConfigDict(extra="forbid")


class Page(Answer, Generic[Entry]):
    """One page of a list."""

    data: list[Entry]
    next_cursor: str | None = Field(description="Pass it as `cursor` for the next page; null at the end.")
