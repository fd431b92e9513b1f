"""What follows from alarms: the job's parameter `on_alert`.

The loop acts at fixed numbers of images and not when it happens to read the metrics, so that a run which stops or goes
back ends with the same weights on a fast and on a slow machine, whatever it was interrupted by.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Mapping, NamedTuple, Sequence

from trainers.loop.alarms import NONE, STOP

if TYPE_CHECKING:
    from models.specs.base import TrainParams
    from trainers.loop.alarms import Raised

PAUSE, GO_BACK = "pause", "go_back"
# Of several alarms at once, the one whose action leaves least to be done.
_STRONGEST = (STOP, PAUSE, GO_BACK)
# Images between two decisions. Each waits for the device, which is why jobs without actions make none.
EVERY = 1_000


class Decision(NamedTuple):
    """The alarm to act on, what to do, and the alarms that only have to be told."""

    raised: Raised
    action: str
    others: Sequence[Raised]


def actions(params: TrainParams) -> Mapping[str, str]:
    """Return what is to follow from alarms, by their codes. Jobs from before the parameter do not have it."""
    chosen = vars(vars(params).get("on_alert") or SimpleNamespace())
    return {code: str(action) for code, action in chosen.items() if action != NONE}


def due(before: int, seen: int) -> bool:
    """Return whether to decide after a step that took the images seen from ``before`` to ``seen``."""
    return seen // EVERY > before // EVERY


def decide(pending: Sequence[Raised], chosen: Mapping[str, str]) -> Decision | None:
    """Return what to do about the alarms since the last decision; None if nothing follows from them."""
    # A retry may have changed what follows since they were raised.
    able = [raised for raised in pending if raised.code in chosen]
    if not able:
        return None
    first = min(able, key=lambda raised: _STRONGEST.index(chosen[raised.code]))
    return Decision(first, chosen[first.code], [raised for raised in pending if raised is not first])
