"""Some seconds without a receiver. Half an hour of it is `python -m tests.away`."""

from __future__ import annotations

import pytest

from tests.away import outage


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_each_event_arrives_once_and_in_order_after_an_outage_in_which_everything_was_killed(tmp_path):
    said: list[str] = []
    found = outage.run(tmp_path, 20, said.append)
    assert found.faults == [], f"{said}\n{found.table()}"
    assert {one.type for one in found.told} == {"job.succeeded", "job.paused", "job.canceled"}
    assert any(one.made_s < 10 for one in found.told)


@pytest.mark.parametrize(("away_s", "wait_s"), [(20, 30), (1800, 720), (3600, 1800), (36_000, 21_600)])
def test_how_late_the_first_message_may_be_depends_on_how_long_nobody_was_there(away_s, wait_s):
    assert outage.longest_delay_s(away_s) == 1.2 * wait_s + outage.REST_S
