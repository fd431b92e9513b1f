"""The spec of an attempt: what a trainer gets to know of the claimed job, and the files that it needs."""

from __future__ import annotations

import threading
from pathlib import Path

import structlog

from models import extractors, wire
from models.extractors import PACKAGED
from models.messages import Alerts, Ends, Message, MessageError
from models.recipes import RECIPES
from models.specs.parameter_markers import bounds
from models.states import ErrorCode, JobKind
from models.wire import DatasetSpec
from stores.container import Stores
from stores.datasets import discovery
from stores.infra.errors import DamagedBlobError, NotFoundError
from stores.jobs.transitions import Claim
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

    def training(self, device: Device) -> tuple[wire.Spec, list[Message]]:
        """Return the spec of a training attempt."""
        dataset = self._dataset()
        resume, warnings = self._resume()
        limit = self._job["max_runtime_s"]
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
            stop_after_s=None if limit is None else max(0.0, limit - self._job["spent_s"]),
            extractor=_judging(dataset),
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
        )

    def _extractor(self) -> wire.ExtractorSpec:
        packaged = PACKAGED.get(self._job["dataset"])
        if packaged is None:
            raise CannotStartError(ErrorCode.invalid_dataset, Ends.no_extractor(name=self._job["dataset"]))
        name, limits = self._job["dataset"], bounds(RECIPES["darknet"].params)
        return wire.ExtractorSpec(name=name, path=packaged.path, sha256=packaged.sha256, bounds=limits)

    @property
    def _cache(self) -> Path:
        return self._stores.infra.settings.home.absolute() / "cache"

    def _dataset(self) -> DatasetSpec:
        return self._find(self._job["dataset_id"], self._job["dataset"], "dataset")

    def _find(self, dataset_id: str, asked: str, file: str) -> DatasetSpec:
        """Return a data set that was asked for by a name or id; an uploaded one is downloaded under a file name."""
        row = patiently(lambda: self._stores.datasets.find(dataset_id, None), self._given_up)
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


def _judging(dataset: DatasetSpec) -> wire.ExtractorSpec | None:
    """Return the extractor that can judge images of a data set while a training makes them, if there is one."""
    found = extractors.packaged(dataset.name, dataset.source)
    if found is None:
        return None
    return wire.ExtractorSpec(dataset.name, found.path, found.sha256, bounds(RECIPES["darknet"].params))
