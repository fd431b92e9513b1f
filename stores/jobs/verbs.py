"""What a requester may ask of a job: cancel, pause, resume; and what each does in each state of the job."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from models.messages import Reasons
from models.states import TERMINAL, Action, State
from stores.infra.errors import InvalidTransitionError

# What a requester may ask of a job in each state. A retry is another job, so it leaves the ended one as it is.
VERBS = {
    State.queued: ("cancel", "pause"),
    State.running: ("cancel", "pause"),
    State.paused: ("cancel", "resume"),
    State.succeeded: ("retry",),
    State.failed: ("retry",),
    State.canceled: ("retry",),
}


class Verb(StrEnum):
    """What can be asked of a job that is there."""

    cancel = "cancel"
    pause = "pause"
    resume = "resume"


@dataclass(frozen=True)
class Step:
    """What a verb does to a job: move it, or leave a wish beside its state (None takes the wish back)."""

    to: State | None = None
    wish: Action | None = None


def decide(verb: Verb, state: State, pending: str | None) -> Step | None:
    """Return what a verb does in a state; None when the job is there already, or on its way.

    Raises:
        InvalidTransitionError
    """
    running = state is State.running
    match verb:
        case Verb.cancel if state is State.canceled or pending == Action.cancel:
            return None
        case Verb.cancel if state not in TERMINAL:
            return Step(wish=Action.cancel) if running else Step(to=State.canceled)
        case Verb.pause if state is State.paused or pending == Action.pause:
            return None
        case Verb.pause if state is State.queued:
            return Step(to=State.paused)
        case Verb.pause if running and pending is None:
            return Step(wish=Action.pause)
        case Verb.resume if state is State.paused:
            return Step(to=State.queued)
        case Verb.resume if running and pending == Action.pause:
            return Step(wish=None)  # the pause may be under way: then the attempt ends, and the job waits again
        case Verb.resume if state is State.queued or (running and pending is None):
            return None
    allowed = VERBS[state] if pending is None else (Verb.cancel,) if pending == Action.pause else ()
    raise InvalidTransitionError(verb, state, tuple(str(other) for other in allowed), pending)


REASONS = {
    Verb.cancel: Reasons.canceled_by_request,
    Verb.pause: Reasons.paused_by_request,
    Verb.resume: Reasons.resumed_by_request,
}
