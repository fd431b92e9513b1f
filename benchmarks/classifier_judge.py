"""What a classifier of the same data says of painted images: which classes, how surely, and how far from real ones."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import safetensors.torch
import torch
from torch import Tensor

from trainers import data, recipes
from trainers.data.preprocessing import Preprocessing
from trainers.judging.frechet import frechet_distance, moments
from trainers.methods.steps import generate
from trainers.outputs import png
from trainers.process import spec
from trainers.recipes.darknet import Darknet

_AT_ONCE = 500
# A class that fewer images show than this share is missing.
_PRESENT = 0.02


class Judgement(NamedTuple):
    """Features (n, features) and probabilities (n, classes) of some images."""

    features: Tensor
    probabilities: Tensor


class Judge:
    """A trained classifier with the real images that it knows."""

    def __init__(self, line: dict[str, Any], samples: int, threads: int = 1) -> None:
        torch.set_num_threads(threads)
        given = _parsed(line)
        params: Any = given.params
        self.samples = samples
        self.shape = (given.dataset.shape[0], params.image_size, params.image_size)
        self.look = Preprocessing(params.normalize_mean, params.normalize_std, params.image_size)
        weights = given.scratch / "classifier.safetensors"
        self.sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
        self.network = _network(given, "classifier", self.shape, weights)
        parts = data.load(given.dataset, given.data_roots, given.cache, params.image_size, params.crop)
        self.test = self.look_at(parts["test"].pixels)
        labels = parts["test"].labels
        assert labels is not None
        right = self.test.probabilities.argmax(1) == labels
        self.accuracy = round(float(right.float().mean()), 4)
        # As many as there are test images, spread over the part: distances of fewer images are larger by themselves.
        every = max(1, len(parts["train"].pixels) // len(self.test.features))
        self.train = self.look_at(parts["train"].pixels[::every][: len(self.test.features)])

    @torch.no_grad()
    def look_at(self, pixels: Tensor) -> Judgement:
        """Judge uint8 images (n, channels, size, size); what stands around the middle is a frame, and is cut off."""
        pixels = without_frame(pixels, self.look.size)
        features, answers = [], []
        for some in torch.split(pixels, _AT_ONCE):
            seen = self.network.features((some.float() / 255 - self.look.mean) / self.look.std)
            features.append(seen)
            answers.append(self.network.last(seen).softmax(1))
        return Judgement(torch.cat(features), torch.cat(answers))

    def painted(self, line: dict[str, Any], weights: Path) -> Tensor:
        """Draw as many uint8 images as are judged from a generator; the line is that of its training."""
        return painted(line, weights, self.samples)

    def figures(self, judgement: Judgement) -> dict[str, Any]:
        """Return how the images are spread over the classes, how sure that is, and how far from real they are."""
        classes = judgement.probabilities.shape[1]
        shares = torch.bincount(judgement.probabilities.argmax(1), minlength=classes) / len(judgement.probabilities)
        entropy = -float(torch.special.xlogy(shares, shares).sum())
        return {
            "histogram": [round(float(share), 3) for share in shares],
            "kl_to_uniform_nats": round(math.log(classes) - entropy, 3),
            "confidence": round(float(judgement.probabilities.amax(1).mean()), 3),
            "classes_present": round(float((shares >= _PRESENT).float().mean()), 2),
            "frechet_ratio": round(self.frechet_ratio(judgement), 2),
        }

    def frechet_ratio(self, judgement: Judgement) -> float:
        """Return the distance of images from test images, over that of as many training images: 1 for real ones."""
        test = moments(self.test.features)
        distance, reference = (frechet_distance(moments(one.features), test) for one in (judgement, self.train))
        return distance / reference


def without_frame(pixels: Tensor, size: int) -> Tensor:
    """Return the middle (n, channels, size, size) of images; all of them where they are no larger."""
    edge = max(0, (pixels.shape[-1] - size) // 2)
    return pixels[..., edge : edge + size, edge : edge + size] if edge else pixels


@torch.no_grad()
def painted(line: dict[str, Any], weights: Path, count: int) -> Tensor:
    """Draw uint8 images from a generator, always of the same noise; the line is that of its training."""
    given = _parsed(line)
    params: Any = given.params
    shape = (given.dataset.shape[0], params.image_size, params.image_size)
    generator = _network(given, "generator", shape, weights)
    noise = torch.randn(count, params.noise_dim, generator=torch.Generator().manual_seed(1))
    images = [
        png.to_bytes(generate(generator, some), params.normalize_mean, params.normalize_std)
        for some in torch.split(noise, _AT_ONCE)
    ]
    return torch.cat(images)


def _network(given: spec.TrainSpec, name: str, shape: tuple[int, ...], weights: Path) -> Any:
    data = recipes.DataInfo(shape, len(given.dataset.classes))
    network = recipes.networks(given.recipe, given.params, data, given.seed)[name]
    network.load_state_dict(safetensors.torch.load_file(str(weights)))
    assert name != "classifier" or isinstance(network, Darknet)
    return network.eval()


def _parsed(line: dict[str, Any]) -> spec.TrainSpec:
    given = spec.parse(json.dumps(line))
    assert isinstance(given, spec.TrainSpec)
    return given
