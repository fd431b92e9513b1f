"""Extractors: networks whose features judge images, and whose classes, where they know any, count kinds.

An extractor is identified by the sha256 of its weights: figures are compared only where it is the same.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Iterator, Mapping, Protocol, cast

import torch
from torch.nn.functional import interpolate

from models.extractors import INCEPTION
from models.messages import ExtractorFaults
from trainers.data.preprocessing import Preprocessing
from trainers.judging.inception import InceptionExtractor
from trainers.judging.seen import Seen
from trainers.loop import checkpoints, weights
from trainers.methods.steps import evaluating
from trainers.process.errors import CheckpointCorruptError, InvalidDatasetError
from trainers.process.spec import as_params
from trainers.recipes.darknet import ROTATIONS, Darknet

if TYPE_CHECKING:
    from models.specs.darknet import DarknetParams
    from models.wire import Bound, ExtractorSpec
    from trainers.loop.checkpoints import Snapshot

# The files of extractors in the package.
PACKAGE = Path(__file__).parent / "extractors"
_RECIPE, _NETWORK = "darknet", "classifier"
# Always so many at once, at most: kernels may sum in another order for another batch size.
_AT_ONCE = 250


class Extractor(Protocol):
    """Turns images into features.

    ``sha256`` identifies it, ``accuracy`` is the share of test images whose class it names (None where it knows none),
    ``size`` the width and height of the images that it was trained on.
    """

    name: str
    sha256: str
    accuracy: float | None
    classes: int | None
    size: int

    def look_at(self, pixels: torch.Tensor) -> Seen:
        """Return features and probabilities of images [n, C, H, W] uint8; other sizes are scaled to its own.

        Raises:
            InvalidDatasetError: the images have another number of channels.
        """


def load(spec: ExtractorSpec, device: torch.device) -> Extractor:
    """Load the extractor that a spec names. Nothing larger than its bounds is built, whatever the file claims.

    Raises:
        CheckpointCorruptError: the file is missing or damaged, or is not what the spec wants.
    """
    path = PACKAGE / spec.path  # a path from the root stays as it is
    extractor: Extractor
    if spec.name == INCEPTION:
        extractor = InceptionExtractor(path, device)
    else:
        extractor = DarknetExtractor(spec.name, checkpoints.read(path), spec.bounds, device)
    if spec.sha256 not in (None, extractor.sha256):
        raise CheckpointCorruptError(
            ExtractorFaults.other_extractor(name=spec.name, found=extractor.sha256, wanted=spec.sha256)
        )
    return extractor


class DarknetExtractor:
    """A trained `darknet`: features are what stands before its last layer, the means over all pixels."""

    def __init__(self, name: str, snapshot: Snapshot, bounds: Mapping[str, Bound], device: torch.device) -> None:
        network = cast(Darknet, weights.restore(_RECIPE, snapshot, _NETWORK, bounds))
        params = cast("DarknetParams", as_params(snapshot.meta["params"]))
        self.name = name
        self.sha256 = weights_sha256(network.state_dict())
        # Told apart by turns, images have no classes. Checkpoints from before the parameter have classes.
        knows_classes = vars(params).get("targets") != ROTATIONS
        self.classes = len(snapshot.meta["classes"]) if knows_classes else None
        self.accuracy = _accuracy(snapshot) if knows_classes else None
        self.channels, _, self.size = snapshot.meta["shape"]
        self._device = device
        self._network = network.to(device)
        self._scale, self._offset = _preprocessing(snapshot, params, self.size).scale_and_offset(device)

    @torch.no_grad()
    def look_at(self, pixels: torch.Tensor) -> Seen:
        """Return features and probabilities of images [n, C, H, W] uint8; other sizes are scaled to its own.

        Raises:
            InvalidDatasetError: the images have another number of channels.
        """
        if pixels.shape[1] != self.channels:
            raise InvalidDatasetError(
                ExtractorFaults.extractor_channels(name=self.name, channels=pixels.shape[1], wanted=self.channels)
            )
        features, probabilities = [], []
        with evaluating(self._network):
            for images in blocks(pixels, self.size, self._device):  # [at most _AT_ONCE, C, size, size] float32
                seen = self._network.features(images.mul_(self._scale).add_(self._offset))  # [n, d]
                features.append(seen.float().cpu())
                if self.classes is not None:
                    probabilities.append(self._network.last(seen).float().softmax(1).cpu())  # [n, classes]
        return Seen(torch.cat(features), torch.cat(probabilities) if self.classes is not None else None)


def blocks(pixels: torch.Tensor, size: int, device: torch.device) -> Iterator[torch.Tensor]:
    """Yield images [n, C, H, W] uint8 in blocks, float32 of 0 to 255 on the device, scaled to ``size`` where needed."""
    for some in torch.split(pixels, _AT_ONCE):
        images = some.to(device).float()
        if images.shape[2:] != (size, size):
            # Antialiased, as pictures are where they are prepared for a training.
            images = interpolate(images, (size, size), mode="bilinear", antialias=True).clamp_(0, 255)
        yield images


def weights_sha256(tensors: Mapping[str, torch.Tensor]) -> str:
    """Return the sha256 of a network's tensors: name, type, shape and bytes of each, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _accuracy(snapshot: Snapshot) -> float | None:
    """Return the accuracy on the test images of the best epoch, which is that of the checkpoint `best`."""
    if snapshot.meta["params"].get("monitor") != "accuracy" or snapshot.meta["stop"]["best"] is None:
        return None
    return round(snapshot.meta["stop"]["best"], 6)


def _preprocessing(snapshot: Snapshot, params: DarknetParams, size: int) -> Preprocessing:
    """Return how the classifier's images were normalised, by channels where the checkpoint holds their statistics."""
    channels = snapshot.tensors.get("extras/channels")  # [C, 2] float64
    found = Preprocessing(params.normalize_mean, params.normalize_std, size)
    if channels is None:
        return found
    return found._replace(channels=tuple((float(mean), float(std)) for mean, std in channels))
