"""What the page of a job makes of events and grids before it shows them."""

from __future__ import annotations

from api.dashboard import job as page_of_job
from api.dashboard.timeline import alarms, tell


def test_the_story_is_told_by_attempts_and_checkpoints_in_a_row_are_one_line():
    def event(seq: int, attempt: int, kind: str, **data: object) -> dict[str, object]:
        return {"seq": seq, "attempt": attempt, "type": kind, "data": data}

    events = [
        event(9, 2, "state", to="succeeded"),
        event(8, 2, "checkpoint", step=400),
        event(7, 2, "checkpoint", step=300),
        event(6, 2, "state", to="running"),
        event(5, 1, "state", to="queued"),
        event(4, 1, "checkpoint", step=200),
        event(3, 1, "log", message="hello"),
        event(1, 0, "state", to="queued"),
    ]
    story = tell(events, [{"number": 1}, {"number": 2}, {"number": 3}], whole=True)
    assert [(chapter.number, [(line.event["seq"], line.count) for line in chapter.lines]) for chapter in story] == [
        (3, []),
        (2, [(9, 1), (8, 2)]),
        (1, [(5, 1), (4, 1), (3, 1)]),
        (0, [(1, 1)]),
    ]
    assert [chapter.number for chapter in tell(events[:1], [{"number": 1}, {"number": 2}], whole=False)] == [2]


def test_alerts_of_a_code_count_together_and_the_newest_speaks():
    def alert(seq: int, code: str) -> dict[str, object]:
        return {"seq": seq, "data": {"code": code}}

    found = alarms([alert(3, "collapse"), alert(2, "gradient_norm"), alert(1, "collapse")])
    assert {code: (alarm.event["seq"], alarm.count) for code, alarm in found.items()} == {
        "collapse": (3, 2),
        "gradient_norm": (2, 1),
    }


def test_a_slider_has_no_more_stops_than_a_hand_can_find_and_keeps_both_ends():
    grids = [{"id": str(n), "step": n} for n in range(3500)]
    stops = page_of_job.stops(grids)
    assert len(stops) == page_of_job.STOPS
    assert (stops[0]["step"], stops[-1]["step"]) == (0, 3499)
    again = page_of_job.stops([{"id": "a", "step": 5}, {"id": "b", "step": 9}, {"id": "c", "step": 5}])
    assert [grid["id"] for grid in again] == ["c", "b"]
