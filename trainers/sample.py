"""A sampling attempt: images from a checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch

from models.messages import Failures
from models.wire import File
from trainers.data.rng import Draws
from trainers.device import devices
from trainers.loop import checkpoints
from trainers.methods.steps import generate
from trainers.outputs import png, weights
from trainers.process.errors import TrainerError
from trainers.process.reporter import PNG, ZIP
from trainers.process.spec import as_params
from trainers.translate_images import translate

if TYPE_CHECKING:
    from torch import nn

    from models.specs.base import NoiseParams, TrainParams
    from trainers.loop.checkpoints import Snapshot
    from trainers.process.reporter import Reporter
    from trainers.process.spec import SampleSpec

# Always so many at once: kernels may sum in another order for another batch size, and no image may depend on `count`.
NOISES = 64
_STRIP_COLUMNS = 64


def sample(spec: SampleSpec, reporter: Reporter) -> None:
    """Run an attempt; ends with `done` or `stopped`.

    Raises:
        TrainerError: the checkpoint is no good, or the output is unknown.
        RuntimeError: torch found no memory, or something else went wrong.
    """
    reporter.alive("compiling")
    device = devices.prepare(spec.device, spec.threads, exact=True)
    snapshot = checkpoints.read(spec.checkpoint)
    reporter.started(0, spec.params.count, None, devices.name(device))
    make = translate if spec.params.output == "translate" else _from_noise
    if not make(spec, snapshot, device, reporter):
        reporter.stopped()
        return
    reporter.done(None)


def _from_noise(spec: SampleSpec, snapshot: Snapshot, device: torch.device, reporter: Reporter) -> bool:
    """Make a grid, a zip of images or a strip between two seeds; return False if asked to stop."""
    generator = weights.restore(spec.recipe, snapshot, "generator", spec.bounds).to(device)
    meta = snapshot.meta
    count, seed, output = spec.params.count, spec.params.seed, spec.params.output
    params = cast("NoiseParams", as_params(meta["params"]))

    # 1. Latents, in batches of [64, noise_dim].
    if output == "interpolation":
        ends = [noises(Draws(end, 0, device), 0, params.noise_dim)[0] for end in (seed, seed + 1)]
        batches = list(torch.split(walk(ends[0], ends[1], count), NOISES))
    elif output in ("grid", "images"):
        draws = Draws(seed, 0, device)
        batches = [noises(draws, number, params.noise_dim) for number in range(-(-count // NOISES))]
    else:
        raise TrainerError(Failures.unknown_output(output=repr(output)))

    # 2. Images, [count, C, H, W] uint8. The last batch is made whole and cut.
    images = _generate(generator, batches, params, reporter)
    if images is None:
        return False
    images = images[:count]
    reporter.drawing()

    # 3. One file: a zip of PNGs, a grid, or a strip.
    name, kind = f"{output}-{seed}.png", PNG
    if output == "images":
        name, content, kind = f"images-{seed}.zip", png.zip_of_pngs(images, reporter.drawing), ZIP
    else:
        columns = min(count, _STRIP_COLUMNS) if output == "interpolation" else None
        content = png.png(png.tile(images, columns))
    path = png.write(spec.scratch / name, content)
    reporter.file(File("samples", path, meta["step"], meta["epoch"], kind))
    return True


def noises(draws: Draws, number: int, noise_dim: int) -> torch.Tensor:
    """Return noise batch ``number`` of a seed, [64, noise_dim]."""
    return draws.normal_everywhere((NOISES, noise_dim), "sample", number)


def walk(start: torch.Tensor, end: torch.Tensor, count: int) -> torch.Tensor:
    """Return a spherical interpolation (Shoemake 1985; White 2016 for latents) in ``count`` steps, with both ends.

    slerp(t) = sin((1 - t) a) / sin(a) start + sin(t a) / sin(a) end, with a the angle between them.
    Shapes: [noise_dim] twice -> [count, noise_dim].
    """
    # A straight line would pass nearer to the origin than any latent that the generator was trained with.
    a, b = start.double(), end.double()
    angle = torch.arccos((a @ b / (a.norm() * b.norm())).clamp(-1, 1))
    t = torch.linspace(0, 1, count, dtype=torch.float64, device=a.device)[:, None]
    # Parallel ends: the formula would divide by zero, and the line is the same.
    if float(angle.sin()) < 1e-6:
        return ((1 - t) * a + t * b).float()
    return ((((1 - t) * angle).sin() * a + (t * angle).sin() * b) / angle.sin()).float()


def _generate(
    generator: nn.Module, batches: list[torch.Tensor], params: TrainParams, reporter: Reporter
) -> torch.Tensor | None:
    """Return the images of all batches as bytes, [N, C, H, W] uint8 on the CPU, or None if asked to stop."""
    made = []
    for noise in batches:
        if reporter.should_stop():
            return None
        reporter.drawing()
        images = generate(generator, noise)
        made.append(png.to_bytes(images, params.normalize_mean, params.normalize_std))
    return torch.cat(made)
