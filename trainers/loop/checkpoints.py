"""Checkpoint files: safetensors with one JSON text in its metadata. Never pickle.

A file is written under another name, flushed to the disk and then renamed, so that a file that exists is whole.
"""

from __future__ import annotations

import errno
import json
import os
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from models.messages import CheckpointFaults
from trainers.process.errors import CheckpointCorruptError

if TYPE_CHECKING:
    from pathlib import Path

    from trainers.data.loader import FeedState
    from trainers.loop.quality import QualityState

FORMAT = 1
_KEY = "ganforge"


# The fields below stand in files that exist: a name can be added, but not changed.
Halving = TypedDict("Halving", {"step": int, "from": int, "to": int})  # batch sizes before and after


class MeansState(TypedDict):
    """Sums of the metrics over the steps of the present epoch."""

    sums: list[float]
    count: int


class HistoryState(TypedDict):
    """The points of the loss plot that are not full yet; the others are a tensor."""

    stride: int
    sums: list[float]
    count: int


class StopState(TypedDict):
    """The best epoch so far, and how many epochs have passed since."""

    best: float | None
    best_epoch: int
    waited: int


class _Later(TypedDict, total=False):
    """What checkpoints of earlier versions lack."""

    precision: str
    data_digest: str | None  # of the images that it was trained on, and of their labels; None: unknown
    identity: dict[str, str]  # of hardware and libraries (trainers/device/identity.py)
    quality: QualityState
    good: dict[str, object]  # of the state that alarms go back to; its tensors are under `good/`


class CheckpointMeta(_Later):
    """Everything in a checkpoint but its tensors, as JSON."""

    recipe: str
    params: dict[str, object]  # as the recipe's spec has them
    dataset: str
    shape: list[int]  # of an image: C, H, W
    classes: list[str]
    seed: int
    salt: int  # 1 after not-a-number: other random draws
    step: int
    epoch: int
    epochs_done: int
    images: int
    place: FeedState
    halvings: list[Halving]
    threads: int
    torch: str
    device: str
    means: MeansState
    history: HistoryState
    stop: StopState
    watch: dict[str, object]  # the counters of each alarm
    alerts: list[str]
    seconds: float
    epoch_began: list[float]  # seconds of training, images seen


@dataclass
class Snapshot:
    """The state of a training at one step: tensors by name, and everything else as JSON values."""

    tensors: dict[str, torch.Tensor]
    meta: CheckpointMeta


def write(path: Path, snapshot: Snapshot) -> None:
    """Write a checkpoint with a checksum of its tensors. The tensors must be on the CPU and contiguous.

    Raises:
        OSError: the disk is full or gone; no file of this name is left.
    """
    meta = {"format": FORMAT, **snapshot.meta, "crc32": _checksum(snapshot.tensors)}
    write_tensors(path, snapshot.tensors, {_KEY: json.dumps(meta, sort_keys=True)})


def write_tensors(path: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file. Without metadata its bytes depend on the names and the values alone."""
    partial = path.with_name(f".{path.name}.part")
    try:
        try:
            save_file(tensors, str(partial), metadata)
        except SafetensorError as error:
            size = sum(value.numel() * value.element_size() for value in tensors.values())
            raise OSError(_errno_of_writing(partial, size), f"{path.name} could not be written: {error}") from error
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.rename(path)
    finally:
        if partial.exists():
            partial.unlink()


def _errno_of_writing(path: Path, size: int) -> int:
    """Return why a file of this size cannot be written. The library keeps the number to itself; the kernel tells it."""
    try:
        with path.open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        return error.errno or errno.EIO
    return errno.EIO


def read(path: Path) -> Snapshot:
    """Read a checkpoint. The library checks the whole header against the size of the file before it allocates.

    Raises:
        CheckpointCorruptError: it is missing, damaged, or of a newer format.
    """
    try:
        with safe_open(str(path), framework="pt", device="cpu") as file:
            meta = json.loads((file.metadata() or {})[_KEY])
            if meta["format"] != FORMAT:
                raise CheckpointCorruptError(
                    CheckpointFaults.other_format(name=path.name, format=meta["format"], known=FORMAT)
                )
            # A copy, because the library's tensors may be views of the file, which can go away.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 - not a dict
        if meta.pop("crc32") != _checksum(tensors):
            raise CheckpointCorruptError(CheckpointFaults.tensors_damaged(name=path.name))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
        raise CheckpointCorruptError(CheckpointFaults.not_a_checkpoint(name=path.name, error=str(error))) from error
    return Snapshot(tensors, cast("CheckpointMeta", meta))


def _checksum(tensors: dict[str, torch.Tensor]) -> int:
    """Return the CRC-32 of all names and bytes, in the order of the names."""
    total = 0
    for name in sorted(tensors):
        total = zlib.crc32(name.encode(), total)
        if tensors[name].numel():
            total = zlib.crc32(tensors[name].reshape(-1).view(torch.uint8).numpy().data, total)
    return total
