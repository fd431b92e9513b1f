"""Downloads a data set into a data root: `python -m trainers.data.download NAME ROOT`.

Nothing else downloads: a job whose data set is not there is refused.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path
from typing import Any

from models.messages import verbatim
from trainers.process.errors import InvalidDatasetError

# torchvision's class of each data set, and the arguments for each of its parts.
_CLASSES: dict[str, tuple[str, tuple[dict[str, Any], ...]]] = {
    "mnist": ("MNIST", ({"train": True}, {"train": False})),
    "fashion-mnist": ("FashionMNIST", ({"train": True}, {"train": False})),
    "cifar-10": ("CIFAR10", ({"train": True}, {"train": False})),
    "celeba": ("CelebA", ({"split": "all"},)),
}
_BY_HAND = {
    "lsun-bedroom": "unpack bedroom_train_lmdb and bedroom_val_lmdb, from the authors of LSUN, in ROOT/lsun",
    "horse2zebra": "unpack horse2zebra.zip, from the authors of CycleGAN, in ROOT",
}


def download(name: str, root: Path) -> None:
    """Download a data set into a data root and verify its checksums. Files that are already there are kept.

    Raises:
        InvalidDatasetError: it has to be fetched by hand, or could not be fetched.
    """
    if name not in _CLASSES:
        how = _BY_HAND.get(name, f"choose {', '.join(_CLASSES)}")
        raise InvalidDatasetError(verbatim(f"{name} cannot be downloaded here: {how}"))
    kind, calls = _CLASSES[name]
    try:
        root.mkdir(parents=True, exist_ok=True)
        of_torchvision = getattr(importlib.import_module("torchvision.datasets"), kind)
        for arguments in calls:
            of_torchvision(str(root), download=True, **arguments)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        raise InvalidDatasetError(
            verbatim(
                f"{name} could not be downloaded into {root} ({' '.join(str(error).split())}); look at the network "
                "and the free space, and try again: what has come is kept"
            )
        ) from error


def main(arguments: list[str] | None = None) -> int:
    """Download, or say why not."""
    parser = argparse.ArgumentParser("python -m trainers.data.download", description="Fetch a data set.")
    parser.add_argument("name", metavar="NAME", help=", ".join(_CLASSES))
    parser.add_argument("root", metavar="ROOT", type=Path, help="a folder of GANFORGE_DATA_ROOTS")
    given = parser.parse_args(arguments)
    try:
        download(given.name, given.root)
    except InvalidDatasetError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{given.name} is in {given.root}; restart the service to have it listed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
