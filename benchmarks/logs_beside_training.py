"""`python -m benchmarks.logs_beside_training`: what keeping its log costs a training; JSON lines.

The same training runs in turn with its log kept (cut into lines, masked, stored in a database of its own once a
second) and without: its pipe is read, and what comes is dropped. One trainer writes what trainers usually write, the
other ten lines after each step. A ratio of 1.01 means that keeping costs 1 %: of the trainer's seconds, of its
processor time, and of the processor time of trainer and supervisor together. Beside other programs only the processor
times mean something.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from api.setup import migrate
from benchmarks.service import emit
from ganforge.stack.home import Home
from ganforge.stack.services import Services
from models import wire
from models.recipes import RECIPES, resolve_params
from models.states import JobKind
from packing.layouts import KNOWN
from stores.container import Stores, open_stores
from stores.infra.settings import Settings
from stores.jobs.insert import NewJob
from stores.jobs.transitions import Claim
from worker.device import find_device
from worker.log_writer import LogWriter
from worker.redaction import Redactor
from worker.trainer import Exited, News, Trainer

PAIRS = 5
EPOCHS = 4
TALKS = {"usual": 0, "ten_lines_a_step": 10}
ALLOWED = 1.01


@dataclass(frozen=True)
class Run:
    """What a training took."""

    seconds: float  # of training, by its own report
    trainer_s: float  # processor time
    both_s: float  # processor time of trainer and supervisor
    lines: int


def main() -> None:
    """Measure, and fail if keeping costs a trainer more processor time than allowed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    given = parser.parse_args()
    emit("machine", cores=os.cpu_count(), load=round(os.getloadavg()[0], 1))
    with tempfile.TemporaryDirectory() as folder, Services(Home(Path(folder)), durable=False) as services:
        stores = open_stores(Settings(database_url=services.database_url, redis_url=services.redis_url))
        migrate(stores.infra.engine)
        stores.datasets.register_known([])
        worst = max(_measured(stores, Path(folder), talk, given.pairs, given.epochs) for talk in TALKS)
        stores.close()
    sys.exit(0 if worst <= ALLOWED else 1)


def _measured(stores: Stores, folder: Path, talk: str, pairs: int, epochs: int) -> float:
    """Print what keeping costs one kind of trainer; return the ratio of its own processor time."""
    _training(stores, folder, talk, epochs, keep=True)  # what only the first one does, such as reading the code
    kept, dropped = [], []
    for n in range(pairs):
        # In turn, and each of the two first as often as the other.
        for keep in (True, False) if n % 2 else (False, True):
            (kept if keep else dropped).append(_training(stores, folder, talk, epochs, keep=keep))

    def ratio(name: str) -> float:
        values = [getattr(one, name) / getattr(other, name) for one, other in zip(kept, dropped, strict=True)]
        return round(statistics.median(values), 4)

    emit(
        "log_beside_training",
        talk=talk,
        lines=kept[0].lines,
        lines_a_second=round(statistics.median(one.lines / one.seconds for one in kept)),
        wall=ratio("seconds"),
        trainer_cpu=ratio("trainer_s"),
        trainer_and_supervisor_cpu=ratio("both_s"),
        pairs=pairs,
        load=round(os.getloadavg()[0], 1),
        target_max=ALLOWED,
    )
    return ratio("trainer_s")


def _training(stores: Stores, folder: Path, talk: str, epochs: int, *, keep: bool) -> Run:
    """Run one training below the parts of a supervisor that read it."""
    claim = _claim(stores)
    scratch = Path(tempfile.mkdtemp(dir=folder))
    children, begun = _children_s(), (0.0, 0.0)
    trainer = Trainer(find_device(stores.infra.settings), _python(folder, TALKS[talk]))
    over, lines = threading.Event(), 0

    def hear(news: News) -> None:
        nonlocal begun
        match news:
            case wire.Started():  # the start of Python, torch and the networks is no training
                used = psutil.Process(trainer.pid).cpu_times()
                begun = used.user + used.system, time.process_time()
            case Exited():
                over.set()

    writer = LogWriter(stores, claim, Redactor.of(stores.infra.settings)) if keep else None

    def sink(some: Any) -> None:
        nonlocal lines
        lines += len(some)
        if writer is not None:
            writer.add(some)

    trainer.begin(_spec(scratch, epochs), hear, sink)
    assert over.wait(600), "the training did not end"
    trainer.settle_log()
    if writer is not None:
        assert writer.flush(60), "not all lines were stored"
    trainer.close()
    trained = _children_s() - children - begun[0]
    report = json.loads((scratch / "report.json").read_text())
    return Run(report["seconds"], trained, trained + time.process_time() - begun[1], lines)


def _claim(stores: Stores) -> Claim:
    """Return the right to write to a job of its own."""
    dataset = stores.datasets.find("mnist-10k", None)
    assert dataset is not None
    asked = {"owner": "bench", "kind": "train", "recipe": "mlp_gan", "dataset": "mnist-10k", "params": {}, "seed": 0}
    usual = {"queue": "cpu", "priority": 0, "name": None, "labels": {}, "preset": None, "max_runtime_s": None}
    stores.jobs.submit(NewJob(**asked, **usual, dataset_id=dataset["id"], max_attempts=1))
    worker = stores.fleet.workers.register("bench", "cpu", {"kind": "cpu"})
    claim = stores.jobs.claim("cpu", worker, "cpu")
    assert claim is not None
    return claim


def _spec(scratch: Path, epochs: int) -> wire.TrainSpec[Any]:
    params = resolve_params(RECIPES["mlp_gan"], None, {"epochs": epochs}).model_dump(mode="json")
    line = {
        "kind": JobKind.train,
        "job": "bench",
        "attempt": 1,
        "recipe": "mlp_gan",
        "params": {**params, "image_size": 28},
        "seed": 0,
        "dataset": KNOWN["mnist-10k"].as_spec(),
        "data_roots": [],
        "cache": str(scratch / "cache"),
        "device": "cpu",
        "threads": 1,
        "scratch": str(scratch),
        "resume": None,
        "stop_after_s": None,
    }
    spec = wire.read_spec(json.dumps(line))
    assert isinstance(spec, wire.TrainSpec)
    return spec


def _python(folder: Path, lines: int) -> str:
    """Return a program that runs the chatty trainer in place of `python -m trainers`."""
    script = folder / f"python-{lines}"
    script.write_text(f"#!/bin/sh\nGANFORGE_BENCH_LINES={lines} exec {sys.executable} -m benchmarks.chatty_trainer\n")
    script.chmod(0o755)
    return str(script)


def _children_s() -> float:
    """Return the processor time of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
