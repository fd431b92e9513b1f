"""Animations of a training, from its image grids."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

FRAME_MS = 150
LAST_MS = 2500
MOST_FRAMES = 32  # of digits they take less than a megabyte


def animate(frames: Sequence[Path], to: Path) -> Path:
    """Write pictures of one size as an endless GIF; the last one stays for a while. Return the file.

    Of many pictures only some are shown, so that the file stays small: more of the start, where most changes.

    Raises:
        ValueError: there are no pictures.
    """
    from PIL import Image  # noqa: PLC0415 - importing it would make every command start later

    if not frames:
        raise ValueError("no pictures to animate")
    with ExitStack() as files:
        first, *others = (files.enter_context(Image.open(frames[number])) for number in chosen(len(frames)))
        durations = [FRAME_MS] * len(others) + [LAST_MS]
        first.save(to, format="GIF", save_all=True, append_images=others, duration=durations, loop=0)
    return to


def chosen(count: int, most: int = MOST_FRAMES) -> list[int]:
    """Return which of so many pictures are shown: the first and the last, and squares of even steps between them."""
    if count <= most:
        return list(range(count))
    # Where squares are less than a picture apart, the next picture follows.
    return [max(number, round((count - 1) * (number / (most - 1)) ** 2)) for number in range(most)]
