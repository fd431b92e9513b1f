"""Plots. Importing Matplotlib takes half a second, so it is imported only when there is a matrix to draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainers.outputs.line_chart import Panel, line_chart

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def loss_plot(points: list[list[float]], metrics: tuple[str, ...]) -> bytes:
    """Draw losses, and D(real) and D(fake) where there are any, over images; return a PNG.

    ``points`` are [images, metrics...] each.
    """
    # Metrics are found by their names, so that one plot serves all recipes.
    losses = [name for name in metrics if name.endswith(("loss", "loss_a", "loss_b"))]
    judged, meaning = [name for name in metrics if name.startswith(("d_real", "d_fake"))], "mean of D"
    if not judged:
        judged, meaning = [name for name in metrics if name == "train_accuracy"], "share that is right"
    return _over_images(points, metrics, {"loss": losses, **({meaning: judged} if judged else {})})


def cycle_plot(points: list[list[float]], metrics: tuple[str, ...]) -> bytes:
    """Draw the learning rate and the momentum over images; return a PNG."""
    return _over_images(points, metrics, {name.replace("_", " "): [name] for name in ("learning_rate", "momentum")})


def _over_images(points: list[list[float]], metrics: tuple[str, ...], panels: dict[str, list[str]]) -> bytes:
    """Draw the named metrics of each panel over the images seen."""

    def line(name: str) -> list[float]:
        column = 1 + metrics.index(name)
        return [point[column] for point in points]

    drawn = [Panel(label, {name: line(name) for name in names}) for label, names in panels.items()]
    return line_chart([point[0] for point in points], drawn, "real images seen")


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
