"""What readers see of the rows, one class for each: the stores return them, the API answers them, the client names
them."""

from models.views.base import Moment, rfc3339
from models.views.catalog import Dataset, ImportedDataset, Preset, Recipe, dataset_view
from models.views.jobs import (
    Artifact,
    Attempt,
    BulkAnswer,
    BulkProblem,
    Checkpoints,
    Curve,
    DatasetSource,
    Eta,
    Evaluation,
    Event,
    Failure,
    Job,
    Progress,
    Source,
    artifact_view,
    attempt_view,
    event_view,
    job_view,
)
from models.views.keys_and_audit import AuditEntry, FreshKey, Key, KeyQuotas, audit_view, key_view
from models.views.machines import Queue, Worker, queue_view, worker_view
from models.views.storage import Storage, storage_view

__all__ = [
    "Artifact",
    "Attempt",
    "AuditEntry",
    "BulkAnswer",
    "BulkProblem",
    "Checkpoints",
    "Curve",
    "Dataset",
    "DatasetSource",
    "Eta",
    "Evaluation",
    "Event",
    "Failure",
    "FreshKey",
    "ImportedDataset",
    "Job",
    "Key",
    "KeyQuotas",
    "Moment",
    "Preset",
    "Progress",
    "Queue",
    "Recipe",
    "Source",
    "Storage",
    "Worker",
    "artifact_view",
    "attempt_view",
    "audit_view",
    "dataset_view",
    "event_view",
    "job_view",
    "key_view",
    "queue_view",
    "rfc3339",
    "storage_view",
    "worker_view",
]
