"""A data root with small sets in their real formats, and a way to read them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from packing.layouts import celeba, cifar
from packing.layouts.cifar import CLASSES as CIFAR
from packing.layouts.cifar_flat import CLASSES as CIFAR_FLAT
from tests.trainers.data import formats
from trainers import data


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return an empty data root."""
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.fixture
def load(root: Path) -> Callable[..., Any]:
    """Return a function that reads a data set below the root, with a cache beside it."""

    def read(dataset: Any, size: int, **more: Any) -> Any:
        return data.load(dataset, (root,), root.parent / "cache", size, **more)

    return read


@pytest.fixture
def prepared(root: Path) -> Callable[[], list[Path]]:
    """Return a function that lists what the cache holds."""
    return lambda: sorted((root.parent / "cache" / "prepared").glob("*.safetensors"))


@pytest.fixture
def cifar_set(root: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """20 and 6 pictures in CIFAR-10's own batches, with a checksum list of their own."""
    folder = root / "cifar-10-batches-py"
    formats.write_cifar(folder, formats.pixels(20, 32, 32, seed=1), formats.pixels(6, 32, 32, seed=2))
    monkeypatch.setattr(cifar, "CHECKSUMS", formats.checksums(folder, cifar.CHECKSUMS))
    return formats.described("cifar-10", "cifar", folder.name, {"train": 20, "test": 6}, (3, 32, 32), classes=CIFAR)


@pytest.fixture
def flat_set(root: Path) -> Any:
    """Ten and three PNGs named as the course's."""
    names = [f"{n}_{name}.png" for n, name in enumerate(CIFAR)]
    formats.write_pictures(root / "cifar" / "train", names, formats.pixels(10, 32, 32, seed=1))
    formats.write_pictures(root / "cifar" / "test", names[:3], formats.pixels(3, 32, 32, seed=2))
    (root / "cifar" / "labels.txt").write_text("airplane\n")
    parts = {"train": 10, "test": 3}
    return formats.described("cifar-10", "cifar-flat", "cifar", parts, (3, 32, 32), classes=CIFAR_FLAT)


@pytest.fixture
def celeba_set(root: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Nine small faces in CelebA's layout: five to train, two and two to validate and test."""
    formats.write_celeba(root / "celeba", formats.flat(9, 218, 178), [0, 0, 0, 2, 2, 1, 1, 0, 0])
    monkeypatch.setattr(celeba, "CHECKSUMS", formats.checksums(root / "celeba", celeba.CHECKSUMS))
    return formats.described("celeba", "celeba", "celeba", {"train": 5, "test": 4}, (3, 218, 178))


@pytest.fixture
def lsun_set(root: Path) -> Any:
    """Eight and two lossless bedrooms in LSUN's databases."""
    formats.write_lsun(root / "lsun/bedroom_train_lmdb", formats.pixels(8, 64, 64, seed=3))
    formats.write_lsun(root / "lsun/bedroom_val_lmdb", formats.pixels(2, 64, 64, seed=4))
    return formats.described("lsun-bedroom", "lsun-lmdb", "lsun", {"train": 8, "test": 2}, (3, 256, 256))


@pytest.fixture
def folder_set(root: Path) -> Any:
    """Four pictures in nested folders, one of each format; beside them what is no picture."""
    names = ["0/1/b.jpg", "0/2/a.png", "1/c.webp", "d.bmp"]
    formats.write_pictures(root / "bedroom", names, formats.flat(4, 64, 64))
    (root / "bedroom/1/readme.txt").write_text("bedrooms")
    (root / "bedroom/1/.hidden.jpg").write_bytes(b"")
    return formats.described("lsun-bedroom", "folder", "bedroom", {"train": 4}, (3, 256, 256))


@pytest.fixture
def pair_set(root: Path) -> Any:
    """Two domains, one with pictures to test on."""
    for part, count in (("trainA", 5), ("trainB", 6), ("testA", 2)):
        names = [f"n{n:02d}.png" for n in range(count)]
        formats.write_pictures(root / "apple2orange" / part, names, formats.pixels(count, 64, 64, seed=count))
    parts = {"trainA": 5, "trainB": 6, "testA": 2}
    return formats.described("apple2orange", "domains", "apple2orange", parts, (3, 256, 256))
