"""Networks that ask a real allocator for more memory than there is, once batches are too large."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from trainers import recipes

# More than any machine has: the allocator itself says no.
_TOO_MUCH = 2**60


class Hungry(nn.Module):
    """Works like another network, until it gets more than ``allowed`` images at once in call ``after`` or later."""

    def __init__(self, network: nn.Module, allowed: int, after: int) -> None:
        super().__init__()
        self.network = network
        self.allowed = allowed
        self.after = after
        # Part of the checkpoint, so that memory runs out in the same step wherever a training was cut.
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

    def forward(self, inputs: torch.Tensor) -> Any:
        """Run the network, if there is enough memory."""
        if self.training:
            self.calls += 1
            if int(self.calls) > self.after and len(inputs) > self.allowed:
                self.ask()
        return self.network(inputs)

    def ask(self) -> None:
        """Ask for too much."""
        torch.empty(_TOO_MUCH, dtype=torch.uint8)

    @classmethod
    def recipe(cls, name: str, allowed: int, after: int = 0) -> recipes.Recipe:
        """Return a recipe with a hungry first network (a generator, as a rule)."""
        known = recipes.find(name)

        def build(params: Any, data: recipes.DataInfo) -> dict[str, nn.Module]:
            networks = known.networks(params, data)
            first = next(iter(networks))
            return {**networks, first: cls(networks[first], allowed, after)}

        return known._replace(networks=build)
