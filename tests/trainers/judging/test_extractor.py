"""Extractors: which network a file holds, and what it says of images."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from models import wire
from models.extractors import PACKAGED
from models.recipes import RECIPES
from models.specs.parameter_markers import bounds
from packing.layouts import KNOWN
from trainers import data
from trainers.judging import extractor
from trainers.loop import checkpoints
from trainers.process.errors import CheckpointCorruptError, InvalidDatasetError
from trainers.process.spec import DatasetSpec

CPU = torch.device("cpu")
BOUNDS = bounds(RECIPES["darknet"].params)
DIGITS = PACKAGED["mnist-10k"]


def load(path, name="mnist-10k", sha256=None):
    return extractor.load(wire.ExtractorSpec(name, Path(path), sha256, BOUNDS), CPU)


@pytest.fixture(scope="module")
def packaged():
    return load(DIGITS.path)


@pytest.fixture(scope="module")
def test_digits(tmp_path_factory):
    """The 1,000 test images of the built-in digits, with their classes."""
    spec = DatasetSpec(**KNOWN["mnist-10k"].as_spec())
    return data.load(spec, (), tmp_path_factory.mktemp("cache"), 28)["test"]


def test_the_packaged_extractor_is_small_and_knows_the_digits(packaged, test_digits):
    assert (extractor.PACKAGE / DIGITS.path).stat().st_size < 1_000_000
    assert packaged.sha256 == DIGITS.sha256
    assert (packaged.classes, packaged.size, packaged.channels) == (10, 28, 1)
    seen = packaged.look_at(test_digits.pixels)
    assert seen.features.shape == (1000, 128)
    assert seen.features.dtype == seen.probabilities.dtype == torch.float32
    assert torch.allclose(seen.probabilities.sum(1), torch.ones(1000), atol=1e-5)
    right = (seen.probabilities.argmax(1) == test_digits.labels).double().mean()
    # An image on the border between two classes may fall to the other side on another processor.
    assert float(right) == pytest.approx(DIGITS.accuracy, abs=0.002)
    assert packaged.accuracy == DIGITS.accuracy >= 0.98


def test_features_do_not_depend_on_which_images_are_looked_at_together(packaged, test_digits):
    whole = packaged.look_at(test_digits.pixels[:300])
    alone = packaged.look_at(test_digits.pixels[290:300])
    assert torch.allclose(whole.features[290:], alone.features, atol=1e-4)
    assert torch.equal(whole.features, packaged.look_at(test_digits.pixels[:300]).features)


def test_images_of_another_size_are_scaled_to_that_of_the_extractor(packaged, test_digits):
    pixels = test_digits.pixels[:200]
    larger = pixels.repeat_interleave(2, 2).repeat_interleave(2, 3)  # [200, 1, 56, 56], each pixel four times
    plain, scaled = packaged.look_at(pixels), packaged.look_at(larger)
    same = (plain.probabilities.argmax(1) == scaled.probabilities.argmax(1)).float().mean()
    assert 0.95 < float(same) <= 1


def test_images_of_other_channels_are_refused(packaged):
    with pytest.raises(InvalidDatasetError, match="takes images of 1 channels, and these have 3"):
        packaged.look_at(torch.zeros(4, 3, 28, 28, dtype=torch.uint8))


def test_a_file_with_other_weights_than_the_spec_wants_is_refused(packaged, tmp_path):
    assert load(DIGITS.path, sha256=DIGITS.sha256).sha256 == packaged.sha256
    snapshot = checkpoints.read(extractor.PACKAGE / DIGITS.path)
    snapshot.tensors["networks/classifier/last.bias"][3] += 1e-3
    checkpoints.write(tmp_path / "changed.safetensors", snapshot)
    with pytest.raises(CheckpointCorruptError, match=f", not {DIGITS.sha256}"):
        load(tmp_path / "changed.safetensors", sha256=DIGITS.sha256)
    assert load(tmp_path / "changed.safetensors").sha256 != packaged.sha256


def test_the_sha256_tells_names_and_shapes_apart():
    value = torch.arange(6.0)
    assert extractor.weights_sha256({"a": value, "b": value}) == extractor.weights_sha256({"b": value, "a": value})
    others = [{"a": value}, {"c": value, "b": value}, {"a": value.view(2, 3), "b": value}, {"a": value, "b": value + 1}]
    hashes = {extractor.weights_sha256(tensors) for tensors in ({"a": value, "b": value}, *others)}
    assert len(hashes) == 5


def test_a_checkpoint_of_a_training_is_an_extractor_with_its_own_normalisation(train_small):
    settings = {"groups": [1, 1], "width": 8, "batch_size": 16, "epochs": 2, "learning_rate": 0.05}
    attempt = train_small("darknet", **settings, normalize_channels=True)
    best = [message for message in attempt.files("checkpoint") if message["best"]][-1]
    found = load(best["path"], "job_a")
    means = [message["means"]["accuracy"] for message in attempt.of("epoch")]
    assert found.accuracy == pytest.approx(max(means), abs=1e-6)
    assert (found.name, found.classes, found.size) == ("job_a", 10, 28)
    # What a constant image of 100 becomes: (100 / 255 - mean) / std, by the statistics in the checkpoint.
    ((mean, std),) = checkpoints.read(Path(best["path"])).tensors["extras/channels"].tolist()
    normalised = torch.full((1, 1, 28, 28), (100 / 255 - mean) / std)
    with torch.no_grad():
        expected = found._network.eval().features(normalised)
    seen = found.look_at(torch.full((1, 1, 28, 28), 100, dtype=torch.uint8))
    assert torch.allclose(seen.features, expected, atol=1e-4)
    report = json.loads(Path(attempt.files("report")[0]["path"]).read_text())
    assert report["params"]["normalize_channels"] is True


def test_a_generator_is_no_extractor(train_small):
    with pytest.raises(CheckpointCorruptError, match="'mlp_gan'"):
        load(train_small("mlp_gan", epochs=1).checkpoint)
