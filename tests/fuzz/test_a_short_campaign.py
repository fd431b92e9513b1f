"""A few hundred generated requests against a running service. The long campaign is `make fuzz`."""

from __future__ import annotations

import pytest

from ganforge.stack.services import Services
from tests.database import Database
from tests.fuzz import campaign
from tests.fuzz.target import running_target

CASES = 600


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_no_generated_request_crashes_the_service_or_gets_an_undocumented_answer(
    services: Services, _database: Database, tmp_path
) -> None:
    told: list[str] = []
    with running_target(services, tmp_path, database=_database.another("fuzz")) as target:
        result = campaign.run(target, CASES, seed=12, say=told.append)
    assert result.faults == {}, result.summary()
    assert sum(result.cases.values()) > CASES / 2, result.summary()
    assert set(result.cases) == set(campaign.SHARES)
