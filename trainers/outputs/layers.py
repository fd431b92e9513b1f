"""The layers, output shapes and parameters of the networks that a training begins with."""

from __future__ import annotations

from typing import Callable

import torch
from torch import nn

from models.layer_table import Layer, LayerTable, Network


@torch.no_grad()
def layers(network: nn.Module, inputs: torch.Tensor) -> list[tuple[str, str, int]]:
    """Return (layer, output shape without the batch, parameters) of every leaf, in the order of the forward pass."""
    rows: list[tuple[str, str, int]] = []

    def note(module: nn.Module, _inputs: object, given: torch.Tensor | tuple[torch.Tensor, ...]) -> None:
        output = given[-1] if isinstance(given, tuple) else given  # a layer may pass its inputs on as well
        shape = "x".join(str(n) for n in output.shape[1:]) or "1"
        rows.append((getattr(module, "published_as", type(module).__name__), shape, count(module)))

    leaves = [module for module in network.modules() if not list(module.children())]
    hooks = [module.register_forward_hook(note) for module in leaves]
    training = network.training
    try:
        network.eval()(inputs)
    finally:
        network.train(training)
        for hook in hooks:
            hook.remove()
    return rows


def count(network: nn.Module) -> int:
    """Return the number of trained parameters."""
    return sum(weight.numel() for weight in network.parameters())


def table(networks: dict[str, nn.Module], example: Callable[[str], torch.Tensor]) -> LayerTable:
    """Return the layers of all networks; ``example`` gives an input (1, ...) of each."""
    found = []
    for name, network in networks.items():
        inputs = example(name)
        rows = [Layer(*row) for row in layers(network, inputs)]
        found.append(Network(name, "x".join(str(n) for n in inputs.shape[1:]), rows, count(network)))
    return LayerTable(found)
