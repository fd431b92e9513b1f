"""Line charts as PNG files, drawn with Pillow, which every trainer has loaded.

Matplotlib takes half a second of a processor to import and a quarter to draw the same, at the end of every job.
"""

from __future__ import annotations

import io
import math
from typing import NamedTuple, Sequence

from PIL import Image, ImageDraw, ImageFont

WIDTH, PANEL = 960, 360
LEFT, RIGHT, ABOVE, BELOW = 84, 20, 36, 48
FONT = 16
# Lines are drawn larger and scaled down, which smooths their edges.
FINER = 2
MOST = 1e100
PAPER, INK, GRID = "white", (40, 40, 40), (228, 228, 228)
# Colours that people who confuse red and green tell apart (Okabe and Ito 2008).
COLOURS = ((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (86, 180, 233), (230, 159, 0))


class Panel(NamedTuple):
    """One set of axes: what its numbers are, and a line for each name, with a value for each x."""

    label: str
    lines: dict[str, Sequence[float]]


class Axis(NamedTuple):
    """Where the numbers of one axis lie: from ``low``, at pixel ``start``, to ``high``, at pixel ``end``."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return the pixel of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def line_chart(x: Sequence[float], panels: Sequence[Panel], x_label: str) -> bytes:
    """Draw the panels below each other; return a PNG whose bytes depend on the numbers alone.

    Values that are no finite number leave a gap in their line.
    """
    size = (WIDTH, PANEL * len(panels))
    sheet = Image.new("RGB", (size[0] * FINER, size[1] * FINER), PAPER)
    across = Axis(*_range(x), LEFT, WIDTH - RIGHT)
    axes = []
    for number, panel in enumerate(panels):
        top = PANEL * number + ABOVE
        values = [value for line in panel.lines.values() for value in line]
        axes.append(Axis(*_range(values), PANEL * (number + 1) - BELOW, top))
        _draw_lines(ImageDraw.Draw(sheet), x, panel, across, axes[-1])
    sheet = sheet.reduce(FINER)
    draw = ImageDraw.Draw(sheet)
    for panel, upward in zip(panels, axes):
        _write(draw, panel, across, upward)
    font = _font()
    draw.text((WIDTH - RIGHT - draw.textlength(x_label, font), size[1] - 23), x_label, INK, font)
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG")
    return buffer.getvalue()


def ticks(low: float, high: float, most: int = 8) -> list[float]:
    """Return at most ``most`` round numbers from low to high: multiples of 1, 2 or 5 times a power of ten."""
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10, 20) if factor * power >= raw)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def _drawable(value: float) -> bool:
    """Return whether a value is a number, and not so large that a multiple of it would be none."""
    return abs(value) < MOST


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Return the finite values' range with a little room beyond, wide enough to have round numbers in it."""
    finite = [value for value in values if _drawable(value)] or [0.0]
    low, high = min(finite), max(finite)
    room = max((high - low) * 0.04, max(abs(low), abs(high)) * 1e-3, 1e-9)
    return low - room, high + room


def _draw_lines(draw: ImageDraw.ImageDraw, x: Sequence[float], panel: Panel, across: Axis, upward: Axis) -> None:
    """Draw grid, frame and lines on the sheet that is scaled down afterwards."""
    left, right, bottom, top = (FINER * side for side in (across.start, across.end, upward.start, upward.end))
    for value in ticks(across.low, across.high):
        place = FINER * across.at(value)
        draw.line((place, top, place, bottom), GRID, FINER)
    for value in ticks(upward.low, upward.high):
        place = FINER * upward.at(value)
        draw.line((left, place, right, place), GRID, FINER)
    for values, colour in zip(panel.lines.values(), COLOURS * len(panel.lines)):
        part: list[tuple[float, float]] = []
        for at, value in (*zip(x, values), (0.0, math.nan)):
            if _drawable(value) and _drawable(at):
                part.append((FINER * across.at(at), FINER * upward.at(value)))
                continue
            if len(part) == 1:  # a line needs two ends
                draw.ellipse((part[0][0] - 2, part[0][1] - 2, part[0][0] + 2, part[0][1] + 2), colour)
            draw.line(part, colour, FINER + 1, joint="curve")
            part = []
    draw.rectangle((left, top, right, bottom), outline=INK, width=FINER)


def _write(draw: ImageDraw.ImageDraw, panel: Panel, across: Axis, upward: Axis) -> None:
    """Write the numbers of both axes, and above the panel what they are and the names of the lines."""
    font = _font()
    for value in ticks(across.low, across.high):
        text = f"{value:,.10g}"
        draw.text((across.at(value) - draw.textlength(text, font) / 2, upward.start + 4), text, INK, font)
    for value in ticks(upward.low, upward.high):
        text = f"{value:.6g}"
        draw.text((LEFT - 8 - draw.textlength(text, font), upward.at(value) - FONT * 0.6), text, INK, font)
    place, above = across.start, upward.end - FONT - 10
    draw.text((place, above), panel.label, INK, font)
    place = across.end
    for name, colour in reversed(list(zip(panel.lines, COLOURS * len(panel.lines)))):
        place -= draw.textlength(name, font)
        draw.text((place, above), name, INK, font)
        draw.line((place - 34, above + FONT * 0.6, place - 8, above + FONT * 0.6), colour, 3)
        place -= 54


def _font() -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    """Return Pillow's own font: since 10.1 one of any size, before that one of pixels."""
    try:
        return ImageFont.load_default(FONT)
    except (TypeError, ImportError, OSError):
        return ImageFont.load_default()
