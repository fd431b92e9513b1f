"""Registers the data sets whose files are on this machine: the built-in one, and those below the data roots.

Counts by names and sizes, and opens only files without a suffix, for their first bytes: so the service starts at once
beside a data root of any size.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, and_, case, func, update
from sqlalchemy.dialects.postgresql import insert

from models.ids import new_id
from models.rows import Dataset
from models.wire import DatasetSpec
from packing.builtin import BUILTIN_ROOT
from packing.layouts import FORMS, LAYOUTS
from packing.layouts.base import Entry, KnownDataset, Layout
from packing.names import is_junk

# Above this size a checksum would delay the service's start too much.
_HASHED_BYTES, _HASHED_FILES = 200_000_000, 10_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Found:
    """A data set on the disk."""

    known: KnownDataset
    parts: dict[str, int]
    bytes: int
    sha256: str | None


def register_known(engine: Engine, roots: Sequence[Path]) -> None:
    """Write rows for the data sets found here; those of an earlier start that are gone become `missing`."""
    standing = {found.known.name: found for found in look(roots)}
    with engine.begin() as connection:
        for found in standing.values():
            _write(connection, found)
        connection.execute(
            update(Dataset)
            .where(Dataset.source == "found", Dataset.name.not_in(standing), Dataset.state == "ready")
            .values(state="missing")
        )


def look(roots: Sequence[Path]) -> Iterator[Found]:
    """Yield every data set that is here: the known ones, in their first layout that is, and those of any name."""
    seen: set[str] = set()
    for known in (*FORMS, *_of_any_name(roots)):
        if known.name in seen:
            continue
        folders = (base / folder for base in _bases(known, roots) for folder in known.folders)
        for folder in folders:
            found = _examine(known, folder) if _stands(known, folder) else None
            if found is not None:
                seen.add(known.name)
                yield found
                break


def dataset_spec(row: Mapping[str, Any], roots: Sequence[Path]) -> DatasetSpec | None:
    """Return what a trainer is told about a data set that came with the service or was found; None if uploaded.

    The row says how many pictures there are, and in which layout. The folder is looked for here, because this machine's
    data roots need not be those of the machine that registered it.
    """
    if row["source"] == "uploaded":
        return None
    known = _known(row)
    standing = (folder for base in _bases(known, roots) for folder in known.folders if _stands(known, base / folder))
    facts = {name: row[name] for name in ("name", "source", "layout", "parts")}
    shape, classes = tuple(row["shape"]), tuple(row["classes"])
    return DatasetSpec(**facts, folder=next(standing, known.folder), shape=shape, classes=classes, path=None)


def standing_folder(row: Mapping[str, Any], roots: Sequence[Path]) -> Path | None:
    """Return where a data set that came with the service or was found stands on this machine; None: nowhere."""
    known = _known(row)
    folders = (base / folder for base in _bases(known, roots) for folder in known.folders)
    return next((folder for folder in folders if _stands(known, folder)), None)


def _known(row: Mapping[str, Any]) -> KnownDataset:
    forms = (form for form in FORMS if (form.name, form.layout) == (row["name"], row["layout"]))
    return next(forms, None) or _unknown(row["name"], row["layout"])


def _bases(known: KnownDataset, roots: Sequence[Path]) -> Sequence[Path]:
    return [BUILTIN_ROOT] if known.source == "builtin" else roots


def _stands(known: KnownDataset, folder: Path) -> bool:
    try:
        return known.layout in LAYOUTS and LAYOUTS[known.layout].matches(folder)
    except OSError as error:
        log.warning("data_root_unreadable", folder=str(folder), error=str(error))
        return False


def _examine(known: KnownDataset, folder: Path) -> Found | None:
    try:
        layout = LAYOUTS[known.layout]
        files = layout.files(folder)
        parts = layout.counts(folder) or known.parts
        size = sum(entry.size for entry in files)
        small = size <= _HASHED_BYTES and len(files) <= _HASHED_FILES
        return Found(known, parts, size, _sha256(folder, files) if small else None)
    except (OSError, ValueError) as error:
        log.warning("data_set_damaged", name=known.name, folder=str(folder), error=str(error))
        return None


def _of_any_name(roots: Sequence[Path]) -> Iterator[KnownDataset]:
    """Yield the folders right below a data root that are data sets whatever their name."""
    taken = {form.name for form in FORMS}
    for root in roots:
        for folder, layout in _subfolders(root):
            if folder.name in taken:
                continue
            if _NAME.fullmatch(folder.name):
                yield _unknown(folder.name, layout.name)
            else:
                log.warning(
                    "data_set_unnamable", folder=str(folder), remedy="use letters, digits, dot, dash, underline"
                )


def _subfolders(root: Path) -> list[tuple[Path, Layout]]:
    """Return the folders of a data root that a layout takes under any name, each with the first such layout."""
    layouts = [layout for layout in LAYOUTS.values() if layout.any_name]
    if not root.is_dir():
        return []
    try:
        inside = [folder for folder in sorted(root.iterdir()) if folder.is_dir() and not is_junk(folder.name)]
        found = ((folder, next((layout for layout in layouts if layout.matches(folder)), None)) for folder in inside)
        return [(folder, layout) for folder, layout in found if layout is not None]
    except OSError as error:
        log.warning("data_root_unreadable", folder=str(root), error=str(error))
        return []


def _unknown(name: str, layout: str) -> KnownDataset:
    """Return what is assumed of a data set of any name: photographs, which have no one size."""
    return KnownDataset(name, "found", layout, name, {}, (3, 256, 256))


def _write(connection: Connection, found: Found) -> None:
    known = found.known
    facts = {
        "source": known.source,
        "layout": known.layout,
        "shape": list(known.shape),
        "classes": list(known.classes),
        "state": "ready",
        "bytes": found.bytes,
        "sha256": found.sha256,
        "images": sum(found.parts.values()),
        "parts": found.parts,
    }
    connection.execute(
        insert(Dataset)
        .values(id=new_id("ds"), name=known.name, **facts)
        .on_conflict_do_update(
            index_elements=[func.coalesce(Dataset.owner, ""), Dataset.name],
            index_where=Dataset.deleted_at.is_(None),
            set_={**facts, **_as_looked_at(facts)},
        )
    )


def _as_looked_at(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what becomes of an earlier look at a data set: it holds for as long as the files are the same."""
    same = and_(*(getattr(Dataset, name).is_not_distinct_from(facts[name]) for name in ("layout", "bytes", "sha256")))
    return {name: case((same, getattr(Dataset, name)), else_=None) for name in ("preview_key", "class_counts")}


def _sha256(folder: Path, files: Sequence[Entry]) -> str | None:
    """Return one checksum over all files, by name; None when one cannot be read, which its reader will tell."""
    digest = hashlib.sha256()
    try:
        for entry in files:
            with (folder / entry.name).open("rb") as file:
                digest.update(entry.name.encode() + b"\0" + hashlib.file_digest(file, "sha256").digest())
    except OSError as error:
        log.warning("data_set_damaged", folder=str(folder), error=str(error))
        return None
    return digest.hexdigest()
