"""The plot of `make bench-quality` as SVG: Fréchet ratios over seconds of training, both on logarithmic axes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from benchmarks.quality_figures import Figures, Training, note

WIDTH, HEIGHT = 760, 460
LEFT, RIGHT, TOP, BOTTOM = 64, 96, 46, 74
# Between the names at the ends of two lines.
_LINE = 15
# Each can be told from its neighbours without colours too: every line ends in its name.
_COLOURS = ("#2f7ed8", "#d9541e", "#1d9a6c", "#b457c4", "#b8860b", "#d23c77", "#5b7c8d", "#7a6ff0")
_STYLE = """
  .back { fill: #ffffff } .grid { stroke: #e2e5e9 } .text { fill: #24292f }
  .weak { fill: #59636e } .real { stroke: #59636e; stroke-dasharray: 2 4 }
  @media (prefers-color-scheme: dark) {
    .back { fill: #0d1117 } .grid { stroke: #2a3038 } .text { fill: #e6edf3 }
    .weak { fill: #9198a1 } .real { stroke: #9198a1 }
  }
"""


class Axis:
    """Positions on a logarithmic axis."""

    def __init__(self, low: float, high: float, begin: float, end: float) -> None:
        self._low, self._high = math.log(low), math.log(high)
        self._begin, self._end = begin, end

    def at(self, value: float) -> float:
        """Return where a value lies, in pixels."""
        share = (math.log(value) - self._low) / (self._high - self._low)
        return round(self._begin + share * (self._end - self._begin), 1)


def write(path: Path, figures: Figures) -> None:
    """Draw the figures."""
    path.write_text(svg(figures), encoding="utf-8")


def svg(figures: Figures) -> str:
    """Return the drawing."""
    points = [point for training in figures["recipes"].values() for point in training["points"]]
    seconds = sorted({point["seconds"] for point in points})
    highest = max(10.0, *(point["frechet_ratio"] for point in points))
    lowest = min(1.0, *(max(point["frechet_ratio"], 0.1) for point in points))
    x = Axis(seconds[0], max(seconds[-1], 2 * seconds[0]), LEFT, WIDTH - RIGHT)
    y = Axis(lowest * 0.9, highest * 1.15, HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" role="img">',
        "<title>Fréchet ratio over seconds of training</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="back" width="{WIDTH}" height="{HEIGHT}"/>',
        _text(LEFT, 22, "Fréchet ratio over seconds of training (1: as good as real images; lower is better)", size=14),
        *_grid(x, y, seconds, lowest, highest),
        *_curves(figures["recipes"], x, y),
        *_note(figures),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _grid(x: Axis, y: Axis, seconds: Sequence[float], lowest: float, highest: float) -> Iterator[str]:
    for value in seconds:
        at = x.at(value)
        yield f'<line class="grid" x1="{at}" x2="{at}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
        yield _text(at, HEIGHT - BOTTOM + 17, f"{value:g} s", anchor="middle", kind="weak")
    for value in (step * 10**power for power in range(-1, 5) for step in (1, 2, 5)):
        if lowest <= value <= highest:
            at = y.at(value)
            kind = "real" if value == 1 else "grid"
            yield f'<line class="{kind}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}"/>'
            yield _text(LEFT - 8, at + 4, f"{value:g}", anchor="end", kind="weak")


def _curves(recipes: dict[str, Training], x: Axis, y: Axis) -> Iterator[str]:
    ends = []
    for number, (name, training) in enumerate(recipes.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        places = [(x.at(one["seconds"]), y.at(max(one["frechet_ratio"], 0.1))) for one in training["points"]]
        dashes = ' stroke-dasharray="5 4"' if training["per_budget"] else ""
        line = " ".join(f"{across},{down}" for across, down in places)
        yield f'<polyline fill="none" stroke="{colour}" stroke-width="2"{dashes} points="{line}"/>'
        for across, down in places:
            yield f'<circle cx="{across}" cy="{down}" r="3" fill="{colour}"/>'
        ends.append((places[-1][1], places[-1][0], name, colour))
    below = -math.inf
    for down, across, name, colour in sorted(ends):
        below = max(down + 4, below + _LINE)
        font = 'font-size="13" font-weight="600"'
        yield f'<text x="{across + 9}" y="{below}" fill="{colour}" {font}>{escape(name)}</text>'


def _note(figures: Figures) -> Iterator[str]:
    """Say below the axis what was measured with what."""
    words = note(figures)
    first, _, second = words.partition(". *: ")
    yield _text(LEFT, HEIGHT - 32, first, kind="weak", size=11)
    yield _text(LEFT, HEIGHT - 15, f"Dashed: {second}", kind="weak", size=11)


def _text(x: float, y: float, words: str, *, anchor: str = "start", kind: str = "text", size: int = 12) -> str:
    return f'<text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}">{escape(words)}</text>'
