"""How long a change of tables waits for a table that is in use.

A statement that waits for a table makes the requests behind it wait too. So the tries are few and short, and requests
have time between two of them. All together take about a minute.
"""

from __future__ import annotations

LOCK_TIMEOUT = "5s"
TRIES = 9
PAUSE_S = 2.0
