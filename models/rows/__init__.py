"""The tables. Constraints here make the bad states impossible, whoever writes."""

from models.rows.access import Audit, Idempotency, Key, SavedView, Secret, Session, Share
from models.rows.base import Base
from models.rows.catalog import Dataset, Extractor
from models.rows.doomed_objects import DoomedObject
from models.rows.history import Artifact, CurveLevel, Event, LogChunk, Metric
from models.rows.jobs import Attempt, Job
from models.rows.machines import Queue, Worker
from models.rows.periodic_tasks import Chore
from models.rows.purged_figures import PurgedFigure
from models.rows.retention_policies import RetentionPolicy
from models.rows.scheduling import MemoryPeak, Pace
from models.rows.webhooks import Delivery, DeliveryTry, FeedPosition, OldWebhookSecret, Webhook

__all__ = [
    "Artifact",
    "Attempt",
    "Audit",
    "Base",
    "Chore",
    "CurveLevel",
    "Dataset",
    "Delivery",
    "DeliveryTry",
    "DoomedObject",
    "Event",
    "Extractor",
    "FeedPosition",
    "Idempotency",
    "Job",
    "Key",
    "LogChunk",
    "MemoryPeak",
    "Metric",
    "OldWebhookSecret",
    "Pace",
    "PurgedFigure",
    "Queue",
    "RetentionPolicy",
    "SavedView",
    "Secret",
    "Session",
    "Share",
    "Webhook",
    "Worker",
]
