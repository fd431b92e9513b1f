"""Where the face in a picture is: OpenCV's bundled Haar cascade (Viola and Jones 2001). Jetsons may lack it."""

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
# The cascade's square ends at brow and lip; a face with hair and chin takes this many times its side.
_MARGIN = 1.5
# Larger pictures are searched at this size: the time grows with the pixels, and faces to train on are not that small.
_SEARCHED = 512

_own = threading.local()


@functools.lru_cache(maxsize=None)
def available() -> bool:
    """Tell whether OpenCV is here with its cascades; version 5 came without them."""
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
    # Of two that are equally large the upper one, then the left one: the same answer every time.
    left, top, width, height = min(boxes, key=lambda box: (-box[2] * box[3], box[1], box[0]))
    side = min(round(_MARGIN * max(width, height) / scale), *image.size)
    middle = (left + width / 2) / scale, (top + height / 2) / scale
    x, y = (min(max(0, round(m - side / 2)), whole - side) for m, whole in zip(middle, image.size))
    return x, y, x + side, y + side


def _cascade() -> Any:
    """One detector a thread: it keeps state while it searches."""
    if not hasattr(_own, "cascade"):
        cv2 = importlib.import_module("cv2")
        cv2.setNumThreads(1)  # one answer, whatever the cores; pictures are searched in parallel already
        _own.cascade = cv2.CascadeClassifier(str(Path(cv2.data.haarcascades, _CASCADE)))
    return _own.cascade
