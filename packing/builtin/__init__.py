"""The data set that ships with the service: 10,000 MNIST digits in torchvision's layout."""

from __future__ import annotations

from pathlib import Path

BUILTIN_ROOT = Path(__file__).parent
