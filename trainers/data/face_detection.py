"""Face detection with OpenCV's bundled Haar cascade (Viola and Jones 2001). Jetsons may lack OpenCV."""

from __future__ import annotations

import functools
import importlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

_CASCADE = "haarcascade_frontalface_default.xml"
# The cascade's square ends at brow and lips. A square with hair and chin has this many times its side.
_MARGIN = 1.5
# Larger pictures are searched at this size, because the time grows with the number of pixels.
_SEARCHED = 512

_own = threading.local()


@functools.lru_cache(maxsize=None)
def available() -> bool:
    """Return whether OpenCV is installed with its cascades; version 5 has none."""
    try:
        cv2 = importlib.import_module("cv2")
    except ImportError:
        return False
    folder = getattr(getattr(cv2, "data", None), "haarcascades", "")
    return hasattr(cv2, "CascadeClassifier") and Path(folder, _CASCADE).is_file()


def find(image: Image.Image) -> tuple[int, int, int, int] | None:
    """Return a square (left, top, right, bottom) around the largest face, with a margin inside the picture, or None."""
    scale = min(1.0, _SEARCHED / max(image.size))
    grey = image.convert("L")
    if scale < 1:
        grey = grey.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    least = max(20, min(grey.size) // 5)
    found = _cascade().detectMultiScale(np.asarray(grey), scaleFactor=1.1, minNeighbors=5, minSize=(least, least))
    boxes = [tuple(int(n) for n in box) for box in found]
    if not boxes:
        return None
    # Of faces of equal size take the uppermost, then the leftmost, so that the result is always the same.
    left, top, width, height = min(boxes, key=lambda box: (-box[2] * box[3], box[1], box[0]))
    side = min(round(_MARGIN * max(width, height) / scale), *image.size)
    middle = (left + width / 2) / scale, (top + height / 2) / scale
    x, y = (min(max(0, round(m - side / 2)), whole - side) for m, whole in zip(middle, image.size))
    return x, y, x + side, y + side


def _cascade() -> Any:
    """Return this thread's detector. Detectors keep state during a search, so each thread has its own."""
    if not hasattr(_own, "cascade"):
        cv2 = importlib.import_module("cv2")
        cv2.setNumThreads(1)  # the same result on any number of cores; pictures are searched in parallel already
        _own.cascade = cv2.CascadeClassifier(str(Path(cv2.data.haarcascades, _CASCADE)))
    return _own.cascade
