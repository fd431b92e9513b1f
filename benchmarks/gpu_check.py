"""`python -m benchmarks.gpu_check [--json FILE]`: does training work on this machine's GPU, and how fast?

The trainers' tests on CUDA, with every recipe killed and resumed; the speed and memory of every recipe, in CUDA graphs
and without; what is left on the device after each process; several workers on one device. Prints a table and writes
JSON. Exit code 0: all is well; 1: something is not; 2: there is no CUDA device here. It ends within eight minutes, and
says what it had no time for.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

from benchmarks.comparison import ours
from benchmarks.comparison_processes import Side, sides
from benchmarks.recipes import ENDLESS, MEASURED, NEVER, Measured, resolved
from models.recipes import RECIPES
from worker.hardware import Probes

LIMIT_S = 460
TESTS_S = 200
WARM_UP_S, SECONDS, ROUNDS = 2.5, 1.5, 2
WORKERS = 3
EPOCH = 60_000
WANTED_EPOCH_S = 0.5
DATASET = "mnist-10k"
# What a driver keeps for itself changes by some megabytes from moment to moment.
LEFT_BYTES = 64 << 20
MIB = 1 << 20

TESTS = (
    "tests/trainers/loop/test_resume_is_exact.py",
    "tests/trainers/methods/test_steps_do_not_wait.py",
    "tests/trainers/methods/test_graphs.py",
    "tests/trainers/data/test_prefetch.py",
    "tests/trainers/process/test_memory_runs_out.py",
)
# Tests of weights of which each case has a row of its own: how its name begins, and what was done to the recipe.
CASES = {"test_a_killed_process": "killed and resumed", "test_graphs_on_a_gpu": "in graphs and without"}
# Warnings are told here, not errors: some of a GPU's libraries warn of themselves.
PYTEST = ("-m", "pytest", "-q", "-W", "default", "--numprocesses", "4", "--timeout", "150", "-p", "no:cacheprovider")


class Row(NamedTuple):
    """One line of the table. ``fine`` is None where nothing is wanted."""

    name: str
    value: str
    wanted: str = ""
    fine: bool | None = None
    figures: dict[str, Any] | None = None


class OutOfTimeError(Exception):
    """The time for the whole check is over."""


def main() -> int:
    """Check everything, print the table and write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu_check", description=__doc__)
    parser.add_argument("--json", type=Path, default=Path("gpu-check.json"), help="where the figures are written")
    asked = parser.parse_args()
    device = _device()
    if device is None:
        print("no CUDA device here: torch sees none", file=sys.stderr)
        return 2
    began, rows = time.monotonic(), []
    try:
        with _limit(LIMIT_S), tempfile.TemporaryDirectory(prefix="ganforge-gpu-") as name:
            for part in (_tests, _speeds, _workers):
                for row in part(Path(name)):
                    rows.append(row)
                    print(f"{row.name}: {row.value}", file=sys.stderr, flush=True)
    except OutOfTimeError:
        rows.append(Row("time", f"over after {LIMIT_S} s: the rest was not checked", "all of it", fine=False))
    seconds = round(time.monotonic() - began)
    print(_table(device, rows, seconds))
    told = {"device": device, "seconds": seconds, "rows": [row._asdict() for row in rows]}
    asked.json.write_text(json.dumps(told, indent=1) + "\n")
    return int(any(row.fine is False for row in rows))


def _device() -> dict[str, Any] | None:
    """Ask torch for its device in a process of its own, so that this one holds none of its memory."""
    code = (
        "import json, torch\nif torch.cuda.is_available():\n"
        " print(json.dumps({'name': torch.cuda.get_device_name(0), 'torch': torch.__version__,"
        " 'cuda': torch.version.cuda, 'cudnn': torch.backends.cudnn.version(),"
        " 'bytes': torch.cuda.get_device_properties(0).total_memory}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    found: dict[str, Any] | None = json.loads(done.stdout) if done.stdout.strip() else None
    return found


@contextmanager
def _limit(seconds: int) -> Iterator[None]:
    def over(_number: int, _frame: object) -> None:
        raise OutOfTimeError

    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _tests(folder: Path) -> Iterator[Row]:
    """Run the trainers' tests on the device; one row for all, and one for each recipe in each way that it was tried."""
    report = folder / "tests.xml"
    environment = {**os.environ, "GANFORGE_TEST_DEVICE": "cuda", "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
    command = [sys.executable, *PYTEST, f"--junitxml={report}", *TESTS]
    with subprocess.Popen(command, env=environment, stdout=sys.stderr, start_new_session=True) as running:
        try:
            running.wait(TESTS_S)
        except (subprocess.TimeoutExpired, OutOfTimeError) as error:
            # Its workers are of the same group. Their trainers end by themselves: nobody writes to them any more.
            os.killpg(running.pid, signal.SIGKILL)
            if isinstance(error, OutOfTimeError):
                raise
            yield Row("tests on CUDA", f"not finished after {TESTS_S} s", "none failed", fine=False)
            return
    yield from told_by_tests(report)


def told_by_tests(report: Path) -> Iterator[Row]:
    """Read what pytest wrote of its tests."""
    failed, passed, tried = [], 0, {}
    cases = ElementTree.parse(report).getroot().iter("testcase") if report.exists() else ()  # noqa: S314 - pytest wrote it
    for case in cases:
        bad = any(case.find(kind) is not None for kind in ("failure", "error"))
        if bad:
            failed.append(case.attrib["name"])
        elif case.find("skipped") is not None:
            continue
        else:
            passed += 1
        test, _, variant = case.attrib["name"].partition("[")
        for begin in CASES:
            if test.startswith(begin):
                tried[begin, variant.rstrip("]")] = not bad
    words = f"{passed} passed, {len(failed)} failed" + (f": {', '.join(failed[:5])}" if failed else "")
    yield Row("tests on CUDA", words, "none failed", passed > 0 and not failed, {"passed": passed, "failed": failed})
    for (begin, variant), same in sorted(tried.items()):
        yield Row(f"{variant}, {CASES[begin]}", "same weights" if same else "other weights", "same", same)


def _speeds(folder: Path) -> Iterator[Row]:
    """Measure every recipe by its published settings, and `dcgan` as people run it first."""
    first = {"dcgan, an epoch of 60,000 images": ("dcgan", None, {}, WANTED_EPOCH_S)}
    every = {**{name: Measured() for name in RECIPES}, **MEASURED}
    others = {name: (name, one.preset, one.changes, None) for name, one in every.items()}
    for name, (recipe, preset, changes, wanted) in {**first, **others}.items():
        before = _free()
        params = _endless(recipe, preset, changes)
        both = [ours(recipe, DATASET, folder / side, "cuda", params, side) for side in ("ours", "without_graphs")]
        with sides(both) as (graphed, called):
            rate, without = _rate(graphed), _rate(called)
            told, peak_without = graphed.close(), called.close()["memory"]
        figures = {
            "images_per_second": rate,
            "images_per_second_without_graphs": without,
            "graphs": told["graphs"],
            "peak_bytes": told["memory"],
            "peak_bytes_without_graphs": peak_without,
            "precision": told["precision"],
        }
        if wanted:
            yield Row(name, f"{EPOCH / rate:.3f} s", f"{wanted} s", EPOCH / rate < wanted, figures)
        else:
            yield Row(f"{name}, {preset or 'defaults'}", _in_words(figures), figures=figures)
        yield from _left(name, before)


def _in_words(figures: dict[str, Any]) -> str:
    rate, without = figures["images_per_second"], figures["images_per_second_without_graphs"]
    words = f"{rate:,.0f} images a second, {figures['peak_bytes'] / MIB:,.0f} MiB at most"
    return f"{words}; without graphs {without:,.0f}" if figures["graphs"] else f"{words}; no graphs"


def _rate(side: Side) -> float:
    side.round(WARM_UP_S)
    return statistics.mean(side.round(SECONDS)["rate"] for _ in range(ROUNDS))


def _left(name: str, before: int | None) -> Iterator[Row]:
    """Tell what a process left on the device; nothing where nobody knows how much is free."""
    now = _free()
    if before is not None and now is not None:
        left = max(0, before - now)
        yield Row(f"{name}, left in memory", f"{left / MIB:.0f} MiB", "none", left < LEFT_BYTES)


def _free() -> int | None:
    """Return what the driver says is free of the device that torch calls the first."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0]
    listed = Probes().gpus()
    return next((gpu.free for gpu in listed if chosen in ("", gpu.index, gpu.uuid)), None)


def _workers(folder: Path) -> Iterator[Row]:
    """Let several trainers share the device, as several workers of one machine would."""
    wanted = [
        ours("dcgan", DATASET, folder / f"worker-{n}", "cuda", _endless("dcgan", None, {})) for n in range(WORKERS)
    ]
    before = _free()
    # The threads wait for the processes, so these end first.
    with ThreadPoolExecutor(WORKERS) as pool, sides(wanted) as started:
        rates = list(pool.map(_rate, started))
    words = f"{sum(rates):,.0f} images a second: {', '.join(f'{rate:,.0f}' for rate in rates)}"
    yield Row(f"dcgan, {WORKERS} workers on one device", words, figures={"images_per_second": rates})
    yield from _left(f"{WORKERS} workers", before)


def _endless(recipe: str, preset: str | None, changes: dict[str, Any]) -> dict[str, Any]:
    never = {"images": ENDLESS, "grid_every": NEVER, "checkpoint_every": NEVER}
    return resolved(recipe, preset, DATASET, **{**changes, **never})


def _table(device: dict[str, Any], rows: list[Row], seconds: int) -> str:
    marks = {True: "yes", False: "NO", None: ""}
    lines = [
        f"{device['name']}, torch {device['torch']}, CUDA {device['cuda']}, cuDNN {device['cudnn']}; {seconds} s",
        "",
        "| what | measured | wanted | fine |",
        "|---|---|---|---|",
        *(f"| {row.name} | {row.value} | {row.wanted} | {marks[row.fine]} |" for row in rows),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
