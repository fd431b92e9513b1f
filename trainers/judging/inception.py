"""Inception v3 (Szegedy et al. 2016) up to its last pooling, with the weights of a file that the user has.

Its 2,048 features give figures that can be laid beside those of papers. Names of the layers are those of the files:
torchvision's own, and the port of the weights that FID was defined with (Heusel et al. 2017).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d, relu

from models.extractors import INCEPTION, INCEPTION_FILES
from models.messages import ExtractorFaults, Words
from trainers.judging.seen import Seen
from trainers.process.errors import CheckpointCorruptError, InvalidDatasetError

if TYPE_CHECKING:
    from pathlib import Path

SIZE, FEATURES = 299, 2048
# 40 layers of 299 pixels: so many images at once take about half a gigabyte.
_AT_ONCE = 50
_PART = 1 << 20
_ACCEPTED = (1, 3)  # channels; grey images are shown three times


class Convolution(nn.Module):
    """Convolution without bias, batch normalisation, ReLU."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int | tuple[int, int],
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return [n, outputs, h', w']."""
        return relu(self.bn(self.conv(inputs)))


class Block(nn.Module):
    """A block of branches. ``padded_means``: whether 3x3 means count the zeros beyond the edge, as torchvision's do."""

    def __init__(self, padded_means: bool) -> None:
        super().__init__()
        self.padded_means = padded_means

    def pooled(self, inputs: Tensor) -> Tensor:
        """Return the means of 3x3 pixels, at the same resolution."""
        return avg_pool2d(inputs, 3, 1, 1, count_include_pad=self.padded_means)


class BlockA(Block):
    """35x35: branches of 1x1, 5x5, two 3x3, and a mean. Channels: ``inputs`` -> 224 + ``pooled``."""

    def __init__(self, inputs: int, pooled: int, padded_means: bool) -> None:
        super().__init__(padded_means)
        self.branch1x1 = Convolution(inputs, 64, 1)
        self.branch5x5_1 = Convolution(inputs, 48, 1)
        self.branch5x5_2 = Convolution(48, 64, 5, padding=2)
        self.branch3x3dbl_1 = Convolution(inputs, 64, 1)
        self.branch3x3dbl_2 = Convolution(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = Convolution(96, 96, 3, padding=1)
        self.branch_pool = Convolution(inputs, pooled, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the branches side by side."""
        fives = self.branch5x5_2(self.branch5x5_1(inputs))
        threes = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(inputs)))
        return torch.cat([self.branch1x1(inputs), fives, threes, self.branch_pool(self.pooled(inputs))], 1)


class BlockB(nn.Module):
    """35x35 -> 17x17. Channels: 288 -> 768."""

    def __init__(self) -> None:
        super().__init__()
        self.branch3x3 = Convolution(288, 384, 3, 2)
        self.branch3x3dbl_1 = Convolution(288, 64, 1)
        self.branch3x3dbl_2 = Convolution(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = Convolution(96, 96, 3, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the branches side by side."""
        threes = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(inputs)))
        return torch.cat([self.branch3x3(inputs), threes, max_pool2d(inputs, 3, 2)], 1)


class BlockC(Block):
    """17x17: 7x7 as rows and columns. Channels: 768 -> 768, with ``inner`` between."""

    def __init__(self, inner: int, padded_means: bool) -> None:
        super().__init__(padded_means)
        row, column = (1, 7), (7, 1)
        beside, above = (0, 3), (3, 0)
        self.branch1x1 = Convolution(768, 192, 1)
        self.branch7x7_1 = Convolution(768, inner, 1)
        self.branch7x7_2 = Convolution(inner, inner, row, padding=beside)
        self.branch7x7_3 = Convolution(inner, 192, column, padding=above)
        self.branch7x7dbl_1 = Convolution(768, inner, 1)
        self.branch7x7dbl_2 = Convolution(inner, inner, column, padding=above)
        self.branch7x7dbl_3 = Convolution(inner, inner, row, padding=beside)
        self.branch7x7dbl_4 = Convolution(inner, inner, column, padding=above)
        self.branch7x7dbl_5 = Convolution(inner, 192, row, padding=beside)
        self.branch_pool = Convolution(768, 192, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the branches side by side."""
        once = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(inputs)))
        twice = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(inputs)))
        twice = self.branch7x7dbl_5(self.branch7x7dbl_4(twice))
        return torch.cat([self.branch1x1(inputs), once, twice, self.branch_pool(self.pooled(inputs))], 1)


class BlockD(nn.Module):
    """17x17 -> 8x8. Channels: 768 -> 1280."""

    def __init__(self) -> None:
        super().__init__()
        self.branch3x3_1 = Convolution(768, 192, 1)
        self.branch3x3_2 = Convolution(192, 320, 3, 2)
        self.branch7x7x3_1 = Convolution(768, 192, 1)
        self.branch7x7x3_2 = Convolution(192, 192, (1, 7), padding=(0, 3))
        self.branch7x7x3_3 = Convolution(192, 192, (7, 1), padding=(3, 0))
        self.branch7x7x3_4 = Convolution(192, 192, 3, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the branches side by side."""
        sevens = self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(inputs)))
        threes = self.branch3x3_2(self.branch3x3_1(inputs))
        return torch.cat([threes, self.branch7x7x3_4(sevens), max_pool2d(inputs, 3, 2)], 1)


class BlockE(Block):
    """8x8: rows and columns of 3 side by side. Channels: ``inputs`` -> 2048. ``largest``: maxima in place of means."""

    def __init__(self, inputs: int, padded_means: bool, largest: bool = False) -> None:
        super().__init__(padded_means)
        row, column = (1, 3), (3, 1)
        beside, above = (0, 1), (1, 0)
        self.largest = largest
        self.branch1x1 = Convolution(inputs, 320, 1)
        self.branch3x3_1 = Convolution(inputs, 384, 1)
        self.branch3x3_2a = Convolution(384, 384, row, padding=beside)
        self.branch3x3_2b = Convolution(384, 384, column, padding=above)
        self.branch3x3dbl_1 = Convolution(inputs, 448, 1)
        self.branch3x3dbl_2 = Convolution(448, 384, 3, padding=1)
        self.branch3x3dbl_3a = Convolution(384, 384, row, padding=beside)
        self.branch3x3dbl_3b = Convolution(384, 384, column, padding=above)
        self.branch_pool = Convolution(inputs, 192, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the branches side by side."""
        once = self.branch3x3_1(inputs)
        twice = self.branch3x3dbl_2(self.branch3x3dbl_1(inputs))
        pooled = max_pool2d(inputs, 3, 1, 1) if self.largest else self.pooled(inputs)
        return torch.cat(
            [
                self.branch1x1(inputs),
                self.branch3x3_2a(once),
                self.branch3x3_2b(once),
                self.branch3x3dbl_3a(twice),
                self.branch3x3dbl_3b(twice),
                self.branch_pool(pooled),
            ],
            1,
        )


class Inception(nn.Module):
    """Images [n, 3, 299, 299] of -1 to 1 -> features [n, 2048].

    ``port``: the network as FID's port has it, whose weights come from TensorFlow: means leave out what is beyond the
    edge, and the pooling of the last block takes maxima. Otherwise it is torchvision's.
    """

    def __init__(self, port: bool) -> None:
        super().__init__()
        padded = not port
        self.Conv2d_1a_3x3 = Convolution(3, 32, 3, 2)
        self.Conv2d_2a_3x3 = Convolution(32, 32, 3)
        self.Conv2d_2b_3x3 = Convolution(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = Convolution(64, 80, 1)
        self.Conv2d_4a_3x3 = Convolution(80, 192, 3)
        self.Mixed_5b = BlockA(192, 32, padded)
        self.Mixed_5c = BlockA(256, 64, padded)
        self.Mixed_5d = BlockA(288, 64, padded)
        self.Mixed_6a = BlockB()
        self.Mixed_6b = BlockC(128, padded)
        self.Mixed_6c = BlockC(160, padded)
        self.Mixed_6d = BlockC(160, padded)
        self.Mixed_6e = BlockC(192, padded)
        self.Mixed_7a = BlockD()
        self.Mixed_7b = BlockE(1280, padded)
        self.Mixed_7c = BlockE(2048, padded, largest=port)

    def forward(self, images: Tensor) -> Tensor:
        """Return the means over the last 8x8 pixels."""
        seen = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(images)))  # [n, 64, 147, 147]
        seen = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(max_pool2d(seen, 3, 2)))  # [n, 192, 71, 71]
        seen = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(max_pool2d(seen, 3, 2))))  # [n, 288, 35, 35]
        seen = self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(seen)))  # [n, 768, 17, 17]
        seen = self.Mixed_7a(self.Mixed_6e(self.Mixed_6d(seen)))  # [n, 1280, 8, 8]
        seen = self.Mixed_7c(self.Mixed_7b(seen))  # [n, 2048, 8, 8]
        features: Tensor = seen.mean((2, 3))
        return features


class InceptionExtractor:
    """The network with the weights of a file; the sha256 is that of the file. It knows no classes of the data."""

    def __init__(self, path: Path, device: torch.device) -> None:
        self.name = INCEPTION
        self.accuracy: float | None = None
        self.classes: int | None = None
        self.size = SIZE
        self.sha256 = file_sha256(path)
        known = INCEPTION_FILES.get(self.sha256)
        if known is None:
            *others, last = INCEPTION_FILES.values()
            files = Words.either(some=[known.file for known in others], last=last.file)
            raise CheckpointCorruptError(
                ExtractorFaults.unknown_inception(file=str(path), sha256=self.sha256, files=files)
            )
        self._device = device
        self._network = filled(Inception(known.port), torch.load(str(path), map_location="cpu", weights_only=True))
        self._network.to(device).eval()

    @torch.no_grad()
    def look_at(self, pixels: Tensor) -> Seen:
        """Return the features of images [n, 1 or 3, H, W] uint8 of any size.

        Raises:
            InvalidDatasetError: the images have another number of channels.
        """
        channels = pixels.shape[1]
        if channels not in _ACCEPTED:
            raise InvalidDatasetError(
                ExtractorFaults.extractor_channels(name=self.name, channels=channels, wanted=_ACCEPTED[-1])
            )
        blocks = torch.split(pixels, _AT_ONCE)
        return Seen(torch.cat([self._network(prepared(block.to(self._device))).cpu() for block in blocks]), None)


def prepared(pixels: Tensor) -> Tensor:
    """Return images [n, 1 or 3, H, W] uint8 as the network takes them, [n, 3, 299, 299] of -1 to 1.

    As the port does it: pixels of 0 to 1, bilinear without antialiasing and with aligned centres, then 2 x - 1.
    """
    images = pixels.float().div(255).expand(-1, 3, -1, -1)
    return interpolate(images, (SIZE, SIZE), mode="bilinear", align_corners=False).mul(2).sub(1)


def filled(network: Inception, weights: Mapping[str, Tensor]) -> Inception:
    """Put weights into the network; those of layers behind the last pooling are left out.

    Raises:
        CheckpointCorruptError: one is missing, or has another shape.
    """
    wanted = network.state_dict()
    # The port's file does not count batches, which is of no use here.
    missing = [name for name in wanted if name not in weights and not name.endswith("num_batches_tracked")]
    other = [name for name in wanted if name in weights and weights[name].shape != wanted[name].shape]
    if missing or other:
        raise CheckpointCorruptError(ExtractorFaults.no_inception(name=(missing or other)[0]))
    network.load_state_dict({name: weights.get(name, value) for name, value in wanted.items()})
    return network


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file.

    Raises:
        CheckpointCorruptError: it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            for part in iter(lambda: file.read(_PART), b""):
                digest.update(part)
    except OSError as error:
        raise CheckpointCorruptError(ExtractorFaults.unreadable_extractor(file=str(path), error=str(error))) from error
    return digest.hexdigest()
