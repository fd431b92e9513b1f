"""What there is to train, and to train on."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from api.schemas.answers.base import Answer
from models.states import DeviceClass


class Dataset(Answer):
    """A data set that jobs can name."""

    id: str
    name: str
    layout: str
    source: Literal["builtin", "found", "uploaded"]
    images: int
    shape: list[int] = Field(description="Channels, height, width.")
    classes: list[str]
    class_counts: list[int] | None = Field(
        description="Images of each class, in the order of `classes`, all parts together; null where nobody counted."
    )
    parts: dict[str, int] = Field(
        description="Images of each part: `train` and `test`, or `trainA`, `trainB`, `testA`, `testB` for translation."
    )
    bytes: int
    sha256: str | None
    state: Literal["importing", "ready", "missing", "failed"]
    owner: str | None = Field(description="Whose it is; null for one that everybody may use.")
    preview: str | None = Field(description="Address of a grid of its pictures; null until it is made.")
    created_at: datetime


class ImportedDataset(Dataset):
    """A data set that was just made of an upload."""

    notes: list[str] = Field(description="What was done to the pictures, in sentences.")


class Preset(Answer):
    """A published setting of a recipe: what it changes from the defaults."""

    name: str
    description: str
    params: dict[str, Any]


class Recipe(Answer):
    """A method with its networks."""

    name: str
    title: str
    description: str
    params: dict[str, Any] = Field(description="JSON Schema of the parameters: bounds, defaults, descriptions.")
    presets: list[Preset]
    queues: list[DeviceClass] = Field(description="Device classes that can run it, best first.")
    networks: list[str]
    images: str = Field(description="The sizes of images that its networks can have, in words.")
    needs: Literal["nothing", "classes", "domains"] = Field(description="What a data set must have beside images.")
    outputs: list[str] = Field(description="What a sampling job can make of its checkpoints.")
