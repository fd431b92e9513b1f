"""The extractors that are known beforehand: those in the package, and the files of Inception weights.

Trainers read this module on Python 3.8.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Mapping


@dataclass(frozen=True)
class PackagedExtractor:
    """An extractor that comes with the trainers, for a data set that is built in.

    ``path`` is relative to trainers/judging/extractors, ``sha256`` is that of its weights, and ``accuracy`` the share
    of test images whose class it names.
    """

    path: Path
    sha256: str
    accuracy: float | None


@dataclass(frozen=True)
class InceptionFile:
    """A file of Inception weights that people have. ``port``: made for FID, for a network that pools in another way."""

    file: str
    port: bool


# The recipe that makes an extractor for a data set.
RECIPE = "darknet"
# The metrics of a training that need an extractor: its images are looked at.
MEASURED = frozenset({"fd_ratio", "coverage", "kl"})
# The name of the extractor whose weights stand in such a file, in the folder below a data root.
INCEPTION = "inception"
FOLDER = "extractors"
# By the sha256 of the file: that of the PyTorch port of the network that FID was defined with, and torchvision's two.
INCEPTION_FILES: Mapping[str, InceptionFile] = {
    "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2": InceptionFile(
        "pt_inception-2015-12-05-6726825d.pth", port=True
    ),
    "0cc3c7bd75056d25e46cba549dc184522069b81e9787eff6df84f397bd52a5ef": InceptionFile(
        "inception_v3_google-0cc3c7bd.pth", port=False
    ),
    "1a9a5a14f40645a370184bd54f4e8e631351e71399112b43ad0294a79da290c8": InceptionFile(
        "inception_v3_google-1a9a5a14.pth", port=False
    ),
}

# By the name of the built-in data set. `python -m tools.packaged_extractors` makes the files anew, and prints these.
PACKAGED: Mapping[str, PackagedExtractor] = {
    "mnist-10k": PackagedExtractor(
        Path("mnist-10k.safetensors"), "8d4956e9748cd098900f0dc8aa15089ae8f5fb7c9b846e708a54d6719b43cfea", 0.99
    ),
}


def packaged(dataset: str, source: str) -> PackagedExtractor | None:
    """Return the extractor for a data set of this name and source, if one is in the package."""
    return PACKAGED.get(dataset) if source == "builtin" else None
