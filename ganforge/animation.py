"""Animations of a training, from its image grids."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

FRAME_MS = 150
LAST_MS = 2500


def animate(frames: Sequence[Path], to: Path) -> Path:
    """Write pictures of one size as an endless GIF; the last one stays for a while. Return the file.

    Raises:
        ValueError: there are no pictures.
    """
    from PIL import Image  # noqa: PLC0415 - importing it would make every command start later

    if not frames:
        raise ValueError("no pictures to animate")
    with ExitStack() as files:
        first, *others = (files.enter_context(Image.open(frame)) for frame in frames)
        durations = [FRAME_MS] * len(others) + [LAST_MS]
        first.save(to, format="GIF", save_all=True, append_images=others, duration=durations, loop=0)
    return to
