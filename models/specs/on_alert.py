"""What follows from alarms: the codes that each kind of recipe can raise, and the actions there are.

Each recipe names its own kind: a code that it cannot raise is refused, with those that it can.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from models.specs.parameter_markers import Group, Resumable

AlertAction = Literal["none", "pause", "stop", "go_back"]

# Not-a-number and memory that runs out have reactions of their own, which nothing can switch off.
_Any = Literal["gradient_norm"]
_Noise = Literal["collapse", "generator_stalled", "overfitting"]
_Odds = Literal["discriminator_too_strong", "generator_too_strong"]
_Critic = Literal["critic_reversed", "critic_unbounded"]

ON_ALERT = (
    "What follows from an alert, by its code: `pause` (with a checkpoint, until somebody resumes the job), `stop`, or "
    "`go_back` to where nothing was wrong, with other random draws (at most 3 times; checkpoints are then twice as "
    "large). Nothing follows from a code that is left out, or with `none`."
)

# More than there are codes; the API's document tells every maximum.
_MOST_CODES = Field(max_length=20)

OnAlert = Annotated[dict[_Any, AlertAction], _MOST_CODES, Group.records, Resumable.yes]
OnProbabilities = Annotated[dict[Literal[_Odds, _Noise, _Any], AlertAction], _MOST_CODES, Group.records, Resumable.yes]
OnScores = Annotated[dict[Literal[_Critic, _Noise, _Any], AlertAction], _MOST_CODES, Group.records, Resumable.yes]
OnErrors = Annotated[
    dict[Literal["balance_stuck", _Noise, _Any], AlertAction],
    _MOST_CODES,
    Group.records,
    Resumable.yes,
]
OnPatches = Annotated[
    dict[Literal["cycle_loss_rises", "collapse", "generator_stalled", _Any], AlertAction],
    _MOST_CODES,
    Group.records,
    Resumable.yes,
]
