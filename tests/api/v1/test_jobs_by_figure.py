"""GET /v1/jobs?sort=…"""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from sqlalchemy import text

from stores.container import Stores
from tests.api.conftest import Person, Pointers

ONE, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def measured(alice: Person, stores: Stores):
    """Return a function that makes a job of alice's with figures, and returns its id."""

    def make(fd_ratio: float | None = None, kid: float | None = None, extractor: str = ONE, **changes) -> str:
        job = alice.submit(**changes)["id"]
        values = {"id": job, "fd_ratio": fd_ratio, "kid": kid, "extractor": None if fd_ratio is None else extractor}
        with stores.infra.engine.begin() as connection:
            connection.execute(
                text("UPDATE jobs SET fd_ratio = :fd_ratio, kid = :kid, extractor = :extractor WHERE id = :id"), values
            )
        return job

    return make


def listed(person: Person, **query) -> list[str]:
    """Return the ids of all pages, two on each."""
    found, cursor = [], None
    while True:
        given = {**query, "limit": 2, **({} if cursor is None else {"cursor": cursor})}
        page = person.get(f"/v1/jobs?{urlencode(given)}")
        assert page.status_code == 200, page.text
        found += [job["id"] for job in page.json["data"]]
        cursor = page.json["next_cursor"]
        if cursor is None:
            return found


def test_a_figure_orders_the_list_and_jobs_without_it_come_last_newest_first(alice: Person, measured) -> None:
    worst, old, best, new = measured(5.0, 0.1), measured(), measured(1.25, 0.3), measured()
    middle, same = measured(2.0, 0.2), measured(2.0, 0.2)
    assert listed(alice, sort="fd_ratio") == [best, middle, same, worst, new, old]
    assert listed(alice, sort="-fd_ratio") == [worst, same, middle, best, new, old]
    assert listed(alice, sort="kid") == [worst, middle, same, best, new, old]
    assert listed(alice, sort="-kid") == [best, same, middle, worst, new, old]
    assert listed(alice, sort="created_at") == [worst, old, best, new, middle, same]
    assert listed(alice, sort="-created_at") == listed(alice) == [same, middle, new, best, old, worst]


def test_figures_of_two_extractors_are_not_laid_side_by_side(alice: Person, bob: Person, measured) -> None:
    one, other = measured(1.0, 0.1), measured(2.0, 0.2, OTHER, recipe="dcgan")
    refused = alice.get("/v1/jobs?sort=fd_ratio")
    assert (refused.status_code, refused.json["code"]) == (409, "conflict")
    assert ONE in refused.json["detail"]
    assert "extractor=" in refused.json["detail"]
    assert listed(alice, sort="fd_ratio", extractor=ONE) == [one]
    assert listed(alice, sort="fd_ratio", recipe="dcgan") == [other]
    # An owner's list knows nothing of others' extractors.
    assert listed(bob, sort="fd_ratio") == []
    assert listed(alice) == [other, one]


def test_a_list_is_narrowed_to_a_data_set_by_its_name_or_id(alice: Person, measured) -> None:
    job = measured()
    dataset = alice.get("/v1/datasets/mnist-10k").json["id"]
    assert listed(alice, dataset="mnist-10k") == listed(alice, dataset=dataset) == [job]
    assert listed(alice, dataset="other") == []


def test_a_cursor_of_one_order_is_none_of_another(alice: Person, measured, pointers: Pointers) -> None:
    for _ in range(3):
        measured(1.0)
    cursor = alice.get("/v1/jobs?limit=1&sort=fd_ratio").json["next_cursor"]
    assert "/query/cursor" in pointers(alice.get(f"/v1/jobs?limit=1&sort=-fd_ratio&cursor={cursor}"))


@pytest.mark.parametrize("query", ["sort=loss", "sort=", "extractor=abc", "sort=kid&sort=kid"])
def test_a_wrong_order_is_named(alice: Person, query: str) -> None:
    assert alice.get(f"/v1/jobs?{query}").status_code == 422


def test_an_index_holds_the_order(alice: Person, measured, stores: Stores) -> None:
    measured(1.0, 0.5)
    with stores.infra.engine.connect() as connection:
        connection.execute(text("SET enable_seqscan = off"))
        connection.execute(text("SET enable_sort = off"))
        for figure in ("fd_ratio", "kid"):
            for owner in ("", "owner = 'alice' AND "):
                plan = "\n".join(
                    connection.scalars(
                        text(
                            f"EXPLAIN SELECT * FROM jobs WHERE {owner} extractor = '{ONE}' AND {figure} IS NOT NULL "
                            f"ORDER BY {figure} DESC, id DESC LIMIT 20"
                        )
                    )
                )
                assert f"ix_jobs_{'owner_' if owner else ''}{figure}" in plan
