"""`python -m benchmarks.judge [WORD …]`: sets of images with a known fault, and what the judge says of them.

The digits are dealt anew for each seed: training images, held-out images and new ones, which sets are made of. The
extractors are trained on the training images alone, as the packaged one and those of the service are: a classifier, or
a network that tells quarter turns, or none (raw pixels). Prints a line for each set with its figures, its verdicts, and
whether they are those that were planted. Words choose sets by their names. Smaller sets are parts of larger ones, so
that each image is looked at once. Where Fashion-MNIST is below a data root, it is the other data set; else digits
upside down and negative are.

All lines go to a file after each one (`--json`), so that what was judged until a break is kept. The exit code is 1 if a
verdict on 1,000 images or more is wrong.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from benchmarks import judge_extractors, judge_figures
from benchmarks.judge_extractors import Look, dealt
from benchmarks.judge_figures import Line
from benchmarks.planted import SETS, Planted, Stock
from benchmarks.planted_more import MORE
from benchmarks.planted_unseen import UNSEEN
from trainers.judging.card import Card, judge
from trainers.judging.reference import Judged, Looks, Reference

LINES = Path(__file__).parents[1] / ".bench" / "judge-bench" / "lines.json"
# From this size on, no verdict may be wrong.
ENOUGH = 1000


def main() -> None:
    """Judge every set, and print the table."""
    asked = _arguments()
    torch.set_num_threads(asked.threads)
    every = (*SETS, *MORE, *UNSEEN)
    chosen = [planted for planted in every if not asked.words or any(word in planted.name for word in asked.words)]
    lines: list[Line] = []
    for seed in asked.seeds:
        for line in _of_seed(seed, chosen, asked.features, asked.sizes):
            print(judge_figures.printed(line), flush=True)
            lines.append(line)
            judge_figures.write(asked.json, lines)
    found = judge_figures.groups(lines)
    print(judge_figures.table(found))
    if asked.figures:
        judge_figures.write(asked.figures, found)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    wrong = [line for line in lines if line["said"] == judge_figures.WRONG and line["size"] >= ENOUGH]
    print(f"\n{len(lines)} cards; wrong verdicts at {ENOUGH} images and more: {len(wrong)}; peak memory {peak:.0f} MB")
    raise SystemExit(1 if wrong else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judge", description=__doc__)
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--sizes", type=int, nargs="+", default=[500, 1000, 2000, 5000])
    parser.add_argument(
        "--features", nargs="+", choices=judge_extractors.FEATURES, default=list(judge_extractors.USUAL)
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, default=LINES, help="the file for all lines")
    parser.add_argument("--figures", type=Path, help="the file for the table of the documentation")
    return parser.parse_args()


def _of_seed(seed: int, chosen: Sequence[Planted], features: Sequence[str], sizes: Sequence[int]) -> Iterator[Line]:
    """Yield a line for each set, extractor and size."""
    stock, test = dealt(seed)
    looks_at, references = {}, {}
    for name in features:
        began = time.perf_counter()
        looks_at[name] = judge_extractors.looking(name, stock, seed)
        references[name] = Reference(looks_at[name](stock.train), looks_at[name](test), seed)
        print(
            f"\n{name}, seed {seed}: {len(stock.train)} training images, {len(stock.new)} new ones; the reference took "
            f"{time.perf_counter() - began:.1f} s",
            flush=True,
        )
    for planted in chosen:
        pixels = made(planted, stock, max(sizes), seed)
        # Appearance has nothing to do with an extractor.
        looks = references[features[0]].looks_of(pixels)
        for name in features:
            yield from _of_set(planted, looks_at[name], pixels, looks, references[name], name, seed, sizes)


def _of_set(
    planted: Planted,
    look: Look,
    pixels: torch.Tensor,
    looks: Looks,
    reference: Reference,
    features: str,
    seed: int,
    sizes: Sequence[int],
) -> Iterator[Line]:
    """Yield a line for each size: the first images of the set."""
    whole = look(pixels)
    for size in sizes:
        first = torch.arange(size)
        probabilities = whole.probabilities[:size] if whole.probabilities is not None else None
        images = Judged(whole.pixels[:size], whole.features[:size], probabilities)
        began = time.process_time()
        card = judge(images, reference, looks.only(first))
        seconds = time.process_time() - began
        yield judge_figures.line(planted, card, outcome(planted, card), features, seed, seconds)


def made(planted: Planted, stock: Stock, count: int, seed: int) -> torch.Tensor:
    """Make a set in an order by which its first images are a set of the same kind."""
    draws = torch.Generator().manual_seed(1000 * seed + count)
    pixels = planted.make(stock, count, draws)
    return pixels[torch.randperm(count, generator=draws)]


def outcome(planted: Planted, card: Card) -> str:
    """Return whether a card says what was planted; `shown` where no verdict is the only right one."""
    if planted.verdicts is None:
        return judge_figures.SHOWN
    said, wanted = set(card.verdicts), set(planted.verdicts)
    right = wanted <= said <= wanted | set(planted.also)
    return judge_figures.RIGHT if right else judge_figures.WRONG


if __name__ == "__main__":
    main()
