"""What the answers look like. The rows' views (models/views.py) make them; these models describe them."""

from api.schemas.answers.base import Answer, Page
from api.schemas.answers.catalog import Dataset, ImportedDataset, Preset, Recipe
from api.schemas.answers.jobs import (
    Artifact,
    Attempt,
    BulkAnswer,
    BulkProblem,
    Checkpoints,
    Curve,
    Curves,
    Eta,
    Event,
    Failure,
    Job,
    PlannedJob,
    Progress,
    Source,
)
from api.schemas.answers.machines import Health, Queue, Readiness, Worker
from api.schemas.answers.people import AuditEntry, FreshKey, Key, KeyQuotas
from api.schemas.answers.refusals import FieldError, Problem

__all__ = [
    "Answer",
    "Artifact",
    "Attempt",
    "AuditEntry",
    "BulkAnswer",
    "BulkProblem",
    "Checkpoints",
    "Curve",
    "Curves",
    "Dataset",
    "Eta",
    "Event",
    "Failure",
    "FieldError",
    "FreshKey",
    "Health",
    "ImportedDataset",
    "Job",
    "Key",
    "KeyQuotas",
    "Page",
    "PlannedJob",
    "Preset",
    "Problem",
    "Progress",
    "Queue",
    "Readiness",
    "Recipe",
    "Source",
    "Worker",
]
