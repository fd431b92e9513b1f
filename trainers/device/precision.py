"""Mixed precision: products in bfloat16, weights and sums in float32 (Micikevicius et al. 2018).

Bfloat16 has the range of float32 (Kalamkar et al. 2019), so that no loss has to be scaled.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from models.messages import Failures
from trainers.process.errors import NoUnitsError, TrainerError

if TYPE_CHECKING:
    from models.specs.base import TrainParams

FLOAT32, BFLOAT16, AUTO = "float32", "bfloat16", "auto"
_AMPERE = 8  # the major compute capability of the first NVIDIA GPUs that multiply bfloat16
_CLEARLY_FASTER = 1.5
_GOES_ON = 1.0  # what began in bfloat16 goes on where that is at least as fast as float32
# Large enough for the units to be what counts, small enough for processors that take 5 ms for a product without them.
_SIZE, _ROUNDS = 192, 5


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


def asked(params: TrainParams) -> str:
    """Return what a job asks for. Jobs from before mixed precision have no such parameter: they compute in float32."""
    found: str = vars(params).get("precision", FLOAT32)
    return found


class Choice(NamedTuple):
    """A precision, and how many times as fast as float32 bfloat16 was measured to be; None: nothing was measured."""

    precision: str
    speedup: float | None = None


def choose(wanted: str, device: torch.device, begun: str | None = None) -> Choice:
    """Return the precision of an attempt: ``begun``, that of the checkpoint it resumes from, or else what is wanted.

    `auto` is decided here, once for each job: its checkpoints keep the choice.

    Raises:
        NoUnitsError: `auto` chose bfloat16 on another processor, and on this one it is slower than float32.
        TrainerError: the device has no bfloat16.
    """
    if wanted == AUTO and begun == BFLOAT16 and device.type == "cpu":
        # Without units a job would go on up to 50 times slower, and with other last bits.
        speedup = measured_speedup()
        if speedup < _GOES_ON:
            raise NoUnitsError(Failures.no_units(times=f"{speedup:.2f}"))
    wanted = begun or wanted
    if device.type == "cuda":
        units = torch.cuda.get_device_capability(device)[0] >= _AMPERE
        if wanted == AUTO:
            return Choice(BFLOAT16 if units else FLOAT32)
        if wanted == BFLOAT16 and not units:
            raise TrainerError(Failures.no_bfloat16(device=torch.cuda.get_device_name(device)))
    elif wanted == AUTO:
        speedup = measured_speedup()
        return Choice(worthwhile(speedup), speedup)
    return Choice(wanted)


def has_units() -> bool:
    """Return whether jobs that began in bfloat16 go on on this processor."""
    return measured_speedup() >= _GOES_ON


def worthwhile(speedup: float) -> str:
    """Return the faster precision by the measured speed of products: clearly, because casts of weights take time too.

    Processors with units for bfloat16 are above the limit (AMX 4 and more, AVX512-BF16 about 4), others below 1.
    """
    return BFLOAT16 if speedup >= _CLEARLY_FASTER else FLOAT32


def measured_speedup() -> float:
    """Return how many times as fast as in float32 this processor multiplies matrices in bfloat16.

    Instruction sets would not tell: what counts is whether this torch uses them. Measured on one thread, by its own
    processor time, so that neither other processes nor threads that wait for each other count. Takes a few ms.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        factors = {dtype: torch.ones(_SIZE, _SIZE, dtype=dtype) for dtype in (torch.float32, torch.bfloat16)}
        for factor in factors.values():
            torch.mm(factor, factor)  # the first product of a size makes its kernel
        # In turn, so that both see the processor in the same state; the best of each had the fewest disturbances.
        best = dict.fromkeys(factors, math.inf)
        for _ in range(_ROUNDS):
            for dtype, factor in factors.items():
                best[dtype] = min(best[dtype], _seconds(factor))
    finally:
        torch.set_num_threads(threads)
    return best[torch.float32] / best[torch.bfloat16]


def _seconds(factor: Tensor) -> float:
    """Return the processor time of a matrix product."""
    began = time.thread_time()
    torch.mm(factor, factor)
    return time.thread_time() - began
