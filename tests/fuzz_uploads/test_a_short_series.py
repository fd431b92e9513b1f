"""A short share of `make fuzz-uploads`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz_uploads.series import series, summary

_S = 20


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_mutated_uploads_keep_a_packer_in_its_limits_and_leave_nothing(tmp_path: Path):
    told: list[str] = []
    results = series(tmp_path, 1, _S, told.append)
    assert told == []
    kinds = {result.case.kind.partition(":")[0] for result in results}
    assert kinds >= {"pictures", "archive", "inside", "standing", "innocent"}, summary(results)
    # Both are met: what is refused, and what is packed.
    assert {result.outcome.partition(":")[0] for result in results} >= {"done", "refused"}, summary(results)
