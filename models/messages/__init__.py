"""What the service tells people: refusals, errors, alerts, notes. Each text stands here once, in English, with a code.

A message is a code and parameters. Rows and events store both beside the English (`Message.as_json`), answers carry
the English (`str`), and pages translate by code (`Message.put`). Nobody parses the English to find out what it means.
"""

from models.messages.base import Message, MessageError, Param, Text, Texts
from models.messages.dataset_faults import DataFaults, Misfits
from models.messages.evaluation import Advice, CardFaults, Summaries
from models.messages.extractors import ExtractorFaults
from models.messages.finding import QueryFaults, RetentionFaults, ViewFaults
from models.messages.jobs import Conflicts, Ends, LogMarks, Missing, ObjectFaults, OrderFaults, QuotaFaults, Reasons
from models.messages.requests import (
    BodyFaults,
    Door,
    FieldFaults,
    ParameterFaults,
    RequestFaults,
    ServerFaults,
    ServiceFaults,
    Titles,
)
from models.messages.training import Alerts, CheckpointFaults, Failures, Logs
from models.messages.uploads import ArchiveFaults, FolderFaults, MemberFaults, PictureKinds, PictureNotes, Remedies
from models.messages.webhooks import DeliveryFaults, WebhookFaults, WebhookTexts
from models.messages.words import Words, message_of, verbatim, word

__all__ = [
    "Advice",
    "Alerts",
    "ArchiveFaults",
    "BodyFaults",
    "CardFaults",
    "CheckpointFaults",
    "Conflicts",
    "DataFaults",
    "DeliveryFaults",
    "Door",
    "Ends",
    "ExtractorFaults",
    "Failures",
    "FieldFaults",
    "FolderFaults",
    "LogMarks",
    "Logs",
    "MemberFaults",
    "Message",
    "MessageError",
    "Misfits",
    "Missing",
    "ObjectFaults",
    "OrderFaults",
    "Param",
    "ParameterFaults",
    "PictureKinds",
    "PictureNotes",
    "QueryFaults",
    "QuotaFaults",
    "Reasons",
    "Remedies",
    "RequestFaults",
    "RetentionFaults",
    "ServerFaults",
    "ServiceFaults",
    "Summaries",
    "Text",
    "Texts",
    "Titles",
    "ViewFaults",
    "WebhookFaults",
    "WebhookTexts",
    "Words",
    "message_of",
    "verbatim",
    "word",
]
