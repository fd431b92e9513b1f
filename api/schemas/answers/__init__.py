"""Response models: the views of rows (models/views), and those that only the API has."""

from api.schemas.answers.base import Answer, Page
from api.schemas.answers.jobs import Curves, Log, PlannedJob
from api.schemas.answers.machines import Health, Readiness
from api.schemas.answers.refusals import FieldError, Problem
from api.schemas.answers.usage import UsageAnswer
from models.views import (
    Artifact,
    Attempt,
    AuditEntry,
    BulkAnswer,
    Dataset,
    Delivery,
    Event,
    FreshKey,
    FreshShare,
    FreshWebhook,
    ImportedDataset,
    Job,
    Key,
    Queue,
    Recipe,
    SavedView,
    Share,
    Storage,
    Webhook,
    Worker,
)

__all__ = [
    "Answer",
    "Artifact",
    "Attempt",
    "AuditEntry",
    "BulkAnswer",
    "Curves",
    "Dataset",
    "Delivery",
    "Event",
    "FieldError",
    "FreshKey",
    "FreshShare",
    "FreshWebhook",
    "Health",
    "ImportedDataset",
    "Job",
    "Key",
    "Log",
    "Page",
    "PlannedJob",
    "Problem",
    "Queue",
    "Readiness",
    "Recipe",
    "SavedView",
    "Share",
    "Storage",
    "UsageAnswer",
    "Webhook",
    "Worker",
]
