"""The spec of an attempt: what a trainer gets to know of the claimed job, and the files that it needs."""

from __future__ import annotations

import threading
from pathlib import Path

import structlog

from models import views, wire
from models.extractors import MEASURED
from models.messages import Alerts, Ends, Message, MessageError
from models.recipes import RECIPES
from models.specs.parameter_markers import bounds
from models.states import ErrorCode, JobKind
from models.wire import DatasetSpec
from stores.container import Stores
from stores.datasets import discovery
from stores.infra.errors import DamagedBlobError, NotFoundError
from stores.jobs.transitions import Claim
from worker import extractors
from worker.datasets import Cache, UnfetchableError
from worker.device import Device
from worker.outages import patiently

log = structlog.get_logger(__name__)


class CannotStartError(MessageError):
    """The job cannot start; the message gives the reason."""

    def __init__(self, code: ErrorCode, message: Message) -> None:
        super().__init__(message)
        self.code = code


def build_spec(
    stores: Stores, claim: Claim, device: Device, scratch: Path, given_up: threading.Event
) -> tuple[wire.Spec, list[Message]]:
    """Return the spec, and warnings for the job's log. Downloads the data set and the checkpoint.

    Raises:
        CannotStartError: no data set or no checkpoint to start from.
        GivenUpError: the attempt ended, or was asked to end, during an outage of a store.
    """
    files = _Files(stores, claim, scratch, given_up)
    match JobKind(claim.job["kind"]):
        case JobKind.train:
            return files.training(device)
        case JobKind.sample:
            return files.sampling(device), []
        case JobKind.evaluate:
            return files.evaluation(device), []


class _Files:
    """Downloads the files of one attempt into its scratch folder."""

    def __init__(self, stores: Stores, claim: Claim, scratch: Path, given_up: threading.Event) -> None:
        self._stores = stores
        self._claim = claim
        self._job = claim.job
        self._scratch = scratch
        self._given_up = given_up
        self._rows: dict[str, views.Dataset | None] = {}

    def training(self, device: Device) -> tuple[wire.Spec, list[Message]]:
        """Return the spec of a training attempt."""
        dataset = self._dataset()
        resume, warnings = self._resume()
        spec = wire.TrainSpec(
            job=self._claim.job_id,
            attempt=self._claim.attempt,
            recipe=self._job["recipe"],
            params=device.suited(self._job["params"]),
            seed=self._job["seed"],
            dataset=dataset,
            data_roots=tuple(self._stores.infra.settings.roots),
            cache=self._cache,
            device=device.torch,
            threads=device.threads,
            scratch=self._scratch,
            resume=resume,
            stop_after_s=self._stop_after_s,
            extractor=self._of_training(),
        )
        return spec, warnings

    def sampling(self, device: Device) -> wire.Spec:
        """Return the spec of a sampling attempt."""
        dataset = None if self._job["dataset_id"] is None else self._dataset()
        return wire.SampleSpec(
            job=self._claim.job_id,
            attempt=self._claim.attempt,
            recipe=self._job["recipe"],
            params=device.suited(self._job["params"]),
            checkpoint=self._source(),
            device=device.torch,
            threads=device.threads,
            scratch=self._scratch,
            cache=self._cache,
            bounds=bounds(RECIPES[self._job["recipe"]].params),
            data_roots=tuple(self._stores.infra.settings.roots),
            dataset=dataset,
            stop_after_s=self._stop_after_s,
        )

    def evaluation(self, device: Device) -> wire.Spec:
        """Return the spec of an evaluation's attempt."""
        judged = self._job["source_dataset"]
        recipe = None if judged is not None else self._job["recipe"]
        return wire.EvaluateSpec(
            job=self._claim.job_id,
            attempt=self._claim.attempt,
            recipe=recipe,
            params=self._job["params"],
            dataset=self._dataset(),
            images=None if judged is None else self._find(judged, self._job["source"]["dataset"], "images"),
            checkpoint=None if judged is not None else self._source(),
            extractor=self._extractor(),
            bounds={} if recipe is None else bounds(RECIPES[recipe].params),
            device=device.torch,
            threads=device.threads,
            scratch=self._scratch,
            cache=self._cache,
            data_roots=tuple(self._stores.infra.settings.roots),
            stop_after_s=self._stop_after_s,
        )

    @property
    def _stop_after_s(self) -> float | None:
        """The seconds that are left of the job's maximum run time."""
        limit = self._job["max_runtime_s"]
        return None if limit is None else max(0.0, limit - self._job["spent_s"])

    def _extractor(self) -> wire.ExtractorSpec:
        """Return the extractor that an evaluation asks for."""
        name = self._job["params"]["extractor"]

        dataset = self._row(self._job["dataset_id"])

        def get() -> wire.ExtractorSpec:
            return extractors.asked_for(self._stores, self._job, dataset, name, self._fetch)

        try:
            return patiently(get, self._given_up)
        except extractors.NoExtractorError as error:
            raise CannotStartError(ErrorCode.extractor_failed, error.message) from error

    @property
    def _cache(self) -> Path:
        return self._stores.infra.settings.home.absolute() / "cache"

    def _row(self, dataset_id: str) -> views.Dataset | None:
        """Return the view of a data set; None if it is gone. It is read once in an attempt."""
        if dataset_id not in self._rows:
            found = patiently(lambda: self._stores.datasets.find(dataset_id, None), self._given_up)
            self._rows[dataset_id] = found
        return self._rows[dataset_id]

    def _dataset(self) -> DatasetSpec:
        return self._find(self._job["dataset_id"], self._job["dataset"], "dataset")

    def _find(self, dataset_id: str, asked: str, file: str) -> DatasetSpec:
        """Return a data set that was asked for by a name or id; an uploaded one is downloaded under a file name."""
        row = self._row(dataset_id)
        if row is not None and row["source"] == "uploaded":
            try:
                path = Cache(self._stores).fetch(row, self._scratch, self._given_up, file)
            except UnfetchableError as error:
                raise CannotStartError(ErrorCode.invalid_dataset, error.message) from error
            return DatasetSpec(
                name=row["name"],
                source=row["source"],
                layout="packed",
                folder="",
                shape=tuple(row["shape"]),
                classes=tuple(row["classes"]),
                parts=row["parts"],
                path=path,
                sha256=row["sha256"],
            )
        spec = None if row is None else discovery.dataset_spec(row, self._stores.infra.settings.roots)
        if spec is None:
            unknown = Ends.dataset_unknown_here(name=asked)
            raise CannotStartError(ErrorCode.invalid_dataset, unknown)
        return spec

    def _of_training(self) -> wire.ExtractorSpec | None:
        """Return the extractor that judges the images of a training; None where there is none and none is needed."""
        if not RECIPES[self._job["recipe"]].generates_images:
            return None
        dataset = self._row(self._job["dataset_id"])
        found = None
        if dataset is not None:
            found = patiently(lambda: extractors.of_dataset(self._stores, dataset, self._fetch), self._given_up)
        if found is None and self._job["params"].get("monitor") in MEASURED:
            raise CannotStartError(ErrorCode.extractor_failed, self._why_no_extractor())
        return found

    def _why_no_extractor(self) -> Message:
        return patiently(lambda: extractors.why_none(self._stores, self._job), self._given_up)

    def _source(self) -> Path:
        """Download the checkpoint that a sampling job or an evaluation uses."""
        artifact_id = self._job["source_artifact"]
        if artifact_id is not None:
            path = self._fetch(artifact_id, "source.safetensors")
            if path is not None:
                return path
        gone = Ends.judged_gone if self._job["kind"] == JobKind.evaluate else Ends.source_gone
        raise CannotStartError(ErrorCode.checkpoint_corrupt, gone(job=self._job["source"]["job"]))

    def _resume(self) -> tuple[Path | None, list[Message]]:
        """Download the newest intact checkpoint; warn if a newer one is damaged.

        A retry without checkpoints of its own starts from the checkpoint of its parent that was chosen for it.
        """
        checkpoints = patiently(lambda: self._stores.queries.jobs.checkpoints(self._job["id"]), self._given_up)
        warnings: list[Message] = []
        for artifact in checkpoints:
            path = self._fetch(artifact["id"], "resume.safetensors")
            if path is not None:
                return path, warnings
            warnings.append(Alerts.checkpoint_skipped(step=artifact["step"]))
        if self._job["source"] is not None:
            path = self._job["source_artifact"] and self._fetch(self._job["source_artifact"], "resume.safetensors")
            if path:
                return path, warnings
            gone = Ends.start_gone(job=self._job["source"]["job"])
            raise CannotStartError(ErrorCode.checkpoint_corrupt, gone)
        if warnings:
            raise CannotStartError(ErrorCode.checkpoint_corrupt, Ends.no_checkpoint_readable())
        return None, []

    def _fetch(self, artifact_id: str, name: str) -> Path | None:
        """Download an artifact; None if its object is gone or its bytes do not match the stored hash."""
        path = self._scratch / name

        def get() -> Path | None:
            try:
                artifact, key = self._stores.queries.jobs.artifact(artifact_id, None)
                self._stores.infra.blobs.get(key, path, artifact["sha256"])
            except NotFoundError:
                return None
            except DamagedBlobError:
                log.exception("object_damaged", artifact=artifact_id)
                return None
            return path

        return patiently(get, self._given_up)
