"""The data sets that this service knows by name, and where their files stand under a data root."""

from __future__ import annotations

from dataclasses import dataclass

DIGITS = tuple(str(n) for n in range(10))
FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
_CIFAR_REST = ("bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CIFAR = ("airplane", "automobile", *_CIFAR_REST)
CIFAR_FLAT = ("plane", "car", *_CIFAR_REST)  # the same order under the names of the course that uses the flat folder

_MNIST = {"train": 60_000, "test": 10_000}
_CIFAR = {"train": 50_000, "test": 10_000}


@dataclass(frozen=True)
class KnownDataset:
    """A data set whose facts are known before anyone opens it. `shape` is (channels, height, width)."""

    name: str
    source: str  # "builtin" or "found"
    layout: str  # how the files are to be read; packing/layouts.py tells them apart
    folder: str  # below the data root, in torchvision's layout
    parts: dict[str, int]  # images of each part when complete: train and test, or trainA, trainB, testA, testB
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    also: tuple[str, ...] = ()  # other folders that people keep it in; a folder named as the data set is always tried

    @property
    def images(self) -> int:
        """Images of all parts together."""
        return sum(self.parts.values())

    @property
    def folders(self) -> tuple[str, ...]:
        """Every place below a data root where it may stand, the likeliest first."""
        return tuple(dict.fromkeys((self.folder, self.name, *self.also)))


# One name may stand here in several layouts; the first whose files are there is taken.
FORMS = (
    KnownDataset(
        "mnist-10k", "builtin", "idx", "mnist10k/MNIST/raw", {"train": 9_000, "test": 1_000}, (1, 28, 28), DIGITS
    ),
    KnownDataset("mnist", "found", "idx", "MNIST/raw", _MNIST, (1, 28, 28), DIGITS),
    KnownDataset("fashion-mnist", "found", "idx", "FashionMNIST/raw", _MNIST, (1, 28, 28), FASHION),
    KnownDataset("cifar-10", "found", "cifar", "cifar-10-batches-py", _CIFAR, (3, 32, 32), CIFAR),
    KnownDataset("cifar-10", "found", "cifar-flat", "cifar", _CIFAR, (3, 32, 32), CIFAR_FLAT, ("cifar10",)),
    KnownDataset("celeba", "found", "celeba", "celeba", {"train": 162_770, "test": 39_829}, (3, 218, 178), ()),
    KnownDataset(
        "lsun-bedroom", "found", "lsun-lmdb", "lsun", {"train": 3_033_042, "test": 300}, (3, 256, 256), (), (".",)
    ),
    KnownDataset(
        "lsun-bedroom",
        "found",
        "folder",
        "lsun/bedroom",
        {"train": 303_125},
        (3, 256, 256),
        (),
        ("data0/lsun/bedroom", "bedroom"),
    ),
    KnownDataset(
        "horse2zebra",
        "found",
        "domains",
        "horse2zebra",
        {"trainA": 1_067, "trainB": 1_334, "testA": 120, "testB": 140},
        (3, 256, 256),
        (),
    ),
)

KNOWN = {known.name: known for known in reversed(FORMS)}
