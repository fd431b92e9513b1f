"""What a job stands on beside its own state: data, hardware and libraries. Checkpoints know it; attempts compare it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Mapping, NamedTuple

from models.messages import DataFaults, Logs
from trainers.device import identity
from trainers.process.errors import InvalidDatasetError

if TYPE_CHECKING:
    from trainers.device.identity import Identity
    from trainers.loop.checkpoints import CheckpointMeta, Snapshot
    from trainers.process.reporter import Reporter

_DIGITS = 12  # of a digest, enough to tell two data sets apart


class Ground(NamedTuple):
    """The digest of the data, None if it is unknown, and the identity of hardware and libraries."""

    data_digest: str | None = None
    identity: Mapping[str, str] = {}


def check(dataset: str, here: Ground, snapshot: Snapshot | None, reporter: Reporter) -> Ground:
    """Compare the ground of an attempt with that of the checkpoint that it resumes from; return what is known of it.

    Other hardware or libraries are told, once: later checkpoints know the new ones.

    Raises:
        InvalidDatasetError: the data have changed since the checkpoint was made.
    """
    if snapshot is None:
        return here
    digest = snapshot.meta.get("data_digest")
    if digest is not None and here.data_digest is not None and digest != here.data_digest:
        short = {"found": here.data_digest[:_DIGITS], "begun": digest[:_DIGITS]}
        raise InvalidDatasetError(DataFaults.other_data(name=dataset, **short))
    changes = identity.differences(_identity(snapshot.meta), here.identity)
    if changes:
        reporter.log("warning", Logs.other_ground(changes=", ".join(changes)))
    return here._replace(data_digest=here.data_digest or digest)


def _identity(meta: CheckpointMeta) -> Identity:
    """Return the identity that a checkpoint has; of an older one the little that it knows."""
    older = {"kind": meta.get("device"), "torch": meta.get("torch")}
    return meta.get("identity") or {name: value for name, value in older.items() if value is not None}
