"""`wgan_gp`: Gulrajani et al. 2017 on the networks of `dcgan64`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainers.methods.constraints import GradientPenalty
from trainers.methods.objectives import Objective, Wasserstein
from trainers.recipes.dcgan64 import players
from trainers.recipes.recipe import Recipe, pair

if TYPE_CHECKING:
    import torch

    from models.specs.wgan_gp import WganGpParams


def objective(params: WganGpParams, _device: torch.device) -> Objective:
    """Make the objective of the parameters."""
    return Wasserstein(GradientPenalty(params.penalty))


RECIPE = Recipe(pair(players), objective)
