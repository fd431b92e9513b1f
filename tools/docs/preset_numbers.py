"""Rows of the table of presets in numbers, from their parameters and from their networks as trainers build them."""

from __future__ import annotations

from typing import Any, NamedTuple

from models.recipes import RECIPES, resolve_params
from tools.docs.catalog import Rows


class Data(NamedTuple):
    """The data set that a source trains on: its name, the channels of its images, and how many each part has."""

    name: str
    channels: int
    parts: dict[str, int]


_MNIST = Data("MNIST", 1, {"train": 60_000, "test": 10_000})
_CELEBA = Data("CelebA", 3, {"train": 202_599})
# A test compares the iterations of these with those of the method (test_presets_restate_their_sources.py).
DATA = {
    ("mlp_gan", "laotou"): _MNIST,
    ("dcgan", "ithome"): _MNIST,
    ("dcgan", "designspark"): _MNIST,
    ("wgan", "fastai_lsun"): Data("LSUN bedrooms", 3, {"train": 3_033_042}),
    ("dcgan64", "celeba"): _CELEBA,
    ("wgan_gp", "celeba"): _CELEBA,
    ("began", "celeba"): _CELEBA,
    ("r3gan", "paper_64"): Data("FFHQ", 3, {"train": 70_000}),
    ("cyclegan", "horse2zebra"): Data("horse2zebra", 3, {"trainA": 1_067, "trainB": 1_334}),
    ("darknet", "fastai_cifar10"): Data("CIFAR-10", 3, {"train": 50_000, "test": 10_000}),
}
_SHORT = {"generator": "G", "discriminator": "D", "generator_ab": "each G", "discriminator_a": "each D"}


def rows() -> Rows:
    """Return a row for each preset."""
    found: Rows = [
        (
            "recipe",
            "preset",
            "data",
            "trained parameters",
            "batch",
            "steps",
            "optimizer",
            "budget",
            "iterations an epoch",
        )
    ]
    for recipe in RECIPES.values():
        for preset in recipe.presets:
            params = vars(resolve_params(recipe, preset, {}))
            data = DATA.get((recipe.name, preset.name))
            # A preset that no published data belong to has its description alone.
            if data is None:
                continue
            # MNIST's images keep their size.
            size = params["image_size"] or 28
            iterations = iterations_an_epoch(recipe.name, params, data.parts)
            cells = [
                f"{data.name}, {size} px",
                _parameters(recipe.name, {**params, "image_size": size}, data),
                str(params["batch_size"]),
                _steps(params),
                _optimizer(params),
                _budget(params, iterations),
                f"{iterations:,}",
            ]
            found.append((f"`{recipe.name}`", f"`{preset.name}`", *cells))
    return found


def iterations_an_epoch(recipe: str, params: dict[str, Any], parts: dict[str, int]) -> int:
    """Return how many iterations an epoch of these parts has: the first one, where the critic's steps vary."""
    from types import SimpleNamespace  # noqa: PLC0415

    from trainers import recipes  # noqa: PLC0415 - torch takes seconds to come in, and no other table needs it

    domains = [count for part, count in parts.items() if part.startswith("train") and part != "train"]
    images = max(domains) if domains else sum(parts.values()) if params["split"] == "all" else parts["train"]
    whole, rest = divmod(images, params["batch_size"])
    batches: int = whole + (rest > 1 and not params["drop_last"])
    found = recipes.find(recipe)
    if found.method != "adversarial":
        return batches // int(params.get("d_steps", 1))
    return found.schedule(SimpleNamespace(**params)).d_steps.iterations(0, batches)


def _parameters(recipe: str, params: dict[str, Any], data: Data) -> str:
    from types import SimpleNamespace  # noqa: PLC0415

    import torch  # noqa: PLC0415

    from trainers import recipes  # noqa: PLC0415
    from trainers.outputs import layers  # noqa: PLC0415

    size = params["image_size"]
    # Without memory for the weights: only their shapes are counted.
    with torch.device("meta"):
        built = recipes.networks(
            recipe, SimpleNamespace(**params), recipes.DataInfo((data.channels, size, size), 10), 0
        )
    counts = {name: layers.count(network) for name, network in built.items() if name[-2:] not in ("ba", "_b")}
    return ", ".join(f"{_SHORT.get(name, name)} {count:,}" for name, count in counts.items())


def _steps(params: dict[str, Any]) -> str:
    if "d_steps" not in params:
        return ""
    boost = params.get("boost_steps")
    first = (
        f" ({boost} in the first {params['boost_first']} iterations and every {params['boost_every']}th)"
        if boost
        else ""
    )
    return f"D {params['d_steps']}{first}, G {params['g_steps']}"


def _optimizer(params: dict[str, Any]) -> str:
    rate = f"{params['learning_rate']:g}"
    if "cycle_div" in params:
        first = params["learning_rate"] / params["cycle_div"]
        momenta = f"{params['momentum']:g} to {params['momentum_low']:g}"
        return f"SGD, {first:g} to {rate} and back, momentum {momenta}, weight decay {params['weight_decay']:g}"
    end = params.get("learning_rate_end")
    if end is not None:
        rate += f" falling to {end:g}"
    if "decay_from" in params:
        rate += f", falling to 0 from {params['decay_from']:.0%} on"
    if params.get("halve_after"):
        rate += ", halved when the measure stalls"
    if params["optimizer"] == "rmsprop":
        return f"RMSprop {rate}"
    beta2 = f"{params['beta2']:g}"
    if params.get("beta2_end") is not None:
        beta2 += f" rising to {params['beta2_end']:g}"
    return f"Adam {rate}, betas {params['beta1']:g} and {beta2}"


def _budget(params: dict[str, Any], iterations: int) -> str:
    if params["epochs"]:
        count = params["epochs"]
        return f"{count:,} epoch{'s' if count > 1 else ''}, {count * iterations:,} iterations"
    return f"{params['images']:,} images, {-(-params['images'] // params['batch_size']):,} iterations"
