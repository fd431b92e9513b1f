"""A data set larger than the memory that a training may have: streamed from the map, with the peak printed."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.recipes import NEVER, resolved, spec
from benchmarks.service import emit
from packing.packed import PackedWriter

_SHAPE = (3, 64, 64)
_PICTURE = 3 * 64 * 64
# Of memory that is not a file's: torch and a small network need less, the data set more.
_ALLOWED = 2 << 30


def run(folder: Path, gigabytes: float) -> None:
    """Write a packed file, show every image of it once to a small network, print what the process held."""
    count = int(gigabytes * 1e9) // _PICTURE
    if shutil.disk_usage(folder).free < 1.1 * count * _PICTURE:
        raise SystemExit(f"{folder} has no room for {gigabytes} GB: choose another --folder, or fewer --gigabytes")
    path = folder / "large.safetensors"
    _write(path, count)
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.larger_than_memory"],
        input=json.dumps(_line(path, count, folder)),
        stdout=subprocess.PIPE,
        check=False,
        text=True,
    )
    path.unlink()
    if answer.returncode:
        raise SystemExit(f"the training of {gigabytes} GB in {_ALLOWED / 1e9:.2f} GB of memory failed")
    figures = json.loads(answer.stdout)
    emit("memory_of_a_mapped_data_set", file_gb=round(count * _PICTURE / 1e9, 2), images=count, **figures)


def _write(path: Path, count: int) -> None:
    """Noise, the same few pictures again and again: what they show does not matter here."""
    noise = random.Random(0)
    few = [noise.randbytes(_PICTURE) for _ in range(64)]
    with PackedWriter(path, _SHAPE) as writer:
        for number in range(count):
            writer.add("train", few[number % len(few)])
        writer.finish()


def _line(path: Path, count: int, folder: Path) -> dict[str, Any]:
    # From PyTorch's own start: the mean image would be read from the whole file first, which is another way to stream.
    params = resolved(
        "mlp_gan", None, "mnist-10k", width=8, batch_size=256, epochs=1, image_size=64, init="default", grid_every=NEVER
    )
    line = spec("mlp_gan", params, "mnist-10k", folder)
    facts = {"name": "large", "source": "uploaded", "layout": "packed", "folder": "", "shape": _SHAPE, "classes": []}
    return {**line, "dataset": {**facts, "parts": {"train": count}, "path": str(path)}}


def _train() -> None:
    """The child: limit memory as a trainer does, train, and print the most that was held of each kind."""
    import resource  # noqa: PLC0415

    from trainers import __main__ as process  # noqa: PLC0415

    process.share_the_processors()

    from trainers.process import spec as specs  # noqa: PLC0415
    from trainers.process.reporter import ListReporter  # noqa: PLC0415
    from trainers.train import train  # noqa: PLC0415

    class Watching(ListReporter):
        """Looks at the memory now and then."""

        held: dict[str, int] = {}  # noqa: RUF012 - there is one

        def should_stop(self) -> bool:
            """Look every 50 steps."""
            if self.step % 50 == 0:
                for name, value in _held().items():
                    self.held[name] = max(value, self.held.get(name, 0))
            return super().should_stop()

    resource.setrlimit(resource.RLIMIT_DATA, (_ALLOWED, _ALLOWED))
    given = specs.parse(sys.stdin.read())
    assert isinstance(given, specs.TrainSpec)
    given.scratch.mkdir(parents=True, exist_ok=True)
    watching = Watching()
    train(given, watching)
    (epoch,) = watching.of("epoch")
    megabytes = {f"peak_{name}_mb": round(value / 1e6) for name, value in watching.held.items()}
    print(
        json.dumps({"allowed_mb": round(_ALLOWED / 1e6), **megabytes, "images_per_second": epoch["images_per_second"]})
    )


def _held() -> dict[str, int]:
    """Return bytes: resident ones that the process made itself, pages of files, which the kernel takes back at will,
    and what the limit counts, touched or not.
    """
    names = {"RssAnon": "anonymous", "RssFile": "of_files", "VmData": "counted"}
    lines = re.findall(r"^(\w+):\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    return {names[name]: int(kilo) * 1024 for name, kilo in lines if name in names}


if __name__ == "__main__":
    _train()
