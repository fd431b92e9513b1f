"""A share of the planted sets, with digits and the packaged extractor; `make bench-judge` judges all of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks import judge, planted
from benchmarks.planted import SETS, Planted, Stock
from models import wire
from models.extractors import PACKAGED
from models.recipes import RECIPES
from models.specs.parameter_markers import bounds
from packing.layouts import KNOWN
from trainers import data
from trainers.judging import card, extractor
from trainers.judging.reference import Judged, Reference
from trainers.process.spec import DatasetSpec

TRIED = (
    "real: new images",
    "copies: shifted by a pixel",
    "modes: five classes",
    "fidelity: 5 % salt",
)


@pytest.fixture(scope="module")
def look():
    limits = bounds(RECIPES["darknet"].params)
    spec = wire.ExtractorSpec("mnist-10k", Path(PACKAGED["mnist-10k"].path), bounds=limits)
    network = extractor.load(spec, torch.device("cpu"))
    return lambda pixels: Judged(pixels, *network.look_at(pixels))


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> tuple[Stock, torch.Tensor]:
    """3,000 training digits, 500 new ones, and 500 held-out ones."""
    spec = DatasetSpec(**KNOWN["mnist-10k"].as_spec())
    parts = data.load(spec, (), tmp_path_factory.mktemp("cache"), 28)
    train, test = parts["train"], parts["test"]
    new = test.pixels[::2]
    return Stock(train.pixels[::3], train.labels[::3], new, test.labels[::2], 255 - new), test.pixels[1::2]


@pytest.fixture(scope="module")
def reference(look, stock) -> Reference:
    train, test = stock[0].train, stock[1]
    return Reference(look(train), look(test), seed=1)


@pytest.mark.parametrize("name", TRIED)
def test_the_judge_names_what_was_planted_among_digits(name: str, look, stock, reference):
    one = next(planted for planted in SETS if planted.name == name)
    found = card.judge(look(one.make(stock[0], 1000, torch.Generator().manual_seed(1))), reference)
    assert judge.outcome(one, found) == "right", (found.verdicts, [reason.as_json() for reason in found.reasons])


def test_a_wrong_verdict_is_printed_as_wrong(look, stock, reference):
    found = card.judge(look(stock[0].train[:500]), reference)
    assert found.verdicts == ["copying"]
    never = Planted("", lambda stock, *_: stock.new, ("modes_lost",))
    assert judge.outcome(never, found) == "WRONG"
    assert judge.outcome(Planted("", never.make, ("modes_lost",), ("copying",)), found) == "WRONG"
    assert judge.outcome(Planted("", never.make, ("copying",), ("modes_lost",)), found) == "right"
    assert judge.outcome(Planted("", never.make, ()), found) == "WRONG"
    assert judge.outcome(Planted("", never.make, None), found) == "shown"


def test_planted_changes_change_what_they_should():
    images = torch.zeros(8, 1, 28, 28, dtype=torch.uint8)
    images[:, :, 10:14, 10:14] = 200
    draws = torch.Generator().manual_seed(1)
    moved = planted.shifted(images, draws)
    assert (moved != images).flatten(1).any(1).all()
    assert moved.sum() == images.sum()
    assert planted.salted(images, 0.1, draws).float().mean() == pytest.approx(0.1 * 255 + 200 * 0.9 * 16 / 784, rel=0.1)
    assert planted.blurred(images, 1.0).float().mean() == pytest.approx(float(images.float().mean()), rel=0.05)
    assert planted.noisy(torch.full_like(images, 100), 0.1, draws).float().std() == pytest.approx(25.5, rel=0.05)
    assert torch.equal(planted.blocky(images, 1e-3), images), "fine steps lose nothing"
