"""`python -m benchmarks.report_cards DIR`: the report cards of generators that `benchmarks.quality --keep DIR` kept.

Each generator's images are judged as an evaluation of the service would judge them: 2,000 images, the extractor that
the package has for the data set, against its training and test images. Prints a line for each, and writes
a file of docs/pictures (that of the digits is report-cards-mnist-10k.json), from which `make docs` makes a table.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import torch
from torch import Tensor

from benchmarks import report_card_figures
from benchmarks.classifier_judge import painted, without_frame
from benchmarks.data import described
from models import wire
from models.extractors import PACKAGED
from models.recipes import RECIPES
from models.specs.parameter_markers import bounds
from models.typed_json import read_object
from models.wire import DatasetSpec
from trainers.data import load
from trainers.judging import extractor as extractors
from trainers.judging.card import judge
from trainers.judging.reference import Judged, Reference

_PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
MINUTES = (1, 5, 20)
_SEED = 1


def main() -> None:
    """Judge every kept generator, and write the file."""
    asked = _arguments()
    torch.set_num_threads(asked.threads)
    kept = kept_in(asked.folder)
    if not kept:
        raise SystemExit(
            f"{asked.folder} has no generator of {asked.dataset} after {', '.join(map(str, MINUTES))} minutes"
        )
    packaged = PACKAGED[asked.dataset]
    limits = bounds(RECIPES["darknet"].params)
    spec = wire.ExtractorSpec(asked.dataset, packaged.path, packaged.sha256, limits)
    network = extractors.load(spec, torch.device("cpu"))

    def look(pixels: Tensor) -> Judged:
        return Judged(pixels, *network.look_at(pixels))

    with tempfile.TemporaryDirectory() as cache:
        parts = load(
            read_object(json.dumps(described(asked.dataset)), "data set", DatasetSpec), (), Path(cache), network.size
        )
    reference = Reference(look(parts["train"].pixels), look(parts["test"].pixels), _SEED)
    cards = []
    for recipe, minutes, path in kept:
        line = json.loads(path.read_text(encoding="utf-8"))
        pixels = without_frame(painted(line, path.with_suffix(".safetensors"), asked.count), network.size)
        card = judge(look(pixels), reference)
        cards.append(report_card_figures.line(recipe, minutes, line["threads"], card.result({})))
        print(json.dumps(cards[-1]), flush=True)
    told = {name: getattr(network, name) for name in ("name", "sha256", "accuracy")}
    ordered = sorted(cards, key=lambda card: (card["recipe"], card["minutes"]))
    report_card_figures.write(
        asked.file or _PICTURES / f"report-cards-{asked.dataset}.json",
        {"dataset": asked.dataset, "extractor": told, "count": asked.count, "cards": ordered},
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report_cards", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--dataset", default="mnist-10k", choices=tuple(PACKAGED))
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--file", type=Path, help="the file to write")
    return parser.parse_args()


def kept_in(folder: Path) -> list[tuple[str, int, Path]]:
    """Return recipe, minutes and the line's file of each generator in a folder that was kept after so many minutes."""
    found = []
    for path in sorted(folder.glob("*.json")):
        recipe, _, seconds = path.stem.rpartition("-")
        minutes = float(seconds) / 60
        if minutes in MINUTES:
            found.append((recipe, int(minutes), path))
    return found


if __name__ == "__main__":
    main()
