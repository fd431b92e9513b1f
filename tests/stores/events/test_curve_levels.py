"""Long curves are read from coarser levels: the cost follows what is answered, and no peak is lost."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from models.states import Outcome
from stores.events.metrics import add_points
from stores.events.thinning import coarsen
from stores.jobs.transitions import Ending
from sweeper.housekeeping import Housekeeping
from tests.waiting import until

MILLIONS = 4_000_000
HIGH, LOW = 1_234_567, 3_000_001
CHUNKS = """
    INSERT INTO metrics (job_id, first_step, first_name, last_step, steps, values)
    SELECT :job, n * 500 + 1, 'd_loss', n * 500 + 500, ARRAY(SELECT n * 500 + i FROM generate_series(1, 500) AS i),
           json_build_object('d_loss', points)
      FROM generate_series(0, :chunks - 1) AS n,
           LATERAL (SELECT json_agg(CASE n * 500 + i WHEN :high THEN 99 WHEN :low THEN -99 ELSE i % 7 END) AS points
                      FROM generate_series(1, 500) AS i) AS chunk
"""
READ = """
    SELECT sum(idx_tup_fetch + seq_tup_read)::bigint AS rows,
           8192 * sum(heap_blks_read + heap_blks_hit + toast_blks_read + toast_blks_hit)::bigint AS bytes
      FROM pg_stat_user_tables JOIN pg_statio_user_tables USING (relid, relname)
     WHERE relname IN ('metrics', 'curve_levels')
"""
OTHERS = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
# Postgres cleans up after so many rows, and what it reads then is counted too.
VACUUM = "ALTER TABLE metrics SET (autovacuum_enabled = {0}, toast.autovacuum_enabled = {0})"
LEVELS = "SELECT level, first_step, next_step, points, series::text FROM curve_levels ORDER BY level, first_step"


@pytest.fixture
def claim(stores, new_job, worker):
    """Return the claim of a running job."""
    stores.jobs.submit(new_job())
    return stores.jobs.claim("cpu", worker, "cpu")


@pytest.fixture
def rows(stores):
    """Return a function that runs a query in a session of its own and returns the rows."""

    def rows(query, **values):
        with stores.infra.engine.connect() as connection:
            return connection.execute(text(query), values).all()

    return rows


@pytest.fixture
def write(stores, claim):
    """Return a function that writes steps as a supervisor does, 25 at a time."""

    def write(steps, value=lambda step: float(step % 7), name="d_loss"):
        with stores.infra.engine.begin() as connection:
            for begin in range(0, len(steps), 25):
                some = list(steps[begin : begin + 25])
                add_points(connection, claim.job_id, {"steps": some, "values": {name: [value(step) for step in some]}})

    return write


@pytest.fixture
def older(stores, claim):
    """Return a function that makes a curve as an older version left it, without levels."""

    def older(steps, high=HIGH, low=LOW):
        with stores.infra.engine.begin() as connection:
            connection.execute(text(CHUNKS), {"job": claim.job_id, "chunks": steps // 500, "high": high, "low": low})

    with stores.infra.engine.begin() as connection:
        connection.execute(text(VACUUM.format("false")))
    yield older
    with stores.infra.engine.begin() as connection:
        connection.execute(text(VACUUM.format("true")))


def _make_levels(stores):
    found = stores.maintenance.curves.make_levels("")
    while found.more:
        found = stores.maintenance.curves.make_levels(found.cursor)


def _read_so_far(stores):
    """Return the rows and bytes of curves that the database has read, by its own count, which sessions report late."""
    stores.infra.engine.dispose()
    with stores.infra.engine.connect() as connection:
        until(lambda: connection.scalar(text(OTHERS)) == 0, 60, "the end of the other sessions")
        connection.rollback()
        return connection.execute(text(READ)).one()


def test_few_rows_of_a_curve_of_four_million_steps_are_read(stores, claim, older):
    older(MILLIONS)
    _make_levels(stores)
    before = _read_so_far(stores)
    steps, values = stores.events.metrics.series(claim.job_id, None, 500)["d_loss"]
    after = _read_so_far(stores)
    assert 400 <= len(steps) <= 500
    assert {1, HIGH, LOW, MILLIONS} <= set(steps)
    assert (max(values), min(values)) == (99, -99)
    assert after.rows - before.rows < 100
    assert after.bytes - before.bytes < 1 << 20


def test_a_curve_without_levels_keeps_its_peaks_and_is_no_finer_at_its_end(stores, claim, older, rows):
    older(200_000, high=12_345, low=150_001)
    assert rows(LEVELS) == []
    steps, _ = stores.events.metrics.series(claim.job_id, None, 100)["d_loss"]
    assert {1, 12_345, 150_001, 200_000} <= set(steps)
    assert len(steps) <= 100
    assert sum(step > 100_000 for step in steps) in range(40, 61)


def test_the_sweeper_makes_the_same_levels_as_the_supervisor(stores, claim, write, rows):
    write(range(1, 20_001), lambda step: {777: None, 15_000: -5.0}.get(step, float(step % 91)))
    written = rows(LEVELS)
    assert {row.level for row in written} == {1, 2}
    assert sum(row.points for row in written if row.level == 1) == 779 * 25  # a chunk is never split
    with stores.infra.engine.begin() as connection:
        connection.execute(text("DELETE FROM curve_levels"))
    # In its first round each chore only gets its row.
    for _ in range(2):
        Housekeeping(stores).once()
    assert rows(LEVELS) == written
    steps, values = stores.events.metrics.series(claim.job_id, ["d_loss"], 100)["d_loss"]
    assert {777, 15_000} <= set(steps)
    assert values[steps.index(777)] is None


def test_a_reader_that_meets_a_long_curve_without_levels_lets_the_sweeper_make_them_now(stores, claim, older, rows):
    # In its first round each chore only gets its row, and in the second it finds nothing to do for an hour.
    for _ in range(2):
        Housekeeping(stores).once()
    older(100_000, high=12_345, low=50_001)
    Housekeeping(stores).once()
    assert rows(LEVELS) == []
    stores.events.metrics.series(claim.job_id, None, 100)
    Housekeeping(stores).once()
    assert max(row.next_step for row in rows(LEVELS)) > 98_000


def test_a_run_that_goes_back_takes_its_levels_along(stores, claim, write, rows):
    write(range(1, 10_001), lambda step: 99.0 if step == 9000 else 1.0)
    stores.jobs.begin_attempt(claim, 2500, "cpu")
    assert max(row.next_step for row in rows(LEVELS)) <= 2500
    write(range(2501, 10_001), lambda step: 50.0 if step == 8000 else 1.0)
    steps, values = stores.events.metrics.series(claim.job_id, None, 50)["d_loss"]
    assert (max(values), steps[values.index(50.0)], steps[0], steps[-1]) == (50.0, 8000, 1, 10_000)
    assert len(steps) == len(set(steps))


def test_a_chunk_that_comes_late_stands_in_the_levels(stores, claim, write, rows):
    write(range(1, 12_001))
    write([500], lambda _: 99.0, "accuracy")
    write(range(12_001, 20_001))
    assert stores.events.metrics.series(claim.job_id, None, 20)["accuracy"] == ([500], [99.0])
    assert rows(LEVELS)[0].first_step == 0


def test_few_points_on_many_steps_are_all_answered(stores, claim, write):
    uneven = [*range(1, 301), *range(1_000_000, 4_000_000, 30_000)]
    write(uneven)
    assert stores.events.metrics.series(claim.job_id, None, 500)["d_loss"][0] == uneven


def test_what_is_measured_once_an_epoch_is_read_by_its_name(stores, claim, write):
    for epoch in range(10):
        write(range(1 + epoch * 2000, 2001 + epoch * 2000))
        write([2000 + epoch * 2000], lambda _: 0.5, "accuracy")
    series = stores.events.metrics.series(claim.job_id, ["accuracy", "k"], 100)
    assert series == {"accuracy": (list(range(2000, 20_001, 2000)), [0.5] * 10), "k": ([], [])}


def test_levels_go_with_the_curves_that_are_too_old(stores, claim, write, rows):
    write(range(1, 3001))
    stores.jobs.finish(claim, Ending(Outcome.succeeded))
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET finished_at = now() - interval '31 days'"))
    stores.maintenance.retention.remove_old_events("", 30)
    assert rows(LEVELS) == rows("SELECT 1 FROM metrics") == []


def test_coarse_curves_keep_ends_and_extremes_of_each_bucket():
    steps = list(range(1, 41))
    values = [float(step % 10) for step in steps]
    values[25] = None
    assert coarsen(steps, values, 16) == ([1, 9, 10, 19, 26, 39, 40], [1.0, 9.0, 0.0, 9.0, None, 9.0, 0.0])
    assert coarsen([5, 7, 6], [1.0, 3.0, 2.0], 4) == ([5, 7, 6], [1.0, 3.0, 2.0])
    assert coarsen([], [], 16) == ([], [])
