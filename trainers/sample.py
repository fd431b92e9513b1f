"""A sampling attempt: images from a checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from trainers import checkpoints, devices, pictures, recipes, state
from trainers.draws import Draws
from trainers.errors import CheckpointCorruptError, TrainerError
from trainers.methods.adversarial import paint
from trainers.recipes import Facts
from trainers.reporter import PNG, ZIP, File
from trainers.spec import as_params

if TYPE_CHECKING:
    from torch import nn

    from trainers.checkpoints import Snapshot
    from trainers.reporter import Reporter
    from trainers.spec import SampleSpec

# Always this many at once: kernels may sum in another order for another size, and image i must not depend on `count`.
_BATCH = 64
_STRIP_COLUMNS = 64
# What the API allows; a checkpoint that claims more would make networks of any size.
_LARGEST = {"noise_dim": 4096, "width": 512}


def sample(spec: SampleSpec, reporter: Reporter) -> None:
    """Run an attempt; ends with `done` or `stopped`.

    Raises:
        TrainerError: the checkpoint is no good, or the output is unknown.
        RuntimeError: torch found no memory, or something else went wrong.
    """
    device = devices.prepare(spec.device, spec.threads, exact=True)
    snapshot = checkpoints.read(spec.checkpoint)
    generator = _generator(spec.recipe, snapshot, "generator").to(device)
    meta = snapshot.meta
    count, seed, output = spec.params.count, spec.params.seed, spec.params.output
    reporter.started(0, count, None, devices.name(device))
    noise_dim = meta["params"]["noise_dim"]
    if output == "interpolation":
        ends = [noises(Draws(end, 0, device), 0, noise_dim)[0] for end in (seed, seed + 1)]
        batches = list(torch.split(walk(ends[0], ends[1], count), _BATCH))
    elif output in ("grid", "images"):
        draws = Draws(seed, 0, device)
        batches = [noises(draws, number, noise_dim) for number in range(-(-count // _BATCH))]
    else:
        raise TrainerError(f"output is {output!r}; it must be grid, images or interpolation")
    images = _paint(generator, batches, meta["params"], reporter)
    if images is None:
        reporter.stopped()
        return
    images = images[:count]
    name, content, kind = f"{output}-{seed}.png", b"", PNG
    if output == "images":
        name, content, kind = f"images-{seed}.zip", pictures.zip_of_pngs(images), ZIP
    else:
        columns = min(count, _STRIP_COLUMNS) if output == "interpolation" else None
        content = pictures.png(pictures.tile(images, columns))
    path = pictures.write(spec.scratch / name, content)
    reporter.file(File("samples", path, meta["step"], meta["epoch"], kind))
    reporter.done(None)


def noises(draws: Draws, number: int, noise_dim: int) -> torch.Tensor:
    """Return noise batch ``number`` of a seed, (64, noise_dim)."""
    return draws.normal((_BATCH, noise_dim), "sample", number)


def walk(start: torch.Tensor, end: torch.Tensor, count: int) -> torch.Tensor:
    """Spherical interpolation (Shoemake 1985; White 2016 for latents) in ``count`` steps, both ends included.

    slerp(t) = sin((1 - t) a) / sin(a) start + sin(t a) / sin(a) end, with a the angle between them.
    Shapes: (noise_dim,) twice -> (count, noise_dim).
    """
    a, b = start.double(), end.double()
    angle = torch.arccos((a @ b / (a.norm() * b.norm())).clamp(-1, 1))
    t = torch.linspace(0, 1, count, dtype=torch.float64, device=a.device)[:, None]
    if float(angle.sin()) < 1e-6:
        return ((1 - t) * a + t * b).float()
    return ((((1 - t) * angle).sin() * a + (t * angle).sin() * b) / angle.sin()).float()


def _generator(recipe: str, snapshot: Snapshot, name: str) -> nn.Module:
    """Build a generator that the checkpoint describes, with its average weights if there are any."""
    meta = snapshot.meta
    try:
        if meta["recipe"] != recipe:
            raise CheckpointCorruptError(
                f"the checkpoint belongs to the recipe {meta['recipe']!r}, the job to {recipe!r}"
            )
        for field, largest in _LARGEST.items():
            if not 1 <= meta["params"].get(field, 1) <= largest:
                raise CheckpointCorruptError(f"the checkpoint claims a {field} of {meta['params'][field]}")
        facts = Facts(tuple(meta["shape"]), len(meta["classes"]))
        built = recipes.networks(recipe, as_params(meta["params"]), facts, meta["seed"])
    except (KeyError, TypeError, AttributeError) as error:
        raise CheckpointCorruptError(f"the checkpoint does not describe its networks: {error}") from error
    if name not in built:
        raise TrainerError(f"{recipe} has no {name}, so it cannot make this output")
    prefix = f"averages/{name}/"
    if not any(tensor.startswith(prefix) for tensor in snapshot.tensors):
        prefix = f"networks/{name}/"
    state.restore_network(built[name], prefix, snapshot.tensors)
    return built[name]


def _paint(
    generator: nn.Module, batches: list[torch.Tensor], params: dict[str, float], reporter: Reporter
) -> torch.Tensor | None:
    """Return uint8 images, or None if asked to stop."""
    painted = []
    for noise in batches:
        if reporter.should_stop():
            return None
        images = paint(generator, noise)
        painted.append(pictures.to_bytes(images, params["normalize_mean"], params["normalize_std"]))
    return torch.cat(painted)
