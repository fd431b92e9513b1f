"""Our side: the trainer's own loop with its own method and feed, metrics and watch included, held at a pace."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Protocol

from models import wire
from trainers import __main__ as process
from trainers.process.reporter import Reporter


class Pace(Protocol):
    """Decides when a loop ends (comparison_rounds, quality_training)."""

    settle: Callable[[], Any]  # waits for the device

    def over(self, seen: int) -> bool:
        """Tell, before each step, whether that was all; ``seen`` counts images."""


class PacedReporter(Reporter):
    """Asks the pace before each step, as the loop asks it. Removes files as a supervisor does, unless they are kept."""

    def __init__(self, pace: Pace, *, keep_files: bool = False) -> None:
        self.pace = pace
        self.keep_files = keep_files
        self.feed: Any = None
        self.checkpoints = 0

    def send(self, message: wire.FromTrainer) -> None:
        """Pass on what a supervisor would read, to nobody."""
        wire.write(message)
        if isinstance(message, wire.File):
            self.checkpoints += message.kind == "checkpoint"
            if not self.keep_files:
                message.path.unlink()

    def should_stop(self) -> bool:
        """Let the pace decide."""
        return self.pace.over(self.feed.sampler.seen)


def prepared(line: dict[str, Any], reporter: PacedReporter) -> Any:
    """Set up this process as the trainer does, then data, method and loop; return the loop."""
    process.share_the_processors()  # before torch comes in

    from trainers import data  # noqa: PLC0415
    from trainers.assembly import assemble, stored_size  # noqa: PLC0415
    from trainers.data.rng import Draws  # noqa: PLC0415
    from trainers.device import devices, graphs  # noqa: PLC0415
    from trainers.loop.loop import Loop  # noqa: PLC0415
    from trainers.methods import optimizers  # noqa: PLC0415
    from trainers.outputs import GridWriter  # noqa: PLC0415
    from trainers.process import spec  # noqa: PLC0415

    devices.only_one_interop_thread()
    devices.workspace_for_exact_cublas()
    optimizers.warm_up()
    given = spec.parse(json.dumps(line))
    assert isinstance(given, spec.TrainSpec)
    given.scratch.mkdir(parents=True, exist_ok=True)
    device = devices.prepare(given.device, given.threads, exact=given.params.exact)
    params = given.params
    parts = data.load(given.dataset, given.data_roots, given.cache, stored_size(given), params.crop)
    method, gallery = assemble(given, parts, Draws(given.seed, 0, device), graphs=graphs.of(device))
    reporter.feed = method.feed
    if device.type == "cuda":
        import torch  # noqa: PLC0415

        reporter.pace.settle = torch.cuda.synchronize
    return Loop(given, method, GridWriter(gallery, reporter, given.scratch), reporter)


def count_flops(loop: Any) -> float:
    """Return the operations of matrix products and convolutions in an iteration, for each real image that it draws.

    Two for each multiplication with its addition. What has no product (normalisation, activation, optimizer) is free.
    """
    from torch.utils._python_dispatch import TorchDispatchMode  # noqa: PLC0415
    from torch.utils.flop_counter import flop_registry  # noqa: PLC0415

    class Operations(TorchDispatchMode):
        """Torch's own FlopCounterMode without its tree of modules, whose hooks forbid gradients of gradients."""

        total = 0

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            named = kwargs or {}
            out = func(*args, **named)
            formula = flop_registry.get(func._overloadpacket)
            if formula is not None:
                self.total += int(formula(*args, **named, out_val=out))
            return out

    # A graph has no operators to count.
    loop.job.method.graphs.forget()
    before = loop.job.feed.sampler.seen
    with Operations() as counter:
        loop.job.method.step(loop.job.budget.iteration(loop.job.step))
    return float(counter.total) / (loop.job.feed.sampler.seen - before)


def peak_memory(loop: Any) -> int | None:
    """Return the most bytes that torch took from a GPU; None on a CPU."""
    from trainers.device import devices  # noqa: PLC0415

    return devices.peak_memory(loop.job.feed.draws.device).device_bytes


class Standstill:
    """Seconds that a loop stood still for its checkpoints: copying tensors, and waiting for the one before."""

    def __init__(self, loop: Any) -> None:
        self.seconds = 0.0
        self._take, self._submit = loop.snapshot, loop.writer.submit
        loop.snapshot, loop.writer.submit = self._timed(self._take), self._timed(self._submit)

    def _timed(self, call: Any) -> Any:
        def timed(*arguments: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return call(*arguments, **named)
            finally:
                self.seconds += time.perf_counter() - began

        return timed


def profile(loop: Any, steps: int, rows: int) -> str:
    """Return a table of the operators that take the most time, over some steps after as many to warm up."""
    from torch.profiler import ProfilerActivity, profile  # noqa: PLC0415

    cuda = loop.job.feed.draws.device.type == "cuda"
    for _ in range(steps):
        loop.job.method.step(loop.job.budget.iteration(loop.job.step))
    with profile(activities=[ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]) as taken:
        for _ in range(steps):
            loop.job.method.step(loop.job.budget.iteration(loop.job.step))
    by = "self_cuda_time_total" if cuda else "self_cpu_time_total"
    return str(taken.key_averages().table(sort_by=by, row_limit=rows, max_name_column_width=60))
