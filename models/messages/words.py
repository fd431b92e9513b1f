"""Words that stand inside other messages: states, actions, roles; and forms that join two messages."""

from __future__ import annotations

from models.messages.base import Message, Text, Texts


class Words(Texts):
    """Values of closed sets, which pages translate, and the forms that join messages."""

    queued = Text("queued")
    running = Text("running")
    paused = Text("paused")
    succeeded = Text("succeeded")
    failed = Text("failed")
    canceled = Text("canceled")

    cancel = Text("cancel")
    pause = Text("pause")
    resume = Text("resume")
    retry = Text("retry")

    admin = Text("admin")
    user = Text("user")
    viewer = Text("viewer")

    # What a trainer was doing, as in "no progress while preparing data".
    while_starting = Text("starting")
    while_preparing = Text("preparing data")
    while_compiling = Text("taking the first step")
    while_training = Text("training")
    while_evaluating = Text("evaluating")
    while_saving = Text("writing a checkpoint")
    while_sampling = Text("making images")
    # What the kernel says of a process.
    process_stopped = Text("stopped by a signal")
    process_on_disk = Text("waiting for a disk or a device")
    process_waiting = Text("waiting")
    process_running = Text("running")

    importing = Text("importing")
    ready = Text("ready")
    missing = Text("missing")
    builtin = Text("builtin")
    found = Text("found")
    uploaded = Text("uploaded")

    object_store = Text("the object store")
    broker = Text("the broker")
    database = Text("the database")

    # What the system or a library said, which nobody translates.
    verbatim = Text("{text}")
    comma = Text(", ")  # base.COMMA, between the entries of a list
    either = Text("{some} or {last}")
    both = Text("{first}; {second}")
    about = Text("{subject}: {what}")
    subject_and = Text("{subject} {what}")
    with_log = Text("{what}\nlast log lines:\n{log}")


def word(value: str) -> str | Message:
    """Return a value of a closed set as a message; a value that is none of ours stays as it is."""
    text = vars(Words).get(value)
    return text() if isinstance(text, Text) and not text.fields else value


def verbatim(text: object) -> Message:
    """Return words of the system or a library as a message."""
    return Words.verbatim(text=str(text))


def message_of(error: BaseException) -> Message:
    """Return the message that an error was raised with; what else it says counts as the words of a library."""
    said = error.args[0] if error.args else None
    return said if isinstance(said, Message) else verbatim(error)
