"""What the service costs: the same training run bare in one process, and through the whole service, in turn."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.service import Service, digits_job, emit
from packing.layouts import KNOWN

PAIRS = 5
EPOCHS = 15


def run(service: Service) -> None:
    """Print images per second of both, and the ratio pair by pair."""
    service.await_idle()
    job = service.client.submit(digits_job(params={"epochs": EPOCHS}), dry_run=True)
    bare, served = [], []
    for _ in range(PAIRS):
        # The waiting trainer of the service sleeps meanwhile, as it does beside any other program.
        bare.append(_bare(job["params"]))
        service.await_idle()
        served.append(_served(service))
        service.await_idle()
    ratios = [through / alone for through, alone in zip(served, bare, strict=True)]
    emit(
        "service_share_of_bare_images_per_second",
        median=round(statistics.median(ratios), 4),
        ratios=[round(ratio, 4) for ratio in ratios],
        bare=[round(rate) for rate in bare],
        served=[round(rate) for rate in served],
        target_min=0.95,
    )


def _served(service: Service) -> float:
    job = service.client.submit(digits_job(params={"epochs": EPOCHS}))
    for _ in service.client.events(job["id"]):
        pass  # somebody watches, as somebody would
    with tempfile.TemporaryDirectory() as folder:
        (report,) = service.client.artifacts(job["id"], kind="report")
        path = service.client.download(report, Path(folder) / "report.json")
        return float(json.loads(path.read_text())["images_per_second"])


def _bare(params: dict[str, Any]) -> float:
    """Run `python -m trainers` by hand with the same spec; nobody reads along but a file."""
    with tempfile.TemporaryDirectory() as folder:
        spec = {
            "kind": "train",
            "job": "bare",
            "attempt": 1,
            "recipe": "mlp_gan",
            "params": params,
            "seed": 0,
            "dataset": KNOWN["mnist-10k"].as_spec(),
            "data_roots": [],
            "cache": str(Path(folder) / "cache"),
            "device": "cpu",
            "threads": len(os.sched_getaffinity(0)),
            "scratch": folder,
            "resume": None,
            "stop_after_s": None,
        }
        trainer = subprocess.Popen(
            [sys.executable, "-m", "trainers"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert trainer.stdin is not None
        trainer.stdin.write(json.dumps(spec).encode() + b"\n")
        trainer.stdin.flush()
        assert trainer.wait() == 0
        trainer.stdin.close()
        return float(json.loads((Path(folder) / "report.json").read_text())["images_per_second"])
