"""Sampling: the same checkpoint and seed give the same bytes."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models.recipes import RECIPES
from models.specs.parameter_markers import bounds
from tests.trainers.attempts import sha256
from trainers.loop import checkpoints
from trainers.process.errors import CheckpointCorruptError
from trainers.process.reporter import ListReporter
from trainers.process.spec import SampleSpec, parse
from trainers.sample import sample, walk


@pytest.fixture
def draw(tmp_path):
    def run(checkpoint, recipe="mlp_gan", **params):
        scratch = tmp_path / f"sample-{len(list(tmp_path.iterdir()))}"
        scratch.mkdir()
        line = {"kind": "sample", "job": "job_test", "attempt": 1, "recipe": recipe, "checkpoint": str(checkpoint)}
        line["bounds"] = {name: vars(bound) for name, bound in bounds(RECIPES[recipe].params).items()}
        given = {"count": 64, "seed": 1, "output": "grid", **params}
        folders = {"scratch": str(scratch), "cache": str(tmp_path / "cache")}
        spec = parse(json.dumps({**line, **folders, "params": given, "device": "cpu", "threads": 1}))
        assert isinstance(spec, SampleSpec)
        reporter = ListReporter()
        sample(spec, reporter)
        assert reporter.messages[-1] == {"type": "done", "reason": None}
        [file] = reporter.of("file")
        assert file["kind"] == "samples"
        return Path(file["path"])

    return run


@pytest.mark.parametrize("recipe", ["mlp_gan", "dcgan"])
@pytest.mark.parametrize("output", ["grid", "images", "interpolation"])
def test_the_same_checkpoint_and_seed_give_the_same_bytes(train_small, draw, recipe, output):
    checkpoint = train_small(recipe, epochs=1).checkpoint
    first, second, other = (sha256(draw(checkpoint, recipe, output=output, count=9, seed=seed)) for seed in (7, 7, 8))
    assert first == second != other


def test_an_image_does_not_depend_on_how_many_were_asked_for(train_small, draw):
    checkpoint = train_small("dcgan", epochs=1).checkpoint
    few, many = (zipfile.ZipFile(draw(checkpoint, "dcgan", output="images", count=count)) for count in (3, 130))
    assert few.namelist() == ["00000.png", "00001.png", "00002.png"]
    assert len(many.namelist()) == 130
    for name in few.namelist():
        assert few.read(name) == many.read(name)
    assert len({many.read(name) for name in many.namelist()}) > 100
    image = Image.open(io.BytesIO(many.read("00129.png")))
    assert (image.size, image.mode) == ((28, 28), "L")


def test_a_grid_of_64_has_8_by_8_cells(train_small, draw):
    with Image.open(draw(train_small(epochs=1).checkpoint)) as image:
        assert image.size == (8 * 30 + 2, 8 * 30 + 2)


def test_a_strip_walks_from_one_seed_to_the_next(train_small, draw):
    checkpoint = train_small(epochs=1).checkpoint
    with Image.open(draw(checkpoint, output="interpolation", count=5, seed=3)) as image:
        strip = np.asarray(image)
    assert strip.shape == (32, 5 * 30 + 2)
    ends = [
        Image.open(io.BytesIO(zipfile.ZipFile(draw(checkpoint, output="images", count=1, seed=seed)).read("00000.png")))
        for seed in (3, 4)
    ]
    # Float rounding on the sphere may move a pixel by one grey.
    assert np.abs(strip[2:30, 2:30].astype(int) - np.asarray(ends[0])).max() <= 1
    assert np.abs(strip[2:30, 122:150].astype(int) - np.asarray(ends[1])).max() <= 1


def test_the_walk_stays_on_the_sphere_and_divides_the_angle_evenly():
    start, end = torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0])
    points = walk(start, end, 4)
    angles = [torch.atan2(point[1], point[0]).item() for point in points]
    assert angles == pytest.approx([0, torch.pi / 6, torch.pi / 3, torch.pi / 2], abs=1e-6)
    assert points.norm(dim=1).tolist() == pytest.approx([1] * 4, abs=1e-6)
    assert walk(start, start, 3).tolist() == [start.tolist()] * 3
    assert walk(start, end, 1).tolist() == [start.tolist()]


def test_samples_come_from_the_average_when_there_is_one(train_small, draw):
    attempt = train_small(epochs=1, ema_half_life=1000)
    snapshot = checkpoints.read(Path(attempt.checkpoint))
    before = sha256(draw(attempt.checkpoint))
    for name in list(snapshot.tensors):
        if name.startswith("averages/"):
            del snapshot.tensors[name]
    bare = Path(attempt.checkpoint).with_name("bare.safetensors")
    checkpoints.write(bare, snapshot)
    assert sha256(draw(bare)) != before


def test_the_weights_file_of_the_generator_holds_the_average(train_small):
    from safetensors.torch import load_file

    attempt = train_small(epochs=1, ema_half_life=1000)
    tensors = checkpoints.read(Path(attempt.checkpoint)).tensors
    weights = load_file(attempt.files("weights")[0]["path"])
    assert all(torch.equal(value, tensors[f"averages/generator/{name}"]) for name, value in weights.items())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"recipe": "dcgan"}, "belongs to the recipe 'dcgan'"),
        ({"params": {}}, "does not describe its networks"),
        ({"params": {"noise_dim": 10**12, "width": 4}}, "noise_dim of 1000000000000"),
        ({"shape": None}, "does not describe its networks"),
        ({"shape": (1, 28, 513)}, "images of"),
        ({"shape": (4, 28, 28)}, "images of"),
    ],
)
def test_a_checkpoint_that_lies_about_its_networks_is_refused(train_small, draw, change, words):
    path = Path(train_small(epochs=1).checkpoint)
    snapshot = checkpoints.read(path)
    snapshot.meta.update(change)
    checkpoints.write(path, snapshot)
    with pytest.raises(CheckpointCorruptError, match=words):
        draw(path)
