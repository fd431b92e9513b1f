"""Mixed precision: products in bfloat16, weights and sums in float32 (Micikevicius et al. 2018).

Bfloat16 has the range of float32 (Kalamkar et al. 2019), so that no loss has to be scaled.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.messages import Failures
from trainers.process.errors import TrainerError

FLOAT32, BFLOAT16, AUTO = "float32", "bfloat16", "auto"
_AMPERE = 8  # the major compute capability of the first NVIDIA GPUs that multiply bfloat16


class Mixed(nn.Module):
    """Calls a network with bfloat16 products: float32 in, float32 out; weights and their gradients stay float32."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        """Compute what the network computes, [N, ...] -> [N, ...]."""
        # A context for each pass: it caches the cast weights, which the optimizer's step makes stale.
        with torch.autocast(inputs.device.type, torch.bfloat16):
            outputs: Tensor = self.network(inputs)
        return outputs.float()


def at(network: nn.Module, precision: str) -> nn.Module:
    """Return the network as it is called with this precision; the weights are the same tensors."""
    return Mixed(network) if precision == BFLOAT16 else network


def chosen(asked: str, device: torch.device, begun: str | None = None) -> str:
    """Return the precision of an attempt: ``begun``, that of the checkpoint it resumes from, or else what is asked for.

    Raises:
        TrainerError: the device has no bfloat16.
    """
    wanted = begun or asked
    if wanted == AUTO:
        return BFLOAT16 if _multiplies_bfloat16(device) else FLOAT32
    if wanted == BFLOAT16 and device.type == "cuda" and not _multiplies_bfloat16(device):
        raise TrainerError(Failures.no_bfloat16(device=torch.cuda.get_device_name(device)))
    return wanted


def _multiplies_bfloat16(device: torch.device) -> bool:
    """Return whether the device has matrix units for bfloat16. A CPU without them is slower with bfloat16."""
    if device.type == "cuda":
        return bool(torch.cuda.get_device_capability(device)[0] >= _AMPERE)
    # A private function, but the only one that tells. A torch that lacks it does not use the units either.
    asked = getattr(getattr(torch, "cpu", None), "_is_amx_tile_supported", None)
    return bool(asked and asked())
