"""The Python client: every operation of the service as a typed method.

from ganforge.client import Client

with Client() as ganforge:
    job = ganforge.train("compact", "mnist-10k", params={"epochs": 5})
    for event in ganforge.events(job["id"]):
        print(event["type"], event["data"])
    for artifact in ganforge.artifacts(job["id"], kind="grid"):
        ganforge.download(artifact, Path("."))
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

from ganforge.download import fetch
from ganforge.errors import UploadError
from ganforge.follow import Follower, LogFollower, LogLines
from ganforge.retention import Keeper
from ganforge.sharing import Sharer
from ganforge.transport import content, path_segment
from ganforge.trash import Trash
from ganforge.upload import body
from ganforge.webhooks import Teller
from models.states import TERMINAL
from packing.names import normal

if TYPE_CHECKING:  # importing pydantic would make every command start later
    from models.views import (
        Artifact,
        Attempt,
        BulkAnswer,
        Curve,
        Dataset,
        Event,
        ImportedDataset,
        Job,
        Recipe,
        SavedView,
    )

PATIENCE_S = 120.0
BULK_S = 0.05
# `expected` is any number; sockets refuse timeouts of many years.
MAX_BULK_WAIT_S = 7200.0


class Client(Keeper, Sharer, Teller, Trash):
    """One service, seen with one key. Close it, or use it as a context manager.

    Every method may raise `ApiError` (the service refused; the text is one readable line) and `UnreachableError` (it
    does not answer), both of them `GanforgeError`.
    """

    def recipes(self) -> Iterator[Recipe]:
        """Yield the recipes."""
        return cast("Iterator[Recipe]", self._list("/v1/recipes"))

    def recipe(self, name: str) -> Recipe:
        """Return one recipe, with the schema of its parameters."""
        return cast("Recipe", self._get(f"/v1/recipes/{name}"))

    def datasets(self) -> Iterator[Dataset]:
        """Yield the data sets that jobs may name."""
        return cast("Iterator[Dataset]", self._list("/v1/datasets"))

    def dataset(self, name_or_id: str) -> Dataset:
        """Return one data set."""
        return cast("Dataset", self._get(f"/v1/datasets/{path_segment(name_or_id)}"))

    def add_dataset(
        self,
        path: Path,
        *,
        name: str | None = None,
        size: int | None = None,
        skip_damaged: bool = False,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> ImportedDataset:
        """Upload a folder or an archive of pictures (`-`: from standard input); return the data set when it is ready.

        `on_progress` hears how many bytes were sent, of how many; after the last the service packs them, in minutes.
        The answer's notes begin with files of a folder that were not sent: pipes, and folders linked to twice.

        Raises:
            UploadError: the files to upload are missing, unreadable, or of kinds that the service doesn't read.
            EncodingError: the data set's name is not UTF-8 text.
        """
        fields = {"name": name or _stem(path), **({} if size is None else {"size": str(size)})}
        if skip_damaged:
            fields["skip_damaged"] = "true"
        notes: list[str] = []
        told = on_progress or (lambda _sent, _total: None)
        form = body(path, fields, told, skip=skip_damaged, note=notes.append)
        made = cast("ImportedDataset", content(self._transport.upload("/v1/datasets", form)))
        made["notes"] = [*notes, *made["notes"]]
        return made

    def delete_dataset(self, dataset_id: str) -> None:
        """Delete an uploaded data set, which no unfinished job may need."""
        self._transport.send("DELETE", f"/v1/datasets/{dataset_id}")

    def submit(self, request: Mapping[str, Any], *, idempotency_key: str | None = None, dry_run: bool = False) -> Job:
        """Create a job from the body of `POST /v1/jobs`.

        Without an idempotency key, the client generates one, so a repeated request makes no second job.
        A dry run returns the job as it would be and stores nothing; its id is meaningless.
        """
        answer = self._transport.ask(
            "POST",
            "/v1/jobs",
            params={"dry_run": "true"} if dry_run else None,
            json=dict(request),
            headers={"Idempotency-Key": idempotency_key or str(uuid.uuid4())},
        )
        return cast("Job", answer)

    def train(
        self,
        recipe: str,
        dataset: str,
        *,
        params: Mapping[str, Any] | None = None,
        preset: str | None = None,
        seed: int = 0,
        dry_run: bool = False,
        idempotency_key: str | None = None,
        **options: Any,
    ) -> Job:
        """Create a training. `options`: queue, priority, name, labels, project, notes, max_attempts, max_runtime_s."""
        request: dict[str, Any] = {"kind": "train", "recipe": recipe, "preset": preset, "dataset": dataset}
        request |= {"params": dict(params or {}), "seed": seed, **options}
        return self.submit(request, dry_run=dry_run, idempotency_key=idempotency_key)

    def sample(
        self,
        job: str,
        *,
        checkpoint: str = "best",
        params: Mapping[str, Any] | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
        **options: Any,
    ) -> Job:
        """Create a sampling job from a training job's checkpoint: `best`, `latest` or an artifact's id."""
        request = {"kind": "sample", "source": {"job": job, "checkpoint": checkpoint}, "params": dict(params or {})}
        return self.submit({**request, **options}, dry_run=dry_run, idempotency_key=idempotency_key)

    def evaluate(
        self,
        job: str | None = None,
        *,
        checkpoint: str = "best",
        images: str | None = None,
        dataset: str | None = None,
        params: Mapping[str, Any] | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
        **options: Any,
    ) -> Job:
        """Create an evaluation of a training job's checkpoint, or of the `images` of a data set; give one of the two.

        `dataset` is what they are compared with, by default the data set trained on. The `result` of the job, once it
        has succeeded (see `wait`), says what was found.
        """
        of_job = {} if job is None else {"job": job, "checkpoint": checkpoint}
        source = {**of_job, **({} if images is None else {"dataset": images})}
        request: dict[str, Any] = {"kind": "evaluate", "source": source, "dataset": dataset}
        request |= {"params": dict(params or {}), **options}
        return self.submit(request, dry_run=dry_run, idempotency_key=idempotency_key)

    def jobs(self, **filters: str | Sequence[str]) -> Iterator[Job]:
        """Yield jobs, newest first, or in the order that `sort` names, such as "fd_ratio" or "-duration".

        `q` is a search, such as 'digits recipe:dcgan params.batch_size>=64'. Filters, each a text or several: state,
        kind, recipe, queue, label, parent, dataset, extractor, project, owner, id, created_after, created_before;
        starred and trashed are "true" or "false".
        """
        return cast("Iterator[Job]", self._list("/v1/jobs", filters))

    def job(self, job_id: str, *, wait: int = 0) -> Job:
        """Return a job; with `wait`, when its state changes or after that many seconds (the service caps them)."""
        headers = {"Prefer": f"wait={wait}"} if wait else {}
        return cast("Job", self._transport.ask("GET", f"/v1/jobs/{job_id}", headers=headers, patience=wait))

    def wait(self, job_id: str) -> Job:
        """Return a job once it has ended."""
        while (job := self.job(job_id, wait=30))["state"] not in TERMINAL:
            pass
        return job

    def update(self, job_id: str, **changes: Any) -> Job:
        """Change a job's priority, labels, name, notes, project, star (`starred`) or place (`order`: first, last)."""
        return cast("Job", self._transport.ask("PATCH", f"/v1/jobs/{job_id}", json=changes))

    def cancel(self, job_id: str) -> Job:
        """Cancel a job; a running job writes a last checkpoint first."""
        return cast("Job", self._post(f"/v1/jobs/{job_id}/cancel"))

    def pause(self, job_id: str) -> Job:
        """Pause a job; a running job writes a checkpoint and frees its device."""
        return cast("Job", self._post(f"/v1/jobs/{job_id}/pause"))

    def resume(self, job_id: str) -> Job:
        """Resume a paused job from its checkpoint, on any worker of its queue."""
        return cast("Job", self._post(f"/v1/jobs/{job_id}/resume"))

    def retry(
        self,
        job_id: str,
        *,
        params: Mapping[str, Any] | None = None,
        checkpoint: str | None = None,
        idempotency_key: str | None = None,
        dry_run: bool = False,
    ) -> Job:
        """Retry an ended job, with changes to its parameters; return the new job.

        `checkpoint`: `latest`, `best` or an artifact's id to start from; None: from scratch. With one, `epochs` and
        `images` count what it has done. A dry run returns the job as it would be and stores nothing.
        """
        body = {"params": dict(params or {}), "checkpoint": checkpoint}
        path = f"/v1/jobs/{job_id}/retry{'?dry_run=true' if dry_run else ''}"
        return cast("Job", self._once(path, body, idempotency_key))

    def bulk(
        self,
        action: str,
        filters: Mapping[str, str | Sequence[str]],
        *,
        expected: int,
        priority: int | None = None,
        idempotency_key: str | None = None,
    ) -> BulkAnswer:
        """Do something to the `expected` number of jobs of a filter (see `jobs`).

        `action`: cancel, pause, resume, retry, reprioritize, delete, restore or purge.
        """
        body: dict[str, Any] = {"action": action, "filter": dict(filters), "expected": expected}
        if priority is not None:
            body["priority"] = priority
        # Changing thousands of jobs takes longer than other requests.
        patience = min(expected * BULK_S, MAX_BULK_WAIT_S)
        return cast("BulkAnswer", self._once("/v1/jobs/bulk", body, idempotency_key, patience))

    def views(self) -> Iterator[SavedView]:
        """Yield the lists of jobs that are kept under a name."""
        return cast("Iterator[SavedView]", self._list("/v1/views"))

    def add_view(
        self,
        name: str,
        filters: Mapping[str, Any] | None = None,
        *,
        sort: str = "-created_at",
        columns: Sequence[str] = (),
    ) -> SavedView:
        """Keep a filter (see `jobs`), an order and further columns under a name."""
        body = {"name": name, "filter": dict(filters or {}), "sort": sort, "columns": list(columns)}
        return cast("SavedView", self._transport.ask("POST", "/v1/views", json=body))

    def delete_view(self, view_id: str) -> None:
        """Forget a kept list; its jobs stay."""
        self._transport.send("DELETE", f"/v1/views/{view_id}")

    def events(
        self,
        job_id: str,
        *,
        after: int = 0,
        patience: float = PATIENCE_S,
        on_break: Callable[[str], None] | None = None,
    ) -> Iterator[Event]:
        """Yield a job's events after `after`, live, until it has ended: each exactly once, in order.

        A lost connection is opened again; `on_break` hears why, and after `patience` seconds without contact it is
        an UnreachableError.
        """
        last = str(after) if after else ""
        return Follower(
            self._transport, f"/v1/jobs/{job_id}/events", last, patience, on_break or (lambda _why: None)
        ).events()

    def all_events(self, *, last_id: str = "", patience: float = PATIENCE_S) -> Iterator[Event]:
        """Yield the events of all jobs this key may see, live, forever."""
        return Follower(self._transport, "/v1/events", last_id, patience, lambda _why: None).events()

    def past_events(self, job_id: str, *, after: int = 0) -> Iterator[Event]:
        """Yield the events that a job has so far."""
        return cast("Iterator[Event]", self._list(f"/v1/jobs/{job_id}/events", {"after": str(after)} if after else {}))

    def metrics(self, job_id: str, names: Sequence[str] = (), *, max_points: int = 500) -> dict[str, Curve]:
        """Return a job's metrics by name, down-sampled to `max_points` each."""
        params = {"max_points": str(max_points), **({"names": ",".join(names)} if names else {})}
        return cast("dict[str, Curve]", self._get(f"/v1/jobs/{job_id}/metrics", params)["series"])

    def log(
        self, job_id: str, *, tail: int | None = None, search: str | None = None, attempt: int | None = None
    ) -> Iterator[str]:
        """Yield the text of a job's log, in pieces: all, its last lines, or those that contain a text; of one attempt.

        Raises:
            httpx.RequestError: the connection broke in the middle.
        """
        path = log_path(job_id, tail=tail, search=search, attempt=attempt)
        with self._transport.stream(path, {"Accept": "text/plain"}) as answer:
            yield from answer.iter_text()

    def log_lines(
        self, job_id: str, *, tail: int | None = None, search: str | None = None, attempt: int | None = None
    ) -> dict[str, Any]:
        """Return `lines` of a job's log with their attempts and numbers, the last 200 unless `tail` is given."""
        path = log_path(job_id, tail=tail, search=search, attempt=attempt)
        return self._transport.ask("GET", path, headers={"Accept": "application/json"})

    def follow_log(
        self,
        job_id: str,
        *,
        tail: int | None = None,
        attempt: int | None = None,
        patience: float = PATIENCE_S,
        on_break: Callable[[str], None] | None = None,
    ) -> Iterator[LogLines]:
        """Yield a job's log, live, until it has ended; with `tail`, from its last lines on. See `events`."""
        path = log_path(job_id, tail=tail, attempt=attempt)
        return LogFollower(self._transport, path, "", patience, on_break or (lambda _why: None)).events()

    def attempts(self, job_id: str) -> Iterator[Attempt]:
        """Yield a job's attempts."""
        return cast("Iterator[Attempt]", self._list(f"/v1/jobs/{job_id}/attempts"))

    def artifacts(self, job_id: str, *, kind: str | None = None) -> Iterator[Artifact]:
        """Yield a job's artifacts."""
        return cast("Iterator[Artifact]", self._list(f"/v1/jobs/{job_id}/artifacts", {"kind": kind} if kind else {}))

    def artifact(self, artifact_id: str) -> Artifact:
        """Return an artifact's description."""
        return cast("Artifact", self._get(f"/v1/artifacts/{artifact_id}"))

    def download(self, artifact: Artifact | str, to: Path) -> Path:
        """Download an artifact to a file, or under its own name into a folder; a damaged download is removed.

        Raises:
            DownloadError: the bytes differ from the stored ones, or cannot be written.
        """
        return fetch(self._transport, self.artifact(artifact) if isinstance(artifact, str) else artifact, to)


def log_path(job_id: str, **asked: int | str | None) -> str:
    """Return the path of a job's log with what is asked of it."""
    given = {name: value for name, value in asked.items() if value is not None}
    return f"/v1/jobs/{job_id}/log" + (f"?{urlencode(given)}" if given else "")


def _stem(path: Path) -> str:
    """Return the name of a folder or an archive without suffixes such as `.tar.gz`."""
    path = path.absolute()
    if path.name == "-" or path.is_fifo():
        raise UploadError("an archive from a pipe has no name: give the data set's name")
    name = path.name if path.is_dir() else re.sub(r"(\.tar)?\.\w+$", "", path.name)
    return normal(name)
