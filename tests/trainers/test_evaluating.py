"""An evaluation's attempt in this process: what is judged, what it is compared with, and what is handed over."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from models.extractors import PACKAGED
from models.recipes import RECIPES
from models.specs.parameter_markers import bounds
from packing.packed import PackedWriter
from trainers import images_to_judge
from trainers.data.rng import Draws
from trainers.evaluate import evaluate
from trainers.images_to_judge import of_checkpoint, of_dataset
from trainers.loop import checkpoints, weights
from trainers.methods.steps import generate
from trainers.outputs import png
from trainers.process.errors import CheckpointCorruptError, InvalidDatasetError
from trainers.process.reporter import ListReporter
from trainers.process.spec import EvaluateSpec, parse
from trainers.sample import noises

CPU = torch.device("cpu")
DIGITS = {
    "name": "mnist-10k",
    "source": "builtin",
    "layout": "idx",
    "folder": "mnist10k/MNIST/raw",
    "shape": [1, 28, 28],
    "classes": list("0123456789"),
    "parts": {"train": 9000, "test": 1000},
}
PACKAGE = PACKAGED["mnist-10k"]


@pytest.fixture
def make(tmp_path, make_spec):
    """Return a function that makes the spec of an evaluation: of a checkpoint, or of the images of a data set."""

    def of(checkpoint: Path | None = None, recipe: str = "mlp_gan", **changes) -> EvaluateSpec:
        small = make_spec()
        line = {
            "kind": "evaluate",
            **{name: small[name] for name in ("job", "attempt", "device", "threads", "scratch", "cache", "data_roots")},
            "recipe": None if checkpoint is None else recipe,
            "params": {"count": 200, "seed": 1, "extractor": "auto"},
            "dataset": small["dataset"],
            "images": DIGITS if checkpoint is None else None,
            "checkpoint": None if checkpoint is None else str(checkpoint),
            "extractor": {
                "name": "mnist-10k",
                "path": str(PACKAGE.path),
                "sha256": PACKAGE.sha256,
                "bounds": _bounds("darknet"),
            },
            "bounds": _bounds(recipe),
            **changes,
        }
        spec = parse(json.dumps(line))
        assert isinstance(spec, EvaluateSpec)
        return spec

    return of


def _bounds(recipe: str) -> dict[str, dict[str, object]]:
    return {name: vars(bound) for name, bound in bounds(RECIPES[recipe].params).items()}


def _all(pictures) -> torch.Tensor:
    return torch.cat(list(pictures.blocks))


def test_generated_images_are_those_that_sampling_draws(train_small, make):
    spec = make(train_small(epochs=1).checkpoint)
    snapshot = checkpoints.read(spec.checkpoint)
    generator = weights.restore("mlp_gan", snapshot, "generator", spec.bounds)
    first = png.to_bytes(generate(generator, noises(Draws(1, 0, CPU), 0, 8)), 0.5, 0.5)
    material = of_checkpoint(spec, snapshot, CPU, ListReporter())
    judged = _all(material.judged)
    assert judged.shape == (200, 1, 28, 28)
    assert torch.equal(judged[:64], first)


def test_the_reference_is_split_into_training_and_held_out_images(train_small, make):
    checkpoint = train_small(epochs=1).checkpoint
    material = of_checkpoint(make(checkpoint), checkpoints.read(checkpoint), CPU, ListReporter())
    assert (material.train.number, material.test.number, material.held_out) == (160, 40, True)
    assert len(_all(material.train)) == 160
    assert (material.step, material.epoch) == (10, 1)


def test_with_all_images_trained_on_none_is_held_out(train_small, make):
    checkpoint = train_small(epochs=1, split="all").checkpoint
    material = of_checkpoint(make(checkpoint), checkpoints.read(checkpoint), CPU, ListReporter())
    assert material.held_out is False


def test_without_a_test_part_every_tenth_training_image_is_held_out(make, tmp_path):
    path = tmp_path / "packed.safetensors"
    with PackedWriter(path, (1, 28, 28), ()) as writer:
        for number in range(200):
            writer.add("train", bytes([number]) * 784, None)
        writer.finish(source="mine", crop="center")
    packed = {"name": "mine", "source": "uploaded", "layout": "packed", "folder": "", "shape": [1, 28, 28]}
    packed |= {"classes": [], "parts": {"train": 200}, "path": str(path), "sha256": None}
    spec = make(dataset=packed)
    material = of_dataset(spec, spec.images, 28, ListReporter())
    assert (material.train.number, material.test.number, material.held_out) == (180, 20, False)
    assert _all(material.test)[:, 0, 0, 0].tolist() == list(range(9, 200, 10))
    # Everything of the data set may be judged: 200 of 10,000, not only the first, chosen by the seed.
    judged = _all(material.judged)
    again = _all(of_dataset(spec, spec.images, 28, ListReporter()).judged)
    assert torch.equal(judged, again)
    assert len(judged) == 200


def test_a_black_frame_is_cut_off(train_small, make):
    checkpoint = train_small("mlp_gan", epochs=1, image_size=32).checkpoint
    snapshot = checkpoints.read(checkpoint)
    assert snapshot.meta["shape"] == [1, 32, 32]
    material = of_checkpoint(make(checkpoint), snapshot, CPU, ListReporter())
    assert _all(material.judged).shape[2:] == _all(material.train).shape[2:] == (28, 28)


def test_large_sets_are_thinned(make, monkeypatch):
    monkeypatch.setattr(images_to_judge, "MOST_TRAIN", 50)
    spec = make()
    material = of_dataset(spec, spec.images, 28, ListReporter())
    assert material.train.number == len(_all(material.train)) == 50


def test_other_channels_are_refused(train_small, make):
    checkpoint = train_small(epochs=1).checkpoint
    snapshot = checkpoints.read(checkpoint)
    snapshot.meta["shape"][0] = 3
    with pytest.raises((InvalidDatasetError, CheckpointCorruptError)):
        of_checkpoint(make(checkpoint), snapshot, CPU, ListReporter())


def test_the_attempt_stops_between_two_blocks(make):
    reporter = ListReporter(stop_at_step=3)
    evaluate(make(params={"count": 2000, "seed": 1, "extractor": "auto"}), reporter)
    assert reporter.messages[-1] == {"type": "stopped"}
    assert reporter.of("result") == reporter.of("file") == []


def test_an_attempt_hands_over_its_files_and_one_result_and_again_the_same(make):
    """The figures are those of the seed."""
    spec = make()
    reporter, again, other = (ListReporter() for _ in range(3))
    evaluate(replace(spec, params=SimpleNamespace(**{**vars(spec.params), "seed": 2})), other)
    evaluate(spec, again)
    evaluate(spec, reporter)
    assert again.of("result") == reporter.of("result") != other.of("result")
    kinds = [message["type"] for message in reporter.messages]
    assert kinds[0] == "started"
    assert kinds[-2:] == ["result", "done"]
    [last] = reporter.of("result")
    assert last["values"]["count"] == 200
    assert {"verdicts", "summary", "extractor", "fidelity", "diversity", "copying"} <= last["values"].keys()
    assert last["values"]["extractor"]["sha256"] == PACKAGE.sha256
    progress = reporter.of("progress")[-1]["progress"]
    assert 0 < progress["fraction"] < 1
    assert progress["epochs"] is None
    files = {Path(file["path"]).name: file for file in reporter.of("file")}
    assert [files[name]["kind"] for name in files] == ["samples", *["figure"] * 4, "report"]
    pictures = ["judged.png", "classes.png", "precision_and_recall.png", "closest_pairs.png", "pairs.png"]
    assert list(files)[:5] == pictures
    for file in list(files.values())[:5]:
        Image.open(io.BytesIO(Path(file["path"]).read_bytes())).verify()
    report = json.loads(Path(files["report.json"]["path"]).read_bytes())
    assert report["fidelity"] == last["values"]["fidelity"]
    assert report["images"] == {"judged": 200, "train": 160, "held_out": 40}
    assert len(report["class_histogram_reference"]) == len(report["classes"]) == 10
    assert all(low <= high for low, high in report["real_ranges"].values()), report["real_ranges"]
    # Pages cut the sheet into pairs: a column each, the judged image above its nearest one.
    with Image.open(files["pairs.png"]["path"]) as sheet:
        assert sheet.size == (24 * 28, 2 * 28)
    assert report["pairs_shown"] == 24
    assert [pair[2] for pair in report["closest"]] == sorted(pair[2] for pair in report["closest"])
    assert 0 < report["closest_limit"] < 1
