"""What the service tells people: refusals, errors, alerts, notes. Each text stands here once, in English, with a code.

A message is a code and parameters. Rows and events store both beside the English (`Message.as_json`), answers carry
the English (`str`), and pages translate by code (`Message.put`). Nobody parses the English to find out what it means.
"""

from models.messages.base import Message, MessageError, Param, Text, Texts
from models.messages.jobs import Conflicts, Ends, Limits, Objects, Orders, Reasons, Things
from models.messages.reading import Misfits, Reading
from models.messages.requests import Bodies, Door, Fields, Parameters, Requests, Service
from models.messages.training import Alerts, Checkpoints, Failures, Logs
from models.messages.uploads import Archives, Folders, Members, Notes, Remedies
from models.messages.words import Words, verbatim, word

__all__ = [
    "Alerts",
    "Archives",
    "Bodies",
    "Checkpoints",
    "Conflicts",
    "Door",
    "Ends",
    "Failures",
    "Fields",
    "Folders",
    "Limits",
    "Logs",
    "Members",
    "Message",
    "MessageError",
    "Misfits",
    "Notes",
    "Objects",
    "Orders",
    "Param",
    "Parameters",
    "Reading",
    "Reasons",
    "Remedies",
    "Requests",
    "Service",
    "Text",
    "Texts",
    "Things",
    "Words",
    "verbatim",
    "word",
]
