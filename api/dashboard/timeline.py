"""The timeline of a job by attempts, newest first; a row of checkpoints is one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Event = Mapping[str, Any]


@dataclass
class Line:
    """One event, or several equal ones in a row."""

    event: Event  # the newest of them
    count: int = 1


@dataclass
class Chapter:
    """One attempt and its events. Events before the first attempt have no attempt."""

    number: int
    attempt: Mapping[str, Any] | None
    lines: list[Line] = field(default_factory=list)

    @property
    def seconds(self) -> float | None:
        """The duration of the attempt, if it has ended."""
        if self.attempt is None or not self.attempt.get("ended_at"):
            return None
        start, end = (datetime.fromisoformat(self.attempt[name]) for name in ("started_at", "ended_at"))
        return (end - start).total_seconds()


def tell(events: Iterable[Event], attempts: Sequence[Mapping[str, Any]], *, whole: bool) -> list[Chapter]:
    """Return the chapters of these events, which come newest first. `whole`: include attempts without events."""
    known = {attempt["number"]: attempt for attempt in attempts}
    chapters = {number: Chapter(number, attempt) for number, attempt in known.items() if whole}
    for event in events:
        number = event["attempt"]
        chapter = chapters.setdefault(number, Chapter(number, known.get(number)))
        _add(chapter.lines, event)
    return sorted(chapters.values(), key=lambda chapter: -chapter.number)


def _add(lines: list[Line], event: Event) -> None:
    last = lines[-1] if lines else None
    if event["type"] == "checkpoint" and last is not None and last.event["type"] == "checkpoint":
        last.count += 1
    elif not (event["type"] == "state" and event["data"].get("to") == "running"):  # the attempt shows it
        lines.append(Line(event))


@dataclass
class Alarm:
    """One alert code: the number of its events, and the newest one."""

    event: Event
    count: int = 1


def alarms(events: Iterable[Event]) -> dict[str, Alarm]:
    """Return the alerts by code; the events come newest first."""
    found: dict[str, Alarm] = {}
    for event in events:
        code = str(event["data"].get("code"))
        if code in found:
            found[code].count += 1
        else:
            found[code] = Alarm(event)
    return found


def epochs_done(epochs: Sequence[Event]) -> int:
    """Return how many epochs have ended, from what they tell, first to last."""
    return int(epochs[-1].get("epoch", 0)) if epochs else 0
