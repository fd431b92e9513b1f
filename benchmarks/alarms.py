"""`python -m benchmarks.alarms [NAME …]`: what alarms are worth on recorded runs, and what watching costs.

First the recorded runs of tests/trainers/alarms are shown to the alarms: precision, recall, delays, and false alarms
per million images. Then each recipe trains with its own defaults on one core, in short blocks with a look and a
measurement of quality after each, so that all are timed beside one another. Seconds are those of the processor.

Prints JSON lines and tables.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.best_checkpoint import extractor_line
from benchmarks.recipes import ENDLESS, resolved, spec
from benchmarks.service import emit

DATASET = "mnist-10k"
RECIPES = ("compact", "dcgan")
ROUNDS = 5
BLOCK = 512  # images of a block
ROWS = 100  # rows of metrics that alarms are timed with


def main() -> None:
    """Replay, and measure the cost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alarms", description=__doc__)
    names = ("runs", *RECIPES)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(names)}; usually all")
    asked = parser.parse_args()
    for name in asked.names or names:
        if name == "runs":
            replay()
        else:
            emit("watching", recipe=name, **cost(name))


def replay() -> None:
    """Show the recorded runs to the alarms: all of them, and those that no threshold was chosen on."""
    from tests.trainers.alarms.labels import SEEN  # noqa: PLC0415 - torch takes seconds to come in
    from tests.trainers.alarms.scores import recorded, scores, table  # noqa: PLC0415

    runs = recorded()
    for name, some in (("all", runs), ("not_tuned_on", [run for run in runs if run.name not in SEEN])):
        found = scores(some)
        emit("alarms", runs=name, precision=found.precision, recall=found.recall, false_per_million=found.per_million)
        print(table(found), flush=True)


def cost(recipe: str) -> dict[str, Any]:
    """Return what a look, the rows of its images and a measurement of quality take, and their share of the training."""
    from trainers.loop.budget import Budget  # noqa: PLC0415
    from trainers.loop.quality import SHARE  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="ganforge-bench-") as folder:
        method, judge = _built(recipe, Path(folder))
        watch = _Watch(method)
        budget, step = Budget(method.params, method), 0
        batch = method.feed.batch_size

        def train() -> None:
            nonlocal step
            for _ in range(BLOCK // batch):
                watch.row = method.step(budget.iteration(step))
                step += 1

        for once in (train, watch.look, watch.rows, judge.figures):
            once()
        rounds = [[_seconds(part) for part in (train, watch.look, watch.rows, judge.figures)] for _ in range(ROUNDS)]
        block, look, rows, quality = (statistics.median(column) for column in zip(*rounds, strict=True))
        image = block / (BLOCK // batch * batch)
        alarms = look / watch.looks.every + rows / ROWS / batch
        return {
            "threads": 1,
            "images_per_second": round(1 / image),
            "look_s": round(look, 4),
            "alarms_share": round(alarms / image, 4),
            "quality_s": round(quality, 3),
            # The loop itself holds the share (trainers/loop/quality.py); this is what it comes to.
            "quality_every_images": round(quality / SHARE / image),
            "target_max": SHARE,
        }


class _Watch:
    """What a training does for its alarms: rows of metrics, and looks."""

    def __init__(self, method: Any) -> None:
        from trainers.loop.alarms import Alarms, Watched  # noqa: PLC0415
        from trainers.loop.looks import Looks  # noqa: PLC0415
        from trainers.process.reporter import ListReporter  # noqa: PLC0415

        self.method = method
        self.alarms = Alarms(ListReporter(), Watched(method.metrics, method.d_output))
        self.looks = Looks(method.live_look, method.feed.batch_size)
        self.row: Any = None
        self.step = 0

    def look(self) -> None:
        """Look once, and show what was seen to the alarms."""
        self.step += 1
        self.looks.take(self.step)
        seen = self.looks.read(self.step)
        assert seen is not None
        self.alarms.look(self.step, self.method.feed.sampler.seen, seen)

    def rows(self) -> None:
        """Show rows of metrics to the alarms."""
        row = dict(zip(self.method.metrics, self.row.tolist(), strict=True))
        seen = self.method.feed.sampler.seen
        for number in range(1, ROWS + 1):
            self.alarms.step(number, seen + number * self.method.feed.batch_size, row)


def _built(recipe: str, folder: Path) -> tuple[Any, Any]:
    """Return a recipe's method with its own defaults, and what judges its images."""
    import torch  # noqa: PLC0415

    from trainers import data  # noqa: PLC0415
    from trainers.assembly import assemble, stored_size  # noqa: PLC0415
    from trainers.data.rng import Draws  # noqa: PLC0415
    from trainers.outputs import generator_judge  # noqa: PLC0415
    from trainers.process.reporter import ListReporter  # noqa: PLC0415
    from trainers.process.spec import TrainSpec, parse  # noqa: PLC0415

    torch.set_num_threads(1)
    params = resolved(recipe, None, DATASET, images=ENDLESS)
    line = {**spec(recipe, params, DATASET, folder), "threads": 1, "extractor": extractor_line(DATASET)}
    given = parse(json.dumps(line))
    assert isinstance(given, TrainSpec)
    parts = data.load(given.dataset, given.data_roots, given.cache, stored_size(given), given.params.crop)
    method = assemble(given, parts, Draws(0, 0, torch.device("cpu"))).method
    judge = generator_judge.judge(given.extractor, method, parts, ListReporter())
    assert judge is not None
    return method, judge


def _seconds(part: Callable[[], object]) -> float:
    began = time.process_time()
    part()
    return time.process_time() - began


if __name__ == "__main__":
    main()
