"""What an extractor says of images."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import torch


class Seen(NamedTuple):
    """What an extractor says of n images, on the CPU.

    ``features`` is float32 [n, d]; ``probabilities`` float32 [n, classes], or None where it knows no classes.
    """

    features: torch.Tensor
    probabilities: torch.Tensor | None
