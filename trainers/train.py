"""A training attempt from spec to last file: data, networks, loop, weights, plot, report."""

from __future__ import annotations

import json
import platform
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from trainers import data
from trainers.assembly import assemble, stored_size
from trainers.data.rng import Draws
from trainers.device import devices, precision
from trainers.loop import checkpoints
from trainers.loop.loop import Loop
from trainers.methods import shown
from trainers.outputs import Exhibition, layers, plots, png
from trainers.process.errors import CheckpointCorruptError
from trainers.process.reporter import JSON, PNG, SAFETENSORS, TEXT, File
from trainers.process.spec import as_values

if TYPE_CHECKING:
    from trainers.process.reporter import Reporter
    from trainers.process.spec import TrainSpec


def train(spec: TrainSpec, reporter: Reporter) -> None:
    """Run an attempt; ends with `done` or `stopped`.

    Raises:
        TrainerError: data, checkpoint or training are no good.
        RuntimeError: torch found no memory, or something else went wrong.
    """
    params = spec.params
    snapshot = checkpoints.read(spec.resume) if spec.resume else None
    if snapshot is not None and snapshot.meta.get("recipe") != spec.recipe:
        raise CheckpointCorruptError(
            f"the checkpoint belongs to the recipe {snapshot.meta.get('recipe')!r}, the job to {spec.recipe!r}"
        )
    device = devices.prepare(spec.device, _threads(spec, snapshot, reporter), exact=params.exact)
    size, crop = stored_size(spec), params.crop
    parts = data.load(
        spec.dataset, spec.data_roots, spec.cache, size, crop, reporter.info, frame=size == params.image_size
    )
    begun = snapshot.meta.get("precision", precision.FLOAT32) if snapshot is not None else None
    method, feed, gallery = assemble(spec, parts, Draws(spec.seed, 0, device), begun)
    loop = Loop(spec, method, feed, Exhibition(gallery, reporter, spec.scratch), reporter)
    if snapshot is not None:
        loop.restore(snapshot)
    reporter.started(loop.step, loop.budget.steps, loop.budget.epochs, loop.device_name)
    if snapshot is None:
        table = layers.table(method.networks, lambda name: method.example(name, feed))
        path = png.write(spec.scratch / "summary.txt", table.encode())
        reporter.file(File("summary", path, 0, 0, TEXT))
        loop.exhibition.real()
        loop.exhibition.draw(0, 0)
    if not loop.run():
        reporter.stopped()
        return
    _finish(spec, loop, reporter)
    reporter.memory(devices.peak_memory(device))
    reporter.done(loop.stop.reason)


def _threads(spec: TrainSpec, snapshot: checkpoints.Snapshot | None, reporter: Reporter) -> int:
    """Sums depend on how many threads they are split over, so a job keeps the number that it began with."""
    if snapshot is None:
        return spec.threads
    threads = int(snapshot.meta.get("threads", spec.threads))
    if threads != spec.threads:
        words = f"going on with {threads} threads, as the checkpoint was made, for the same weights to the bit"
        reporter.log("info", f"{words} (this worker offers {spec.threads})")
    if snapshot.meta.get("torch") != torch.__version__ or snapshot.meta.get("device") != spec.device:
        made = f"torch {snapshot.meta.get('torch')} on {snapshot.meta.get('device')}"
        words = f"the checkpoint was made by {made}, this is torch {torch.__version__} on {spec.device}"
        reporter.log("warning", f"{words}: the last bits of the weights may differ from a run without this change")
    return threads


def _finish(spec: TrainSpec, loop: Loop, reporter: Reporter) -> None:
    epoch = loop.epoch
    if loop.exhibition.drawn_at != loop.step:
        loop.exhibition.draw(loop.step, epoch)
    for name in loop.method.networks:
        tensors = shown(loop.method, name).state_dict()
        path = spec.scratch / f"{name}.safetensors"
        checkpoints.write_tensors(path, {key: value.detach().cpu().contiguous() for key, value in tensors.items()})
        reporter.file(File("weights", path, loop.step, epoch, SAFETENSORS))
    if loop.history.points:
        plot = plots.loss_plot(loop.history.points, loop.method.metrics)
        reporter.file(File("loss_plot", png.write(spec.scratch / "loss.png", plot), loop.step, epoch, PNG))
    if "momentum" in loop.method.metrics and loop.history.points:
        plot = plots.cycle_plot(loop.history.points, loop.method.metrics)
        reporter.file(File("loss_plot", png.write(spec.scratch / "one_cycle.png", plot), loop.step, epoch, PNG))
    report = json.dumps(_report(spec, loop), indent=2).encode()
    reporter.file(File("report", png.write(spec.scratch / "report.json", report), loop.step, epoch, JSON))


def _report(spec: TrainSpec, loop: Loop) -> dict[str, Any]:
    seconds = loop.seconds
    return {
        "recipe": spec.recipe,
        "dataset": spec.dataset.name,
        "params": as_values(spec.params),
        "seed": spec.seed,
        "steps": loop.step,
        "epochs": loop.epochs_done,
        "images": loop.feed.deck.seen,
        "image_size": list(loop.feed.shape),
        "batch_size": loop.feed.batch_size,
        "seconds": round(seconds, 3),
        "seconds_per_epoch": [round(value, 3) for value in loop.epoch_seconds],
        "images_per_second": round(loop.feed.deck.seen / max(seconds, 1e-9), 1),
        "ended": loop.stop.reason,
        "best_epoch": loop.stop.best_epoch or None,
        "alerts": loop.watch.codes,
        "halvings": loop.halvings,
        "device": loop.device_name,
        "threads": torch.get_num_threads(),
        "precision": loop.method.precision,
        "memory_peak": devices.peak_memory(loop.feed.draws.device),
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
        **loop.method.report(),
    }
