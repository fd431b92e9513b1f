"""What there is to train, and to train on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict

from models.extractors import packaged
from models.states import DeviceClass
from models.views.base import Moment, closed, view


@closed
class DatasetExtractor(TypedDict):
    """The network that knows a data set, and judges generated images against it."""

    name: Annotated[str, Field(description="That of a packaged one, or the id of the job that made it.")]
    sha256: Annotated[str | None, Field(description="Of its weights; null until it is first used.")]
    accuracy: Annotated[
        float | None, Field(description="Share of test images whose class it names; null where it knows no classes.")
    ]


@closed
class Dataset(TypedDict):
    """A data set that jobs can name."""

    id: str
    name: str
    layout: str
    source: Literal["builtin", "found", "uploaded"]
    images: int
    shape: Annotated[list[int], Field(description="Channels, height, width.")]
    classes: list[str]
    class_counts: Annotated[
        list[int] | None,
        Field(
            description="Images of each class, in the order of `classes`, all parts together; null where nobody "
            "counted."
        ),
    ]
    parts: Annotated[
        dict[str, int],
        Field(
            description="Images of each part: `train` and `test`, or `trainA`, `trainB`, `testA`, `testB` for "
            "translation."
        ),
    ]
    bytes: int
    sha256: str | None
    state: Literal["importing", "ready", "missing", "failed"]
    owner: Annotated[str | None, Field(description="Whose it is; null for one that everybody may use.")]
    extractor: Annotated[
        DatasetExtractor | None, Field(description="What judges images against it; null where there is none yet.")
    ]
    preview: Annotated[str | None, Field(description="Address of a grid of its pictures; null until it is made.")]
    created_at: Moment


@closed
class ImportedDataset(Dataset):
    """A data set that was just made of an upload."""

    notes: Annotated[list[str], Field(description="What was done to the pictures, in sentences.")]


@closed
class Preset(TypedDict):
    """A published setting of a recipe: what it changes from the defaults."""

    name: str
    description: str
    params: dict[str, Any]


@closed
class Recipe(TypedDict):
    """A method with its networks."""

    name: str
    title: str
    description: str
    params: Annotated[
        dict[str, Any], Field(description="JSON Schema of the parameters: bounds, defaults, descriptions.")
    ]
    presets: list[Preset]
    queues: Annotated[list[DeviceClass], Field(description="Device classes that can run it, best first.")]
    networks: list[str]
    images: Annotated[str, Field(description="The sizes of images that its networks can have, in words.")]
    needs: Annotated[
        Literal["nothing", "classes", "domains"], Field(description="What a data set must have beside images.")
    ]
    outputs: Annotated[list[str], Field(description="What a sampling job can make of its checkpoints.")]


def dataset_view(row: Mapping[Any, Any]) -> Dataset:
    """Return a data set. What a job has made for it is no column of its row, and may be missing."""
    preview = f"/v1/datasets/{row['id']}/preview" if row["preview_key"] else None
    return view(Dataset, row, preview=preview, extractor=_extractor(row))


def _extractor(row: Mapping[Any, Any]) -> DatasetExtractor | None:
    if (known := packaged(row["name"], row["source"])) is not None:
        return DatasetExtractor(name=row["name"], sha256=known.sha256, accuracy=known.accuracy)
    if (job := row.get("extractor_job")) is None:
        return None
    return DatasetExtractor(name=job, sha256=row["extractor_sha256"], accuracy=row["extractor_accuracy"])
