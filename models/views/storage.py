"""What uses the space in the object store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from models.views.base import closed


@closed
class Held(TypedDict):
    """What one owner stores."""

    owner: str
    bytes: int
    objects: int


@closed
class HeldKind(TypedDict):
    """What the files of one kind take."""

    kind: Annotated[str, Field(description="A kind of artifact, or `dataset` for uploaded data sets.")]
    bytes: int
    objects: int


@closed
class HeldDataset(TypedDict):
    """What one uploaded data set takes."""

    dataset: str
    name: str
    owner: str
    bytes: int
    objects: int


@closed
class HeldJob(TypedDict):
    """What the files of one job take."""

    job: str
    name: str | None
    recipe: str
    owner: str
    bytes: int
    objects: int


@closed
class HeldTrash(TypedDict):
    """What restoring everything in the trash would bring back."""

    jobs: int
    bytes: int
    objects: int


@closed
class Storage(TypedDict):
    """What is stored. Jobs in the trash are in `trash` alone."""

    bytes: Annotated[int, Field(description="Of uploaded data sets, and of the files of jobs.")]
    objects: int
    by_owner: Annotated[list[Held], Field(description="Largest first, 100 at most; without an admin's key: one.")]
    by_kind: Annotated[list[HeldKind], Field(description="Largest first.")]
    by_dataset: Annotated[list[HeldDataset], Field(description="Uploaded ones, largest first, 100 at most.")]
    by_job: Annotated[list[HeldJob], Field(description="Largest first, 100 at most.")]
    trash: HeldTrash


def storage_view(lists: Mapping[str, Sequence[Mapping[str, Any]]]) -> Storage:
    """Return the view of rows in lists by name: `total trash owner kind dataset job`."""

    def held(name: str) -> list[tuple[Mapping[str, Any], int, int]]:
        rows = [(row, int(row["bytes"]), int(row["objects"])) for row in lists.get(name, ())]
        return sorted(rows, key=lambda one: (-one[1], str(one[0]["key"])))

    ((_, size, objects),) = held("total")
    ((trash, trash_size, trash_objects),) = held("trash")
    return Storage(
        bytes=size,
        objects=objects,
        by_owner=[Held(owner=row["key"], bytes=b, objects=n) for row, b, n in held("owner")],
        by_kind=[HeldKind(kind=row["key"], bytes=b, objects=n) for row, b, n in held("kind")],
        by_dataset=[
            HeldDataset(dataset=row["key"], name=row["name"], owner=row["owner"], bytes=b, objects=n)
            for row, b, n in held("dataset")
        ],
        by_job=[
            HeldJob(job=row["key"], name=row["name"], recipe=row["kind"], owner=row["owner"], bytes=b, objects=n)
            for row, b, n in held("job")
        ],
        trash=HeldTrash(jobs=int(trash["jobs"]), bytes=trash_size, objects=trash_objects),
    )
