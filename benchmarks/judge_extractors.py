"""The digits of the judge's benchmark, and the extractors that it trains on them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from benchmarks import data
from benchmarks.planted import Stock
from models.typed_json import read_object
from models.wire import DatasetSpec
from packing.layouts import KNOWN
from trainers.data import load
from trainers.judging.reference import Judged
from trainers.process.errors import TrainerError
from trainers.recipes.darknet import Darknet

# Features by what a network was trained to tell, or the pixels themselves.
FEATURES = ("classes", "turns", "pixels")
USUAL = ("classes", "turns")
# Of the 10,000 digits. A set of 5,000 new ones shows each two or three times.
_HELD_OUT, _NEW = 1000, 2000
_CACHE = Path(__file__).parents[1] / ".bench" / "judge-bench"
_WIDTH, _GROUPS = 16, (1, 1, 1, 1)
_EPOCHS = 6
_BATCH = 128

Look = Callable[[Tensor], Judged]


def dealt(seed: int) -> tuple[Stock, Tensor]:
    """Deal the digits to training images, new ones and held-out ones."""
    parts = load(_spec("mnist-10k"), (), _CACHE, 28)
    pixels = torch.cat([part.pixels for part in parts.values()])
    labels = torch.cat([part.labels for part in parts.values() if part.labels is not None])
    order = torch.randperm(len(pixels), generator=torch.Generator().manual_seed(seed))
    pixels, labels = pixels[order], labels[order]
    first, last = len(pixels) - _NEW - _HELD_OUT, len(pixels) - _HELD_OUT
    stock = Stock(pixels[:first], labels[:first], pixels[first:last], labels[first:last], _other(pixels))
    return stock, pixels[last:]


def _other(pixels: Tensor) -> Tensor:
    roots = tuple(Path(root) for root in data.roots())
    try:
        return load(_spec("fashion-mnist"), roots, _CACHE, 28)["test"].pixels
    except TrainerError:
        return 255 - pixels.flip(2)


def _spec(name: str) -> DatasetSpec:
    return read_object(json.dumps(KNOWN[name].as_spec()), "data set", DatasetSpec)


def looking(features: str, stock: Stock, seed: int) -> Look:
    """Return what gives images their features; a network is trained on the training images first."""
    if features == "pixels":
        return lambda pixels: Judged(pixels, F.avg_pool2d(pixels.float() / 255, 2).flatten(1), None)
    network = _kept(features, stock, seed)

    @torch.no_grad()
    def look(pixels: Tensor) -> Judged:
        seen = torch.cat([network.features(some.float() / 127.5 - 1) for some in torch.split(pixels, 500)])
        return Judged(pixels, seen, network.last(seen).softmax(1) if features == "classes" else None)

    return look


def _kept(features: str, stock: Stock, seed: int) -> Darknet:
    """Train a network on the training images, or read it where that was done before with the same images."""
    labels = stock.train_labels if features == "classes" else None
    images = hashlib.sha256(stock.train.numpy().tobytes()).hexdigest()[:16]
    path = _CACHE / f"{features}-{seed}-{images}-{_EPOCHS}.pt"
    if path.exists():
        network = _network(stock.train, labels)
        network.load_state_dict(torch.load(path, weights_only=True))
        return network.eval()
    network = trained(stock.train, labels, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    torch.save(network.state_dict(), partial)
    partial.rename(path)
    return network


def _network(pixels: Tensor, labels: Tensor | None) -> Darknet:
    return Darknet(pixels.shape[1], 4 if labels is None else int(labels.max()) + 1, _WIDTH, list(_GROUPS))


def trained(pixels: Tensor, labels: Tensor | None, seed: int) -> Darknet:
    """Train a darknet to tell classes, or quarter turns where there are none: the recipe's network and schedule."""
    torch.manual_seed(seed)
    network = _network(pixels, labels)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    steps = len(pixels) // _BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.4, total_steps=_EPOCHS * steps)
    for _ in range(_EPOCHS):
        for rows in torch.split(torch.randperm(len(pixels))[: steps * _BATCH], _BATCH):
            batch, targets = _augmented(pixels[rows]), None if labels is None else labels[rows]
            if targets is None:
                targets = torch.arange(_BATCH) % 4
                batch = torch.cat([batch[turn::4].rot90(turn, (2, 3)) for turn in range(4)])
                targets = targets.sort().values
            loss = F.cross_entropy(network(batch), targets)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    return network.eval()


def _augmented(pixels: Tensor) -> Tensor:
    y, x = torch.randint(0, 9, (2,)).tolist()
    padded = F.pad(pixels.float() / 127.5 - 1, (4, 4, 4, 4), mode="reflect")
    return padded[..., y : y + 28, x : x + 28]
