"""Plots. Importing Matplotlib takes half a second, so it is imported only when there is something to draw."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray


def loss_plot(points: list[list[float]], metrics: tuple[str, ...]) -> bytes:
    """Draw losses, and D(real) and D(fake) where there are any, over images; return a PNG.

    ``points`` are [images, metrics...] each. No software version is written into the file.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - see the module's docstring
    from matplotlib.figure import Figure  # noqa: PLC0415

    # Metrics are found by their names, so that one plot serves all recipes.
    losses = [name for name in metrics if name.endswith(("loss", "loss_a", "loss_b"))]
    judged, meaning = [name for name in metrics if name.startswith(("d_real", "d_fake"))], "mean of D"
    if not judged:
        judged, meaning = [name for name in metrics if name == "train_accuracy"], "share that is right"
    figure = Figure(figsize=(8, 6 if judged else 3.6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    rows = 2 if judged else 1
    images = [point[0] for point in points]
    for row, (names, label) in enumerate(((losses, "loss"), (judged, meaning))[:rows], start=1):
        axes = figure.add_subplot(rows, 1, row)
        for name in names:
            column = 1 + metrics.index(name)
            axes.plot(images, [point[column] for point in points], label=name, linewidth=0.8)
        axes.set_ylabel(label)
        axes.grid(visible=True, alpha=0.3)
        axes.legend(loc="upper right")
        if row == rows:
            axes.set_xlabel("real images seen")
    return _as_png(figure)


def cycle_plot(points: list[list[float]], metrics: tuple[str, ...]) -> bytes:
    """Draw the learning rate and the momentum over images; return a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - see the module's docstring
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(8, 4.8), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    images = [point[0] for point in points]
    for row, name in enumerate(("learning_rate", "momentum"), start=1):
        axes = figure.add_subplot(2, 1, row)
        axes.plot(images, [point[1 + metrics.index(name)] for point in points], linewidth=1.2)
        axes.set_ylabel(name.replace("_", " "))
        axes.grid(visible=True, alpha=0.3)
    axes.set_xlabel("real images seen")
    return _as_png(figure)


def confusion(counts: list[list[int]], classes: tuple[str, ...], accuracy: float) -> NDArray[np.uint8]:
    """Draw a confusion matrix, one row for each true class: [H, W, 3] uint8."""
    import numpy as np  # noqa: PLC0415
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    # Legible for a few classes, bounded for many.
    many = len(classes)
    side = max(4.0, min(12.0, 0.5 * many + 1.5))
    figure = Figure(figsize=(side, side), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    # Colours show shares of a row: classes with more images are not darker.
    shares = np.array(counts) / np.maximum(1, np.array(counts).sum(1, keepdims=True))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_title(f"accuracy {100 * accuracy:.2f} %")
    axes.set_xlabel("the classifier says")
    axes.set_ylabel("true class")
    # Names where there is room for them, counts where they fit into a cell.
    if many <= 30:
        axes.set_xticks(range(many), classes, rotation=90)
        axes.set_yticks(range(many), classes)
    if many <= 12:
        for row in range(many):
            for column in range(many):
                shade = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, str(counts[row][column]), ha="center", va="center", color=shade, fontsize=8)
    canvas.draw()  # type: ignore[no-untyped-call]
    sheet: NDArray[np.uint8] = np.asarray(canvas.buffer_rgba())[  # type: ignore[no-untyped-call]
        :, :, :3
    ].copy()
    return sheet


def _as_png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
