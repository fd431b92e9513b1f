"""Multipart forms. Their fields are text, so numbers and switches are read as in a query."""

from __future__ import annotations

import unicodedata
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, field_validator

from api.schemas.queries import Switch, integer
from models.ids import is_id
from models.messages import FieldFaults, RequestFaults
from packing.errors import JOINERS, is_readable
from packing.limits import LARGEST, SMALLEST

Upload = Annotated[Path, WithJsonSchema({"type": "string", "format": "binary"})]
Size = Annotated[int, Field(ge=SMALLEST, le=LARGEST), BeforeValidator(integer)]


class NewDataset(BaseModel):
    """A new data set from an archive of pictures."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Upload = Field(
        description="A zip, or a tar (plain, or packed with gzip, bzip2 or xz), of PNG, JPEG, WebP, BMP, AVIF and HEIC "
        "pictures: in one folder, in a folder for each class, or in `A/` and `B/` for translation."
    )
    name: Annotated[str, Field(min_length=1, max_length=255)] = Field(
        description="The data set's name, unique among yours."
    )
    size: Size | None = Field(
        None,
        description="Pixels a side: the shorter side is scaled to it and the middle cut out. Left out, squares of one "
        "size stay as they are and all else becomes 64.",
    )
    skip_damaged: Switch = Field(False, description="Skip damaged pictures and files of kinds that are not read.")

    @field_validator("name")
    @classmethod
    def _usable(cls, value: str) -> str:
        if not value.strip():
            raise ValueError(FieldFaults.must_not_be_blank())
        if value != value.strip():
            raise ValueError(RequestFaults.spaces_at_ends())
        unfit = _unfit_character(value)
        if unfit is not None:
            name = f"U+{ord(unfit):04X} {unicodedata.name(unfit, '')}".strip()
            raise ValueError(RequestFaults.name_with_character(character=name))
        if "/" in value or value in {".", ".."}:
            raise ValueError(RequestFaults.name_with_slash())
        if is_id("ds", value):
            raise ValueError(RequestFaults.name_like_an_id())
        return value


def _unfit_character(name: str) -> str | None:
    """Return the first character of a name that cannot be seen, or a joiner that joins nothing."""
    ends = (name[0], name[-1])
    lonely = [one for one in ends if one in JOINERS] + [two for one, two in pairwise(name) if {one, two} <= {*JOINERS}]
    return next((char for char in name if not is_readable(char)), None) or next(iter(lonely), None)
