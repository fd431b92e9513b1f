"""The data sets that this service knows by name, and where their files stand under a data root."""

from __future__ import annotations

from dataclasses import dataclass

DIGITS = tuple(str(n) for n in range(10))
FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")

_MNIST = {"train": 60_000, "test": 10_000}


@dataclass(frozen=True)
class KnownDataset:
    """A data set whose facts are known before anyone opens it. `shape` is (channels, height, width)."""

    name: str
    source: str  # "builtin" or "found"
    layout: str  # how the files are to be read: "idx" is MNIST's own format
    folder: str  # below the data root, in torchvision's layout
    parts: dict[str, int]  # images of each part: train and test, or trainA, trainB, testA, testB
    shape: tuple[int, int, int]
    classes: tuple[str, ...]

    @property
    def images(self) -> int:
        """Images of all parts together."""
        return sum(self.parts.values())


KNOWN = {
    known.name: known
    for known in (
        KnownDataset(
            "mnist-10k", "builtin", "idx", "mnist10k/MNIST/raw", {"train": 9_000, "test": 1_000}, (1, 28, 28), DIGITS
        ),
        KnownDataset("mnist", "found", "idx", "MNIST/raw", _MNIST, (1, 28, 28), DIGITS),
        KnownDataset("fashion-mnist", "found", "idx", "FashionMNIST/raw", _MNIST, (1, 28, 28), FASHION),
    )
}
