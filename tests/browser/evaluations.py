"""Evaluations as a worker stores them, for pages that show them: nothing is measured."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from models.ids import new_id
from models.states import ErrorCode, Outcome
from stores.container import Stores
from stores.jobs.attempts import Claim, NewArtifact
from stores.jobs.transitions import Ending
from tests.evaluations import BOTH, COPIES, report, result

if TYPE_CHECKING:
    from tests.browser.conftest import Stack

QUEUE = "jetson"  # where no worker of the stack takes jobs
FILES = (
    ("samples", "judged.png", "image/png"),
    ("figure", "closest_pairs.png", "image/png"),
    ("figure", "pairs.png", "image/png"),
    ("report", "report.json", "application/json"),
)


def evaluations(stack: Stack, stores: Stores, trained: str, folder: Path) -> dict[str, str]:
    """Make evaluations of a training; return their ids: of two faults, of copies, and one that failed."""
    worker = stores.fleet.workers.register("by hand", QUEUE, {"kind": "cpu"})
    made = {}
    for name, changes in (("both", BOTH), ("copies", COPIES), ("failed", None)):
        asked = {"kind": "evaluate", "source": {"job": trained, "checkpoint": "best"}, "name": name}
        made[name] = stack.client.submit({**asked, "queue": QUEUE, "priority": 100})["id"]
        claim = stores.jobs.claim(QUEUE, worker, QUEUE)
        assert claim is not None
        assert claim.job_id == made[name]
        if changes is not None:
            keep(stores, claim, folder, result(changes))
        else:
            stores.jobs.finish(claim, Ending(Outcome.failed, None, ErrorCode.checkpoint_corrupt, "it is damaged"))
    stores.fleet.workers.stop(worker)
    return made


def keep(stores: Stores, claim: Claim, folder: Path, measured: Mapping[str, Any]) -> None:
    """Store the files and the result of an evaluation."""
    for kind, name, content_type in FILES:
        made = new_id("art")
        path = folder / made
        if content_type == "image/png":
            Image.effect_noise((256, 256), 80).save(path, "PNG")
        else:
            path.write_text(json.dumps(report(measured)))
        key = f"jobs/{claim.job_id}/{made}"
        stores.infra.blobs.put(key, path, content_type)
        size = path.stat().st_size
        stores.jobs.add_artifact(claim, NewArtifact(made, kind, name, 1, 1, size, "0" * 64, content_type, key))
    stores.jobs.finish(claim, Ending(Outcome.succeeded, result=measured))
