"""Registers the data sets whose files stand on this machine: the built-in one, and those below the data roots."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Engine, func
from sqlalchemy.dialects.postgresql import insert

from models.datasets import KNOWN, KnownDataset
from models.ids import new_id
from models.rows import Dataset

BUILTIN_ROOT = Path(__file__).parent.parent / "trainers" / "data"


def register_known(engine: Engine, roots: Sequence[Path]) -> None:
    """Write rows for the built-in data set and for those whose files stand under a data root."""
    with engine.begin() as connection:
        for known in KNOWN.values():
            files = _files(known, [BUILTIN_ROOT] if known.source == "builtin" else roots)
            if not files:
                continue
            size = sum(path.stat().st_size for path in files)
            facts = {"state": "ready", "bytes": size, "sha256": _sha256(files)}
            facts |= {"images": known.images, "parts": known.parts}
            connection.execute(
                insert(Dataset)
                .values(
                    id=new_id("ds"),
                    name=known.name,
                    source=known.source,
                    layout=known.layout,
                    shape=list(known.shape),
                    classes=list(known.classes),
                    **facts,
                )
                .on_conflict_do_update(
                    index_elements=[func.coalesce(Dataset.owner, ""), Dataset.name],
                    index_where=Dataset.deleted_at.is_(None),
                    set_=facts,
                )
            )


def _files(known: KnownDataset, roots: Sequence[Path]) -> list[Path]:
    """Return the data set's files in the first root that has them."""
    for root in roots:
        files = sorted(path for path in (root / known.folder).glob("*ubyte*") if path.is_file())
        if len({path.name.removesuffix(".gz") for path in files}) >= 4:
            return files
    return []


def _sha256(files: Sequence[Path]) -> str:
    """Return one checksum over all files, by name."""
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(path.name.encode() + b"\0" + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
