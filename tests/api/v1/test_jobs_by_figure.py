"""GET /v1/jobs?sort=…"""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from sqlalchemy import event, text

from stores.container import Stores
from stores.jobs.filter import JobFilter
from stores.queries.jobs_in_order import JobOrder, Measurer
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


@pytest.mark.parametrize("owner", [None, "alice"])
@pytest.mark.parametrize("figure", ["fd_ratio", "kid"])
def test_an_index_holds_the_order(measured, stores: Stores, statements, figure, owner) -> None:
    measured(1.0, 0.5)
    order, wanted = JobOrder(figure, falling=True), JobFilter(owner=owner)
    asked = statements(lambda: stores.queries.jobs.jobs_in_order(wanted, order, 20, None))
    (plan,) = [plan for sql, plan in asked if f"ORDER BY jobs.{figure} DESC" in sql]
    assert f"ix_jobs_{'' if owner is None else 'owner_'}{figure}" in plan, plan
    assert "Sort" not in plan, plan


def test_the_extractors_of_a_list_are_named_once_each(alice: Person, measured, stores: Stores, statements) -> None:
    for extractor in (OTHER, ONE, ONE):
        measured(1.0, 0.5, extractor)
    read = stores.queries.jobs.measurers
    assert read(JobFilter(owner="alice"), "fd_ratio", 9) == [Measurer(ONE, "mnist-10k"), Measurer(OTHER, "mnist-10k")]
    assert read(JobFilter(owner="alice"), "kid", 1) == [Measurer(ONE, "mnist-10k")]
    assert read(JobFilter(owner="bob"), "fd_ratio", 9) == []
    # Each is found by a leap along an index, however many jobs it has measured.
    for sql, plan in statements(lambda: read(JobFilter(owner="alice"), "fd_ratio", 9)):
        assert "ix_jobs_owner_fd_ratio" in plan, (sql, plan)


@pytest.fixture
def statements(stores: Stores):
    """Return a function that calls another one, and returns each SELECT on jobs that it has sent, with its plan."""
    engine = stores.infra.engine

    def plans(call) -> list[tuple[str, str]]:
        sent = []

        def note(_connection, _cursor, sql, values, _context, _many) -> None:
            if sql.startswith("SELECT") and "FROM jobs" in sql:
                sent.append((sql, values))

        event.listen(engine, "before_cursor_execute", note)
        try:
            call()
        finally:
            event.remove(engine, "before_cursor_execute", note)
        with engine.begin() as connection:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            connection.exec_driver_sql("SET LOCAL enable_sort = off")
            return [
                (sql, "\n".join(connection.exec_driver_sql(f"EXPLAIN {sql}", values).scalars())) for sql, values in sent
            ]

    return plans
