"""The cache of prepared data sets: the first attempt that needs one writes it, later ones map it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Callable, Iterator, Sequence

from filelock import FileLock, Timeout

from models.disk import look_as_cache
from models.files import try_lock
from models.formats import gigabytes
from models.messages import Failures, Message
from trainers.data import packed, prepare
from trainers.process.errors import InvalidDatasetError, TrainerError

if TYPE_CHECKING:
    from pathlib import Path

    from packing.layouts.base import Entry
    from trainers.data.images import Images, Origin
    from trainers.process.spec import DatasetSpec

# Increase this when the same files give different pixels.
_FORMAT = 1
# How long the lock of a prepared file is waited for before the trainer says that it is alive, and goes on waiting.
_LOCK_S = 1.0


def once(
    dataset: DatasetSpec,
    cache: Path,
    squaring: prepare.Squaring,
    files: Sequence[Entry],
    parts: Callable[[], prepare.Parts],
    say: Callable[[Message], None] | None = None,
    alive: Callable[[], None] = lambda: None,
) -> tuple[dict[str, Images], Origin]:
    """Return the data set from the cache; the first attempt that needs it fills the cache, others wait for it.

    With it comes what it was made from.

    ``files`` are what ``parts`` are read from: the cache is good for as long as they stay the same. ``alive`` is called
    for each picture, and now and then while another attempt prepares them.

    Raises:
        InvalidDatasetError: a picture is missing or damaged, or there are more or fewer than were listed.
        TrainerError: there is no room in the cache.
    """
    folder = cache / "prepared"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{_key(dataset, squaring, files)}.safetensors"
    shape = (squaring.channels, squaring.size, squaring.size)
    with _alone(path, alive):
        if path.is_file():
            try:
                images = packed.load(dataset, path, shape)
            except InvalidDatasetError:
                path.unlink()  # damaged after it was written: prepare it again from the source
            else:
                os.utime(path)  # eviction is by this time
                return images, packed.origin(path)
        _clear(folder, path)
        _make_room(folder, dataset, squaring)
        prepare.write(path, dataset, squaring, parts(), say, alive)
        return packed.load(dataset, path, shape), packed.origin(path)


@contextmanager
def _alone(path: Path, alive: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of a prepared file. Whoever has it now is looked after by a supervisor of its own."""
    lock = FileLock(_lock(path))
    while not lock.is_locked:
        alive()
        with suppress(Timeout):
            lock.acquire(timeout=_LOCK_S)
    try:
        yield
    finally:
        lock.release()


def _key(dataset: DatasetSpec, squaring: prepare.Squaring, files: Sequence[Entry]) -> str:
    """Return a name that depends on everything that the pixels depend on."""
    digest = hashlib.sha256()
    facts = [_FORMAT, dataset.name, dataset.layout, list(dataset.shape), list(dataset.classes), list(squaring)]
    digest.update(json.dumps(facts).encode())
    for entry in files:
        digest.update(json.dumps(list(entry)).encode())
    return digest.hexdigest()


def _clear(folder: Path, mine: Path) -> None:
    """Remove partial files of attempts that were killed. Attempts that still run hold their locks."""
    for part in folder.glob(".*.part"):
        whole = folder / f"{part.name.split('.')[1]}.safetensors"
        if whole == mine:
            part.unlink()
            continue
        with try_lock(_lock(whole)) as free:
            if free:
                part.unlink()


def _make_room(folder: Path, dataset: DatasetSpec, squaring: prepare.Squaring) -> None:
    """Evict the least recently used files until the new one fits on the disk. Mapped files stay readable."""
    needed = sum(dataset.parts.values()) * squaring.channels * squaring.size * squaring.size
    if needed > shutil.disk_usage(folder).total:
        raise _no_room(folder, dataset, squaring, needed)
    for path in sorted(folder.glob("*.safetensors"), key=lambda one: one.stat().st_mtime_ns):
        if needed <= _spare(folder):
            return
        with try_lock(_lock(path)) as free:
            if free:
                path.unlink()
    if needed > _spare(folder):
        raise _no_room(folder, dataset, squaring, needed)


def _spare(folder: Path) -> int:
    """Return the bytes that may be used on the disk of a folder."""
    setting = os.environ.get("GANFORGE_DISK_RESERVE_BYTES")
    return look_as_cache(folder, int(setting) if setting else None).spare


def _no_room(folder: Path, dataset: DatasetSpec, squaring: prepare.Squaring, needed: int) -> TrainerError:
    return TrainerError(
        Failures.no_room_to_prepare(
            name=dataset.name,
            size=squaring.size,
            needed=gigabytes(needed),
            folder=str(folder),
            free=gigabytes(max(0, _spare(folder))),
        )
    )


def _lock(path: Path) -> Path:
    """Return the lock file of a prepared file."""
    return path.with_suffix(".lock")
