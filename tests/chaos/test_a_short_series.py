"""Twenty faults against the real stack, and the invariants after each job. The long series is `make chaos`."""

from __future__ import annotations

import pytest

from tests.chaos import report, series

FAULTS = 20


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_twenty_faults_leave_no_trace(tmp_path):
    told: list[str] = []
    results = list(series.run(tmp_path, seed=4, count=FAULTS, say=told.append))
    assert [line for result in results for line in result.violations] == [], report.table(results)
    done = [injury for result in results for injury in result.injuries if injury.done]
    assert len(done) >= FAULTS, told
    assert all(injury.recovery is not None for injury in done), told
