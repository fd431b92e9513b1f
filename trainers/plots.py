"""The loss plot. Matplotlib takes half a second to import, so it is imported when there is something to draw."""

from __future__ import annotations

import io


def loss_plot(points: list[list[float]], metrics: tuple[str, ...]) -> bytes:
    """Draw losses, and D(real) and D(fake) where there are any, over images; return a PNG.

    ``points`` are (images, metrics...). No software version is written into the file.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - see the module's docstring
    from matplotlib.figure import Figure  # noqa: PLC0415

    losses = [name for name in metrics if name.endswith("loss")]
    judged = [name for name in metrics if name in ("d_real", "d_fake")]
    figure = Figure(figsize=(8, 6 if judged else 3.6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    rows = 2 if judged else 1
    images = [point[0] for point in points]
    for row, (names, label) in enumerate(((losses, "loss"), (judged, "mean probability"))[:rows], start=1):
        axes = figure.add_subplot(rows, 1, row)
        for name in names:
            column = 1 + metrics.index(name)
            axes.plot(images, [point[column] for point in points], label=name, linewidth=0.8)
        axes.set_ylabel(label)
        axes.grid(visible=True, alpha=0.3)
        axes.legend(loc="upper right")
        if names is judged:
            axes.set_ylim(-0.02, 1.02)
        if row == rows:
            axes.set_xlabel("real images seen")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
