"""The pictures of an evaluation. Importing Matplotlib takes half a second, so it is imported when there is one."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NamedTuple, Sequence

import torch

from trainers.outputs import png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Two colours that people who see no red or green tell apart.
_JUDGED, _REAL = "#0072b2", "#bbbbbb"
_SUSPECT = "#d55e00"
_TEXT = 11
# More names than this do not fit beside each other.
_MOST_NAMES = 40
# Pairs in a row, and the width of an image in inches.
_PAIRS_A_ROW = 8
_INCHES = 1.0


class Beside(NamedTuple):
    """A figure beside its reference, what real images have. ``meaning``: what it is the share of, in a few words."""

    name: str
    meaning: str
    value: float
    reference: float


def class_histogram(judged: Sequence[float], real: Sequence[float], names: Sequence[str]) -> bytes:
    """Draw the share of each class (0 to 1) beside its share of the real images; return a PNG."""
    figure, axes = _axes(max(6.4, min(14.0, 0.5 * len(names))), 3.8, "Share of each class, as the extractor sees it")
    places = range(len(names))
    axes.bar([place - 0.2 for place in places], real, 0.4, label="real images", color=_REAL)
    axes.bar([place + 0.2 for place in places], judged, 0.4, label="these images", color=_JUDGED)
    if len(names) <= _MOST_NAMES:
        # Short names are read without turning the head.
        axes.set_xticks(places, names, rotation=0 if max(map(len, names)) <= 3 else 90)
    axes.set_ylabel("share of the images", fontsize=_TEXT)
    _legend(figure)
    return _as_png(figure)


def beside_reference(figures: Sequence[Beside]) -> bytes:
    """Draw figures between 0 and 1, each beside what real images have; return a PNG."""
    figure, axes = _axes(7.2, 4.0, "These images beside new real ones: equal bars are best")
    places = range(len(figures))
    references = [one.reference for one in figures]
    values = [one.value for one in figures]
    for shift, heights, label, colour in (
        (-0.2, references, "real images", _REAL),
        (0.2, values, "these images", _JUDGED),
    ):
        bars = axes.bar([place + shift for place in places], heights, 0.4, label=label, color=colour)
        axes.bar_label(bars, fmt="%.2f", fontsize=_TEXT)
    axes.set_xticks(places, [f"{one.name}\n{one.meaning}" for one in figures])
    axes.set_ylim(0, 1.25 * max([1.0, *references, *(one.value for one in figures)]))
    _legend(figure)
    return _as_png(figure)


def closest_pairs(judged: torch.Tensor, nearest: torch.Tensor, distances: Sequence[float], limit: float) -> bytes:
    """Draw images [n, C, H, W] uint8 above the training images that are nearest to them; return a PNG.

    ``distances`` (n,) rise. They are relative: to the nearest training image over those to the next ones. One new real
    image of a hundred is below ``limit``; distances below it are marked.
    """
    columns = min(_PAIRS_A_ROW, len(distances))
    rows = -(-len(distances) // columns)
    figure = _figure(_INCHES * columns + 0.4, 2.15 * _INCHES * rows + 0.8)
    grid = figure.add_gridspec(rows, columns)
    for number, distance in enumerate(distances):
        axes = figure.add_subplot(grid[divmod(number, columns)])
        pair = png.tile(torch.stack([judged[number], nearest[number]]), 1)
        axes.imshow(pair, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        axes.set_xticks([])
        axes.set_yticks([])
        label = axes.set_xlabel(f"{distance:.2f}", fontsize=_TEXT - 1, labelpad=2)
        if distance < limit:
            label.set(color=_SUSPECT, fontweight="bold")
    title = (
        "Closest pairs: above, an image; below, the training image most like it.\n"
        "The number: how far apart they are, beside the next training images (1: just as far).\n"
        f"Of new real images, 1 in 100 is below {limit:.2f}; what is below it here stands bold. Copies are near 0."
    )
    figure.suptitle(title, fontsize=_TEXT)
    return _as_png(figure)


def _figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - see the module's docstring
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _axes(width: float, height: float, title: str) -> tuple[Figure, Axes]:
    figure = _figure(width, height)
    axes = figure.add_subplot()
    axes.set_title(title, fontsize=_TEXT + 2)
    axes.tick_params(labelsize=_TEXT)
    axes.set_axisbelow(True)
    axes.grid(axis="y", alpha=0.3)
    return figure, axes


def _legend(figure: Figure) -> None:
    # Below the axes and their names: it hides no bar.
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=_TEXT)


def _as_png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
