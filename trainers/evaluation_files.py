"""What an evaluation hands over: its result, the report with all details, and pictures."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Iterator, Mapping, NamedTuple, cast

import torch

from trainers.outputs import CELLS, png, report_card
from trainers.outputs.report_card import Beside
from trainers.process.reporter import JSON, PNG

if TYPE_CHECKING:
    from models.wire import DatasetSpec, FileKind
    from trainers.images_to_judge import Material
    from trainers.judging.card import Card
    from trainers.judging.extractor import Extractor
    from trainers.judging.reference import Judged

_PAIRS = 24
PAIRS_SHEET = "pairs.png"
# What figures are the share of.
_MEANINGS = {
    "precision": "these, among real images",
    "recall": "real ones, among these",
    "coverage": "real ones that have\none of these close by",
}


class NewFile(NamedTuple):
    """A file to report."""

    kind: FileKind
    name: str
    content: bytes
    content_type: str


class Measure(NamedTuple):
    """What new real images have: the range of each figure, and the relative distance that one of a hundred is below."""

    ranges: Mapping[str, list[float]]
    limit: float


class Findings:
    """A report card with what it is about: the extractor, the reference, the images, and what real images have."""

    def __init__(
        self, card: Card, extractor: Extractor, reference: DatasetSpec, material: Material, measure: Measure
    ) -> None:
        self.card = card
        self.extractor = extractor
        self.reference = reference
        self.material = material
        self.measure = measure
        # Inception knows other classes than the data set has.
        known = extractor.classes == len(reference.classes)
        self.classes = list(reference.classes) if known else list(map(str, range(extractor.classes or 0)))

    def result(self) -> dict[str, object]:
        """Return the job's `result`: that of the card, with the names of classes and the code of its summary."""
        named = {name: getattr(self.extractor, name) for name in ("name", "sha256", "accuracy")}
        result = self.card.result(named)
        diversity = dict(self.card.diversity)
        missing = diversity["classes_missing"]
        if isinstance(missing, list):
            diversity["classes_missing"] = [self.classes[number] for number in missing]
        return {**result, "summary_text": self.card.summary.as_json(), "diversity": diversity}

    def files(self, judged: Judged, train: Judged, test: Judged) -> Iterator[NewFile]:
        """Yield the grid of judged images, plots, and the report."""
        # From all over the set: images of a data set may be sorted by their class.
        some = judged.pixels[:: max(1, len(judged.pixels) // CELLS)][:CELLS]
        yield NewFile("samples", "judged.png", png.png(png.tile(some)), PNG)
        yield from self._figures()
        closest = self.card.closest[:_PAIRS]
        # Where nothing was held out, test images count as training images.
        known = train.pixels if self.card.held_out else torch.cat([train.pixels, test.pixels])
        shown, nearest = judged.pixels[[row for row, _, _ in closest]], known[[row for _, row, _ in closest]]
        distances = [distance for _, _, distance in closest]
        pairs = report_card.closest_pairs(shown, nearest, distances, self.measure.limit)
        yield NewFile("figure", "closest_pairs.png", pairs, PNG)
        # The same without words or gaps, a pair in each column: pages cut it into pairs and add the words.
        sheet = png.tile(torch.cat([shown, nearest]), len(closest), gap=0)
        yield NewFile("figure", PAIRS_SHEET, png.png(sheet), PNG)
        yield NewFile("report", "report.json", json.dumps(self._report(), indent=2).encode(), JSON)

    def _figures(self) -> Iterator[NewFile]:
        expected = self._real_shares()
        shown = self.card.diversity["class_histogram"]
        if isinstance(shown, list) and expected is not None:
            content = report_card.class_histogram(shown, expected, self.classes)
            yield NewFile("figure", "classes.png", content, PNG)
        figures = {**self.card.fidelity, **self.card.diversity}
        real = {**self.card.reference, "coverage": figures["coverage_reference"]}
        beside = [
            Beside(name, meaning, cast("float", figures[name]), cast("float", real[name]))
            for name, meaning in _MEANINGS.items()
        ]
        yield NewFile("figure", "precision_and_recall.png", report_card.beside_reference(beside), PNG)

    def _real_shares(self) -> list[float] | None:
        shares = [self.card.reference.get(f"class_{number}") for number in range(len(self.classes))]
        return [share for share in shares if share is not None] if shares and None not in shares else None

    def _report(self) -> dict[str, object]:
        return {
            **self.result(),
            **self.card.details(),
            "real_ranges": dict(self.measure.ranges),
            "dataset": self.reference.name,
            "classes": self.classes,
            "class_histogram_reference": self._real_shares(),
            "images": {
                "judged": self.material.judged.number,
                "train": self.material.train.number,
                "held_out": self.material.test.number,
            },
            "step": self.material.step,
            "closest_limit": self.measure.limit,
            "closest": [list(pair) for pair in self.card.closest],
            "pairs_shown": min(_PAIRS, len(self.card.closest)),
        }
