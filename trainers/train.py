"""A training attempt from spec to last file: data, networks, loop, weights, plot, report."""

from __future__ import annotations

import json
import platform
from typing import TYPE_CHECKING

import numpy as np
import torch

from models import layer_table
from models.messages import CheckpointFaults, Logs
from models.wire import File, FileKind
from trainers import data
from trainers.assembly import assemble, stored_size
from trainers.data.rng import Draws
from trainers.device import devices, graphs, identity, precision
from trainers.loop import checkpoints, memory_check
from trainers.loop.ground import Ground, check
from trainers.loop.loop import Loop
from trainers.methods import output_network
from trainers.outputs import GridWriter, generator_judge, layers, plots, png
from trainers.process.errors import CheckpointCorruptError
from trainers.process.reporter import JSON, PNG, SAFETENSORS
from trainers.process.spec import as_values

if TYPE_CHECKING:
    from pathlib import Path

    from trainers.data.images import Images
    from trainers.process.reporter import Reporter
    from trainers.process.spec import TrainSpec


def train(spec: TrainSpec, reporter: Reporter) -> None:
    """Run an attempt; ends with `done` or `stopped`.

    Raises:
        TrainerError: data, checkpoint or training are no good.
        RuntimeError: torch found no memory, or something else went wrong.
    """
    reporter.preparing()
    snapshot = _checkpoint(spec)
    # 1. Device, kernels and precision, before the first tensor is made.
    reporter.alive("compiling")
    device = devices.prepare(spec.device, _threads(spec, snapshot, reporter), exact=spec.params.exact)
    choice = _precision(spec, snapshot, device)

    # 2. Data: uint8 images of one size, decoded and scaled once per worker.
    reporter.preparing()
    loaded = _data(spec, reporter)
    here = Ground(loaded.origin.digest, identity.of(device, loaded.origin.pillow))
    ground = check(spec.dataset.name, here, snapshot, reporter)

    # 3. Networks with the initial weights of the seed, optimizers, feed; then a checkpoint's state over all of them.
    loop = _loop(spec, loaded.parts, device, choice, ground, reporter)
    if snapshot is not None:
        loop.restore(snapshot)
    _tell_start(spec, loop, device, reporter)
    # Networks that cannot be trained in the memory of this process end the job here, before their first grid.
    memory_check.refuse_oversized(loop.job.method, resumed=snapshot is not None)

    # 4. What a new job shows before its first step. A resumed one has shown it.
    if snapshot is None:
        _introduce(spec, loop, choice, reporter)

    # 5. The training itself, and what a finished job leaves.
    if loop.run():
        _finish(spec, loop, reporter)
        reporter.memory(devices.peak_memory(device))
        reporter.done(loop.job.ended, loop.job.alarms.ended)
    elif loop.paused_by is None:
        reporter.stopped()
    else:
        reporter.paused(loop.paused_by)


def _checkpoint(spec: TrainSpec) -> checkpoints.Snapshot | None:
    """Return the checkpoint to go on from, if there is one.

    Raises:
        CheckpointCorruptError: it is damaged, or one of another recipe.
    """
    if spec.resume is None:
        return None
    snapshot = checkpoints.read(spec.resume)
    if snapshot.meta.get("recipe") != spec.recipe:
        raise CheckpointCorruptError(
            CheckpointFaults.other_recipe(recipe=repr(snapshot.meta.get("recipe")), wanted=repr(spec.recipe))
        )
    return snapshot


def _data(spec: TrainSpec, reporter: Reporter) -> data.Loaded:
    """Return the images of the job's data set.

    Where windows are cut out at random, small images are scaled up instead of getting a black frame, which a window
    could show.
    """
    size, params = stored_size(spec), spec.params
    return data.read(
        spec.dataset,
        spec.data_roots,
        spec.cache,
        size,
        params.crop,
        reporter.info,
        reporter.preparing,
        frame=size == params.image_size,
    )


def _loop(
    spec: TrainSpec,
    parts: dict[str, Images],
    device: torch.device,
    choice: precision.Choice,
    ground: Ground,
    reporter: Reporter,
) -> Loop:
    """Build the networks and everything around them, as they are before the first step."""
    reporter.alive("compiling")
    pieces = graphs.of(device, reporter.info)
    method, gallery = assemble(spec, parts, Draws(spec.seed, 0, device), choice.precision, pieces)
    # What judges generated images takes its memory now, so that too little of it is noticed before the training.
    reporter.alive("evaluating")
    judge = generator_judge.judge(spec.extractor, method, parts, reporter)
    reporter.alive("compiling")
    return Loop(spec, method, GridWriter(gallery, reporter, spec.scratch), reporter, ground, judge)


def _tell_start(spec: TrainSpec, loop: Loop, device: torch.device, reporter: Reporter) -> None:
    """Say where the training begins, how long it is, and what it needs of another worker that goes on with it."""
    job = loop.job
    # What `auto` has begun in bfloat16 on a processor goes on only where there are units for it.
    chosen = device.type == "cpu" and precision.asked(spec.params) == precision.AUTO
    needs_units = chosen and job.method.precision == precision.BFLOAT16
    reporter.started(job.step, job.budget.steps, job.budget.epochs, loop.device_name, needs_units=needs_units)


def _introduce(spec: TrainSpec, loop: Loop, choice: precision.Choice, reporter: Reporter) -> None:
    """Write what a new job shows before its first step: the layers, real images, and what untrained networks make."""
    if choice.speedup is not None:
        reporter.info(Logs.precision_measured(precision=choice.precision, times=f"{choice.speedup:.2f}"))
    method = loop.job.method
    table = layers.table(method.networks, method.example)
    path = png.write(spec.scratch / "summary.json", layer_table.write(table))
    reporter.file(File("summary", path, 0, 0, JSON))
    reporter.alive("sampling")
    loop.grids.real()
    loop.grids.draw(0, 0)


def _threads(spec: TrainSpec, snapshot: checkpoints.Snapshot | None, reporter: Reporter) -> int:
    """Return the number of threads to compute with.

    Sums depend on how many threads they are split over, so a job keeps the number that it began with.
    """
    if snapshot is None:
        return spec.threads
    threads = int(snapshot.meta.get("threads", spec.threads))
    if threads != spec.threads:
        reporter.info(Logs.threads_kept(threads=threads, offered=spec.threads))
    return threads


def _precision(spec: TrainSpec, snapshot: checkpoints.Snapshot | None, device: torch.device) -> precision.Choice:
    """Return the precision to compute in: that of the checkpoint, or what the job asks for; `auto` is measured."""
    begun = snapshot.meta.get("precision", precision.FLOAT32) if snapshot is not None else None
    return precision.choose(precision.asked(spec.params), device, begun)


def _finish(spec: TrainSpec, loop: Loop, reporter: Reporter) -> None:
    """Write what a finished job leaves: the last grid, weights, plots and the report."""
    job, scratch = loop.job, spec.scratch

    def hand_over(kind: FileKind, path: Path, content_type: str) -> None:
        reporter.file(File(kind, path, job.step, job.epoch, content_type))

    reporter.alive("sampling", job.step)
    if loop.grids.drawn_at != job.step:
        loop.grids.draw(job.step, job.epoch)
    for name in job.method.networks:
        reporter.alive("saving", job.step)
        tensors = output_network(job.method, name).state_dict()
        path = scratch / f"{name}.safetensors"
        checkpoints.write_tensors(path, {key: value.detach().cpu().contiguous() for key, value in tensors.items()})
        hand_over("weights", path, SAFETENSORS)
    reporter.alive("sampling", job.step)
    points, names = job.metrics.history.points, job.method.metrics
    if points:
        hand_over("loss_plot", png.write(scratch / "loss.png", plots.loss_plot(points, names)), PNG)
    if points and "momentum" in names:
        hand_over("loss_plot", png.write(scratch / "one_cycle.png", plots.cycle_plot(points, names)), PNG)
    report = json.dumps(_report(spec, loop), indent=2).encode()
    hand_over("report", png.write(scratch / "report.json", report), JSON)


def _report(spec: TrainSpec, loop: Loop) -> dict[str, object]:
    """Return the final report: settings, how long it took, how it ended, and what it ran on."""
    job = loop.job
    clock, feed, images = job.clock, job.feed, job.feed.sampler.seen
    seconds, peak = clock.seconds, devices.peak_memory(feed.draws.device)
    return {
        "recipe": spec.recipe,
        "dataset": spec.dataset.name,
        "params": as_values(spec.params),
        "seed": spec.seed,
        "steps": job.step,
        "epochs": clock.epochs_done,
        "images": images,
        "image_size": list(feed.shape),
        "batch_size": feed.batch_size,
        "seconds": round(seconds, 3),
        "seconds_per_epoch": [round(value, 3) for value in clock.seconds_per_epoch],
        "images_per_second": round(images / max(seconds, 1e-9), 1),
        "ended": None if job.ended is None else str(job.ended),
        "best_epoch": job.stop.best_epoch or None,
        **job.quality.report(),
        "alerts": job.alarms.codes,
        "halvings": job.halvings,
        "device": loop.device_name,
        "threads": torch.get_num_threads(),
        "precision": job.method.precision,
        "graphs": job.method.graphs.on,
        "memory_peak": {name: most for name, most in vars(peak).items() if most is not None},
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
        **job.method.report(),
    }
