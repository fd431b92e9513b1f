"""What jobs leave behind, made by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import text

from models.ids import new_id
from models.states import EventType, Outcome
from stores.container import Stores
from stores.jobs.attempts import NewArtifact
from stores.jobs.insert import NewJob
from stores.jobs.transitions import Claim, Ending


class Leaver:
    """Runs jobs of one worker and stores files for them."""

    def __init__(self, stores: Stores, worker: str, new_job: Callable[..., NewJob], folder: Path) -> None:
        self.stores = stores
        self._worker = worker
        self._new_job = new_job
        self._folder = folder

    def running(self, **changes: Any) -> Claim:
        """Submit a job and claim it."""
        self.stores.jobs.submit(self._new_job(**changes))
        claim = self.stores.jobs.claim("cpu", self._worker, "cpu")
        assert claim is not None
        return claim

    def file(
        self, claim: Claim, kind: str = "checkpoint", *, best: bool = False, row: bool = True, made: str = ""
    ) -> NewArtifact:
        """Store an object, with a row or as a crash before the row leaves it. `made`: its id."""
        made = made or new_id("art")
        content = f"content of {made}".encode()
        path = self._folder / made
        path.write_bytes(content)
        key = f"jobs/{claim.job_id}/{claim.fence}/{made}.bin"
        self.stores.infra.blobs.put(key, path, "application/octet-stream")
        digest = hashlib.sha256(content).hexdigest()
        new = NewArtifact(made, kind, made, 1, 1, len(content), digest, "application/octet-stream", key, best)
        if row:
            self.stores.jobs.add_artifact(claim, new)
        return new

    def tell(self, claim: Claim, count: int, first: int = 1) -> None:
        """Write metric events, each with a point of the curve."""
        news = [
            (EventType.metric, {"epoch": 1, "steps": [n], "values": {"d_loss": [0.5]}})
            for n in range(first, first + count)
        ]
        self.stores.jobs.progress(claim, news)

    def end(self, claim: Claim, days_ago: float) -> None:
        """End the job, as if that had been some days ago."""
        self.stores.jobs.finish(claim, Ending(Outcome.succeeded))
        self.age(claim.job_id, days_ago)

    def age(self, job_id: str, days: float) -> None:
        """Put a job and its files into the past."""
        with self.stores.infra.engine.begin() as connection:
            past = {"s": 86_400 * days, "job": job_id}
            for change in (
                "UPDATE jobs SET finished_at = finished_at - make_interval(secs => :s) WHERE id = :job",
                "UPDATE artifacts SET created_at = created_at - make_interval(secs => :s) WHERE job_id = :job",
            ):
                connection.execute(text(change), past)

    def rows(self, job_id: str) -> list[str]:
        """Return the ids of a job's artifacts, oldest first."""
        return [row["id"] for row in self.stores.queries.jobs.artifacts(job_id, (), 1000, None)]

    def objects(self) -> set[str]:
        """Return all keys in the bucket, after the sweeper has removed those of deleted rows."""
        self.stores.maintenance.doomed_objects.remove("")
        return self.objects_now()

    def objects_now(self) -> set[str]:
        """Return all keys in the bucket."""
        keys = set()
        for prefix in ("jobs/", "datasets/"):
            keys |= {one.key for one in self.stores.infra.blobs.page(prefix, "", 10_000)}
        return keys
