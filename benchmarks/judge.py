"""`python -m benchmarks.judge [WORD …]`: sets of images with a known fault, and what the judge says of them.

The digits are dealt anew for each seed: training images, held-out images and new ones, which sets are made of. The
extractors are trained on the training images alone: a classifier, or a network that tells quarter turns, or none (raw
pixels). Prints a line for each set with its figures, its verdicts, and whether they are those that were planted. Words
choose sets by their names. Where Fashion-MNIST is below a data root, it is the other data set; else digits upside down
and negative are.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from benchmarks import data
from benchmarks.planted import SETS, Planted, Stock
from models.typed_json import read_object
from models.wire import DatasetSpec
from packing.layouts import KNOWN
from trainers.data import load
from trainers.judging.card import Card, judge
from trainers.judging.reference import Judged, Reference
from trainers.process.errors import TrainerError
from trainers.recipes.darknet import Darknet

FEATURES = ("classes", "turns", "pixels")
_HELD_OUT = 1000
_CACHE = Path(__file__).parents[1] / ".bench" / "judge-bench"
_EPOCHS = 6
_BATCH = 128

Look = Callable[[Tensor], Judged]


def main() -> None:
    """Judge every set, and print the table."""
    asked = _arguments()
    chosen = [planted for planted in SETS if not asked.words or any(word in planted.name for word in asked.words)]
    tally: Counter[str] = Counter()
    for features in asked.features:
        for seed in range(1, asked.seeds + 1):
            stock, test = dealt(seed, max(asked.sizes))
            look = looking(features, stock, seed)
            began = time.perf_counter()
            reference = Reference(look(stock.train), look(test), seed)
            print(f"\n{features}, seed {seed}: {len(stock.train)} training images, {len(stock.new)} new ones; ", end="")
            print(f"the reference took {time.perf_counter() - began:.1f} s")
            for size in asked.sizes:
                for planted in chosen:
                    tally[_row(planted, stock, size, seed, look, reference)] += 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\n{dict(tally)}, peak memory {peak:.0f} MB")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judge", description=__doc__)
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="+", default=[500, 1000, 2000])
    parser.add_argument("--features", nargs="+", choices=FEATURES, default=list(FEATURES))
    return parser.parse_args()


def _row(planted: Planted, stock: Stock, size: int, seed: int, look: Look, reference: Reference) -> str:
    draws = torch.Generator().manual_seed(1000 * seed + size)
    card = judge(look(planted.make(stock, size, draws)), reference)
    said = outcome(planted, card)
    fidelity, diversity, copied = card.fidelity, card.diversity, card.copying
    kl = diversity["kl"]
    print(
        f"{said:5} {size:5} {planted.name:32} {', '.join(card.verdicts) or 'healthy':24}"
        f" fd {fidelity['fd_ratio']:8.2f} kid {fidelity['kid']:9.4f} precision {fidelity['precision']:.2f}"
        f" density {fidelity['density']:.2f} recall {diversity['recall']:.2f} coverage {diversity['coverage']:.2f}"
        f" kl {f'{kl:.2f}' if isinstance(kl, float) else '-':>4} auth {copied['auth_pct']:3.0f}"
        f" c_t {copied['c_t'] or 0:6.1f} duplicates {copied['duplicates']:.3f}",
        *(f"[{reason.message.code} {reason.value:.3f}, limit {reason.limit:.3f}]" for reason in card.reasons),
        flush=True,
    )
    return said


def outcome(planted: Planted, card: Card) -> str:
    """Return whether a card says what was planted; `shown` where no verdict is the only right one."""
    if planted.verdicts is None:
        return "shown"
    said, wanted = set(card.verdicts), set(planted.verdicts)
    return "right" if wanted <= said <= wanted | set(planted.also) else "WRONG"


def dealt(seed: int, most: int) -> tuple[Stock, Tensor]:
    """Deal the digits to training images, new ones (as many as the largest set, 3,000 at most) and held-out ones."""
    parts = load(_spec("mnist-10k"), (), _CACHE, 28)
    pixels = torch.cat([part.pixels for part in parts.values()])
    labels = torch.cat([part.labels for part in parts.values() if part.labels is not None])
    order = torch.randperm(len(pixels), generator=torch.Generator().manual_seed(seed))
    pixels, labels = pixels[order], labels[order]
    new = min(most, 3000)
    first, last = len(pixels) - new - _HELD_OUT, len(pixels) - _HELD_OUT
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
    network = trained(stock.train, stock.train_labels if features == "classes" else None, seed)

    @torch.no_grad()
    def look(pixels: Tensor) -> Judged:
        seen = torch.cat([network.features(some.float() / 127.5 - 1) for some in torch.split(pixels, 500)])
        return Judged(pixels, seen, network.last(seen).softmax(1) if features == "classes" else None)

    return look


def trained(pixels: Tensor, labels: Tensor | None, seed: int) -> Darknet:
    """Train a darknet to tell classes, or quarter turns where there are none: the recipe's network and schedule."""
    torch.manual_seed(seed)
    network = Darknet(pixels.shape[1], 4 if labels is None else int(labels.max()) + 1, 16, [1, 1, 1, 1])
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    steps = len(pixels) // _BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.4, total_steps=_EPOCHS * steps)
    for _ in range(_EPOCHS):
        for rows in torch.randperm(len(pixels))[: steps * _BATCH].split(_BATCH):
            batch, targets = _augmented(pixels[rows]), None if labels is None else labels[rows]
            if targets is None:
                targets = torch.arange(_BATCH) % 4
                batch = torch.cat([batch[turn::4].rot90(turn, (2, 3)) for turn in range(4)])
                targets = targets.sort().values
            loss = F.cross_entropy(network(batch), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.eval()


def _augmented(pixels: Tensor) -> Tensor:
    y, x = torch.randint(0, 9, (2,)).tolist()
    padded = F.pad(pixels.float() / 127.5 - 1, (4, 4, 4, 4), mode="reflect")
    return padded[..., y : y + 28, x : x + 28]


if __name__ == "__main__":
    main()
