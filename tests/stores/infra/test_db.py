"""The service's connections to Postgres."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from stores.infra.db import make_engine
from stores.infra.settings import Settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PGSSLMODE", "require"),
        ("PGSERVICE", "elsewhere"),
        ("PGHOSTADDR", "192.0.2.1"),
        ("PGTZ", "nowhere"),
        ("PGCLIENTENCODING", "nonsense"),
        ("PGTARGETSESSIONATTRS", "standby"),
    ],
)
def test_an_engine_ignores_variables_for_another_database(
    name: str, value: str, service_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting, given in {**service_environment, name: value}.items():
        monkeypatch.setenv(setting, given)
    engine = make_engine(Settings())
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    engine.dispose()
