"""Small real files in the format of each data set, as their owners keep them."""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
from PIL import Image

from packing.layouts.celeba import PICTURES as CELEBA_PICTURES
from trainers.process.spec import DatasetSpec


def pixels(count: int, height: int, width: int, channels: int = 3, seed: int = 0) -> Any:
    """Return pictures (n, height, width, channels) with all values in them."""
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, channels), dtype=np.uint8)


def flat(count: int, height: int, width: int) -> Any:
    """Return pictures of one colour each, which JPEG keeps within two steps of 255."""
    colours = pixels(count, 1, 1, seed=count)
    return np.ascontiguousarray(np.broadcast_to(colours, (count, height, width, 3)))


def planar(pictures: Any) -> Any:
    """Turn (n, height, width, channels) into (n, channels, height, width)."""
    return pictures.transpose(0, 3, 1, 2)


def encoded(picture: Any, kind: str) -> bytes:
    """Encode one picture; webp without loss."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind, **({"lossless": True} if kind == "webp" else {}))
    return file.getvalue()


def described(name: str, layout: str, folder: str, parts: dict[str, int], shape: tuple[int, ...], **more: Any) -> Any:
    """Return what a trainer is told of a found data set."""
    given = {"name": name, "source": "found", "layout": layout, "folder": folder, "parts": parts, "shape": shape}
    return DatasetSpec(**{**given, "classes": (), "path": None, **more})


def write_cifar(folder: Path, train: Any, test: Any) -> None:
    """Write the six batches and the names of the classes."""
    folder.mkdir(parents=True)
    labels = {"train": [n * 3 % 10 for n in range(len(train))], "test": [n * 7 % 10 for n in range(len(test))]}
    batches = [(f"data_batch_{n + 1}", train[n::5], labels["train"][n::5]) for n in range(5)]
    for name, pictures, classes in [*batches, ("test_batch", test, labels["test"])]:
        batch = {"data": planar(pictures).reshape(len(pictures), -1), "labels": classes}
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": ["airplane"]}, protocol=2))


def checksums(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the MD5 of each file, to stand in for the official ones."""
    return {name: hashlib.md5((folder / name).read_bytes(), usedforsecurity=False).hexdigest() for name in names}


CELEBA_LISTS = {
    "list_attr_celeba.txt": ("{n}\nSmiling Young\n", "-1  1"),
    "identity_CelebA.txt": ("", "77"),
    "list_bbox_celeba.txt": ("{n}\nimage_id x_1 y_1 width height\n", "  95  71 226 313"),
    "list_landmarks_align_celeba.txt": ("{n}\nlefteye_x lefteye_y\n", " 69  109"),
}


def write_celeba(folder: Path, pictures: Any, splits: list[int]) -> None:
    """Write JPEGs and the five lists."""
    (folder / CELEBA_PICTURES).mkdir(parents=True)
    names = [f"{n + 1:06d}.jpg" for n in range(len(pictures))]
    for name, picture in zip(names, pictures, strict=True):
        (folder / CELEBA_PICTURES / name).write_bytes(encoded(picture, "jpeg"))
    for name, (head, line) in CELEBA_LISTS.items():
        (folder / name).write_text(head.format(n=len(names)) + "".join(f"{each} {line}\n" for each in names))
    lines = [f"{each} {split}\n" for each, split in zip(names, splits, strict=True)]
    (folder / "list_eval_partition.txt").write_text("".join(lines))


def _lsun_keys(count: int) -> list[bytes]:
    return [hashlib.sha1(bytes([n]), usedforsecurity=False).hexdigest().encode() for n in range(count)]


def lsun_order(count: int) -> list[int]:
    """Return the pictures of `write_lsun` in the order of their keys."""
    return sorted(range(count), key=_lsun_keys(count).__getitem__)


def write_lsun(folder: Path, pictures: Any) -> None:
    """Write a database of lossless pictures under keys like LSUN's."""
    folder.mkdir(parents=True)
    keys = _lsun_keys(len(pictures))
    with lmdb.open(str(folder), map_size=1 << 26) as database:
        for key, picture in zip(keys, pictures, strict=True):
            with database.begin(write=True) as writer:
                writer.put(key, encoded(picture, "webp"))
    (folder / "lock.mdb").unlink()


def write_pictures(folder: Path, names: list[str], pictures: Any) -> None:
    """Write one file a picture, in the format of its suffix."""
    for name, picture in zip(names, pictures, strict=True):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(picture, path.suffix[1:].replace("jpg", "jpeg")))
