"""How long a trainer may show no progress before it counts as stalled (docs/decisions/0037-stalls.md).

A trainer says what it does and that it gets on (`Alive`, models/wire.py). Its supervisor waits for the next such sign
for the limit of that phase.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# The phase before the first sign of a trainer: it imports torch, and reads its work.
STARTING = "starting"
# The only phase whose units, steps, are measured: the limit grows with them.
TRAINING = "training"

# Signs come once a second, so that a shorter limit would take their pauses for stalls.
SHORTEST_S = 2.0
# The limit of a phase in multiples of GANFORGE_STALL_S. A step is short, or is known to be long. What lies between two
# signs elsewhere may take minutes on a slow board: a file of a data set, a checkpoint on a memory card, a large grid.
# The import of torch, the first step, which chooses its kernels, and the comparison of all images of an evaluation with
# 50,000 real ones take even longer there.
TIMES: Mapping[str, float] = {
    STARTING: 10,
    "preparing": 5,
    "compiling": 10,
    TRAINING: 1,
    "evaluating": 10,
    "saving": 5,
    "sampling": 5,
}
# A step that takes longer than so many usual ones is none.
USUAL_STEPS = 10

# At this signal a trainer writes the stacks of all its threads into its log (trainers/__main__.py).
DUMP_SIGNAL = signal.SIGUSR1
