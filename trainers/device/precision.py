"""The numbers that networks compute with: float32, or bfloat16 products with float32 weights (mixed precision).

Micikevicius et al. 2018, with bfloat16's range (Kalamkar et al. 2019), so that no loss has to be scaled.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trainers.process.errors import TrainerError

FLOAT32, BFLOAT16, AUTO = "float32", "bfloat16", "auto"
_AMPERE = 8


class Mixed(nn.Module):
    """A network computed with bfloat16 products: float32 in, float32 out, weights and their gradients float32."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        """Compute what the network computes, (batch, ...) -> (batch, ...)."""
        # One pass, one context: what it keeps of cast weights would be stale after the optimizer's step.
        with torch.autocast(inputs.device.type, torch.bfloat16):
            outputs: Tensor = self.network(inputs)
        return outputs.float()


def at(network: nn.Module, precision: str) -> nn.Module:
    """Return a way to call the network with this precision; its weights are the same tensors."""
    return Mixed(network) if precision == BFLOAT16 else network


def chosen(asked: str, device: torch.device, begun: str | None = None) -> str:
    """Return the precision of an attempt. One that goes on keeps what the job began with, for the same bits.

    Raises:
        TrainerError: the device has no bfloat16.
    """
    wanted = begun or asked
    if wanted == AUTO:
        return BFLOAT16 if _multiplies_bfloat16(device) else FLOAT32
    if wanted == BFLOAT16 and device.type == "cuda" and not _multiplies_bfloat16(device):
        raise TrainerError(
            f"{torch.cuda.get_device_name(device)} has no bfloat16: set `precision` to float32, "
            "or use a device of NVIDIA's Ampere generation or later"
        )
    return wanted


def _multiplies_bfloat16(device: torch.device) -> bool:
    """Tell whether the device has units for matrices of bfloat16; without them a CPU is slower with it than without."""
    if device.type == "cuda":
        return bool(torch.cuda.get_device_capability(device)[0] >= _AMPERE)
    # Private, but the only question that torch answers; where it is missing, torch does not use the units either.
    asked = getattr(getattr(torch, "cpu", None), "_is_amx_tile_supported", None)
    return bool(asked and asked())
