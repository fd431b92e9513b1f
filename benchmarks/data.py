"""Where a benchmark's images are: in a spec for the trainer, and in torchvision's own layout for the sources' loops."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from packing.builtin import BUILTIN_ROOT
from packing.layouts import KNOWN

IDX = tuple(name for name, known in KNOWN.items() if known.layout == "idx")


def roots() -> list[str]:
    """Return the data roots of the environment, as the worker reads them."""
    return [root for root in os.environ.get("GANFORGE_DATA_ROOTS", "").split(os.pathsep) if root]


def described(name: str) -> dict[str, Any]:
    """Return the data set as a spec names it."""
    if name not in IDX:
        raise SystemExit(f"no data set {name} for benchmarks; there are {', '.join(IDX)}")
    return KNOWN[name].as_spec()


def as_torchvision(name: str, folder: Path) -> Path:
    """Unpack a data set below a folder so that `torchvision.datasets.MNIST` finds it there; return the folder."""
    import gzip  # noqa: PLC0415 - only the sources' side needs these
    import shutil  # noqa: PLC0415

    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for packed in sorted(_source(name).glob("*-ubyte*")):
        plain = raw / packed.name.removesuffix(".gz")
        with gzip.open(packed) if packed.suffix == ".gz" else packed.open("rb") as inputs, plain.open("wb") as output:
            shutil.copyfileobj(inputs, output)
    return folder


def _source(name: str) -> Path:
    known = KNOWN[name]
    if known.source == "builtin":
        return BUILTIN_ROOT / known.folder
    tried = [Path(root) / place for root in roots() for place in known.folders]
    for place in tried:
        if place.is_dir():
            return place
    raise SystemExit(f"{name} is in none of {', '.join(map(str, tried)) or 'no data roots'}: set GANFORGE_DATA_ROOTS")
