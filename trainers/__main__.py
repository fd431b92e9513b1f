"""`python -m trainers`: one attempt, from the spec on standard input to `done`, `stopped` or `failed`."""

from __future__ import annotations

import faulthandler
import os
import platform
import signal
import sys
import threading
import traceback

from models import memory
from models.messages import Failures
from models.stalls import DUMP_SIGNAL
from models.wire import Ready
from trainers.device import meta_kernels
from trainers.process.errors import OutOfMemoryError, as_failure
from trainers.process.wire import Commands, Wire, take_over_stdout


def main() -> int:
    """Run one attempt and return the exit code."""
    # Written by a handler in C, which needs neither the interpreter nor its lock: a dead-locked process can do it too.
    faulthandler.register(DUMP_SIGNAL, all_threads=True)
    wire = Wire(take_over_stdout())
    commands = Commands(wire)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: commands.stop())
    try:
        return _attempt(wire, commands)
    except Exception as error:  # the one place that ends an attempt, whatever happened
        traceback.print_exc()
        code, message = as_failure(error)
        wire.failed(code, message)
        return 1


def share_the_processors() -> None:
    """Let threads that wait for each other sleep soon instead of spinning; read when torch brings in OpenMP.

    Spinning threads take the processor from the very thread that they wait for. Measured with the MLP GAN on two cores:
    idle, 7,650 images a second against 7,670 with OpenMP's own setting; beside two busy processes 2,380 against 1,770;
    on a crowded machine OpenMP's own setting fell to 48. Not spinning at all (0) costs 40 % when idle.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", "20000")


def _warm_up() -> Ready:
    """Import torch and set this process up for it.

    Raises:
        OutOfMemoryError: this process may not hold as much as torch itself takes.
    """
    share_the_processors()
    meta_kernels.keep_out()
    try:
        # Imported here and not above: end of file must end the process while torch is still on its way in.
        import torch  # noqa: PLC0415

        meta_kernels.complete()
        import trainers.evaluate  # noqa: PLC0415
        import trainers.sample  # noqa: PLC0415
        import trainers.train  # noqa: PLC0415, F401
        from trainers.device import compiler, devices, precision  # noqa: PLC0415
        from trainers.methods import optimizers  # noqa: PLC0415

        compiler.keep_out()
        devices.be_killed_first()
        devices.only_one_interop_thread()
        devices.workspace_for_exact_cublas()
        optimizers.warm_up()
        units = precision.has_units()
    except Exception as error:
        # The loader and half-loaded libraries fail in many ways then, few of which name memory.
        if memory.too_little_for_torch():
            raise OutOfMemoryError(Failures.no_memory_for_torch(error=str(error))) from error
        raise
    return Ready(str(torch.__version__), platform.python_version(), os.getpid(), units)


def _attempt(wire: Wire, commands: Commands) -> int:
    wire.send(_warm_up())
    from trainers.device import devices  # noqa: PLC0415
    from trainers.evaluate import evaluate  # noqa: PLC0415
    from trainers.process import spec  # noqa: PLC0415
    from trainers.sample import sample  # noqa: PLC0415
    from trainers.train import train  # noqa: PLC0415

    line = commands.spec()
    if line is None:
        wire.stopped()
        return 0
    given = spec.parse(line)
    given.scratch.mkdir(parents=True, exist_ok=True)
    if given.device == "cpu":
        devices.limit_memory()
    if isinstance(given, spec.TrainSpec):
        train(given, wire)  # it looks at its own clock, between two steps
        return 0
    if given.stop_after_s is not None:
        alarm = threading.Timer(given.stop_after_s, commands.stop)
        alarm.daemon = True
        alarm.start()
    if isinstance(given, spec.SampleSpec):
        sample(given, wire)
    else:
        evaluate(given, wire)
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    # No interpreter shutdown: the reader still waits on standard input, and everything is written.
    os._exit(code)
