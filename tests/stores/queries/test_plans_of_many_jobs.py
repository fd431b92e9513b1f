"""Lists, orders and searches of 100,000 jobs go along an index, whoever asks, and read little where much is found.

The table is filled once for this module, without its indexes, which are built afterwards.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Engine, create_engine, event, select, text

from ganforge.stack.services import Services
from models.rows import Job
from stores.jobs.filter import JobFilter
from stores.jobs.query.conditions import conditions
from stores.jobs.query.fields import FIELDS
from stores.queries.job_list import JobList
from stores.queries.jobs_in_order import ORDERS, JobOrder, jobs_in_order
from tests.database import Database

# Filling takes a quarter of a minute.
pytestmark = pytest.mark.slow

NAME = "ganforge_many"
JOBS = 100_000
OWNERS = 200
# What a page counts of each state at most.
COUNTED = 1000
# A page of a list, and one more to see if there is another.
PAGE = 21
DATASET = "ds_01980000-0000-7000-8000-000000000000"
EXTRACTOR = "a" * 64
# Jobs of 200 owners, the first of whom has a tenth of all. Words, labels and projects are rare; most jobs have ended.
FILL = f"""
INSERT INTO jobs (id, owner, kind, recipe, dataset, dataset_id, params, seed, queue, priority, name, labels, notes,
                  project, starred, max_attempts, state, created_at, started_at, finished_at, ran, error_code, fd_ratio,
                  kid, extractor, last_metrics)
SELECT 'job_' || gen_random_uuid(), CASE WHEN n % 10 = 0 THEN 'owner0' ELSE 'owner' || n % {OWNERS} END,
       CASE WHEN n % 7 = 0 THEN 'evaluate' ELSE 'train' END, CASE WHEN n % 3 = 0 THEN 'wgan' ELSE 'dcgan' END,
       'mnist', '{DATASET}', jsonb_build_object('batch_size', n % 500, 'exact', n % 2 = 0), n, 'cpu', n % 100,
       CASE WHEN n % 50 > 0 THEN 'run ' || md5(n::text) END, jsonb_build_object('team', n % 50),
       CASE WHEN n % 10 = 0 THEN md5(n::text || 'x') END, CASE WHEN n % 2 = 0 THEN 'project' || n % 200 END,
       n % 500 = 0, 3, CASE WHEN n % 20 = 0 THEN 'failed' WHEN n <= 50 THEN 'queued' ELSE 'succeeded' END,
       now() - n * interval '1 min', CASE WHEN n > 50 OR n % 20 = 0 THEN now() - n * interval '1 min' END,
       CASE WHEN n > 50 OR n % 20 = 0 THEN now() - n * interval '59 s' END,
       CASE WHEN n > 50 OR n % 20 = 0 THEN n * interval '1 s' END,
       CASE WHEN n % 20 = 0 THEN CASE WHEN n % 40 = 0 THEN 'out_of_memory' ELSE 'diverged' END END,
       CASE WHEN n % 4 = 0 THEN n % 1000 / 100.0 END, CASE WHEN n % 4 = 0 THEN n % 900 / 1000.0 END,
       CASE WHEN n % 4 = 0 THEN '{EXTRACTOR}' END, jsonb_build_object('g_loss', n % 97)
  FROM generate_series(1, {JOBS}) AS n
"""


def _fill(connection: psycopg.Connection) -> None:
    indexes = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'jobs' AND indexname LIKE 'ix%'"
    made = connection.execute(indexes).fetchall()
    with connection.transaction():
        # No foreign keys are checked.
        connection.execute("SET LOCAL session_replication_role = replica")
        for name, _ in made:
            connection.execute(f"DROP INDEX {name}".encode())
        connection.execute(FILL.encode())
        for _, definition in made:
            connection.execute(definition.encode())
    connection.execute("VACUUM ANALYZE jobs")


@pytest.fixture(scope="module")
def many(_database: Database, services: Services) -> Iterator[Engine]:
    """Return an engine over a database with many jobs and statistics of them."""
    url = _database.another(NAME)
    with psycopg.connect(services.admin_dsn_for(NAME), autocommit=True) as connection:
        _fill(connection)
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    yield engine
    engine.dispose()


def _run(connection: Connection, sql: str, values: Any) -> tuple[int, list[str], str]:
    """Run a statement. Returns how many pages of 8 kB it read, the indexes that it used, and its plan."""
    explain = "EXPLAIN (ANALYZE, BUFFERS, TIMING off, FORMAT json)"
    ((found,),) = connection.exec_driver_sql(f"{explain} {sql}", values).all()
    plan = json.dumps(found[0]["Plan"])
    read = found[0]["Plan"]["Shared Hit Blocks"] + found[0]["Plan"]["Shared Read Blocks"]
    return read, re.findall(r'"Index Name": "([^"]+)"', plan), plan


def _newest(connection: Connection, wanted: JobFilter) -> tuple[int, list[str], str]:
    query = wanted.apply(select(*Job.__table__.columns)).order_by(Job.created_at.desc(), Job.id.desc()).limit(PAGE)
    compiled = query.compile(connection.engine, compile_kwargs={"render_postcompile": True})
    return _run(connection, str(compiled), compiled.params)


def _size(connection: Connection) -> int:
    """Return the pages of the table."""
    return int(connection.scalar(text("SELECT relpages FROM pg_class WHERE relname = 'jobs'")) or 0)


# A search of each field that finds much: a page of it is full soon.
MUCH = (
    *("run", "-run", "name:run", "state:failed", "kind:train", "recipe:dcgan", "-preset:small", "dataset:mnist"),
    *("queue:cpu", "-project:project4", "label:team", "error:out_of_memory", "-is:starred", "params.batch_size>=64"),
    *("params.exact:true", "best.fd_ratio<3", "best.kid>0.1", "last.g_loss>50", "seed>5", "priority>50", "attempt<1"),
    *("duration<3600", "created<2100-01-01", "started<2100-01-01", "finished>2020-01-01", "-owner:bob"),
    *("-id:job_0198", "-parent:job_0198"),
)
# Searches that an index finds, however little there is.
INDEXED = {"project:project4": "project", "is:starred": "starred", "parent:job_0198": "parent"}


def test_searches_of_every_field_that_find_much_read_little(many: Engine) -> None:
    fields = {re.split("[:.<>]", query.removeprefix("-"))[0] for query in MUCH}
    assert set(FIELDS) <= fields
    wrong = []
    with many.connect() as connection:
        size = _size(connection)
        for owner in (None, "owner0", "owner3"):
            for query in MUCH:
                read, _, plan = _newest(connection, JobFilter(owner=owner, conditions=conditions(query)))
                if read > size / 5 or "Seq Scan" in plan:
                    wrong.append((owner, query, read, size))
    assert wrong == []


def test_searches_for_what_is_rare_go_along_an_index(many: Engine) -> None:
    with many.connect() as connection:
        job = connection.execute(select(Job.id, Job.name).where(Job.name.is_not(None)).limit(1)).one()
        words = {job.name[-8:]: "ix_jobs_texts", job.id[-6:]: "ix_jobs_id_from_its_end"}
        for query, index in {**words, **INDEXED}.items():
            for owner in (None, "owner0"):
                _, indexes, plan = _newest(connection, JobFilter(owner=owner, conditions=conditions(query)))
                assert "Seq Scan" not in plan, (query, plan)
                assert any(index in one for one in indexes) or "owner" in " ".join(indexes), (query, plan)


def test_filters_of_a_list_read_little(many: Engine) -> None:
    filters: list[dict[str, Any]] = [
        *({name: value} for name, value in (("states", ["failed"]), ("states", ["queued"]), ("states", ["running"]))),
        *({name: value} for name, value in (("kinds", ["evaluate"]), ("recipes", ["wgan"]), ("queues", ["cpu"]))),
        *({name: value} for name, value in (("datasets", ["mnist"]), ("extractors", [EXTRACTOR]))),
        *({name: value} for name, value in (("projects", ["project4"]), ("starred", True), ("starred", False))),
        *({name: value} for name, value in (("parents", ["job_x"]), ("trashed", True), ("trashed", None))),
    ]
    wrong = []
    with many.connect() as connection:
        size = _size(connection)
        for owner in (None, "owner0", "owner3"):
            for wanted in filters:
                read, _, plan = _newest(connection, JobFilter(owner=owner, **wanted))
                if read > size / 5 or "Seq Scan" in plan:
                    wrong.append((owner, wanted, read, size))
    assert wrong == []


@pytest.fixture
def sent(many: Engine) -> Iterator[list[tuple[str, Any]]]:
    """Return the statements that are sent, with their values."""
    found: list[tuple[str, Any]] = []

    def note(_c: Any, _k: Any, sql: str, values: Any, _x: Any, _m: Any) -> None:
        found.append((sql, values))

    event.listen(many, "before_cursor_execute", note)
    yield found
    event.remove(many, "before_cursor_execute", note)


def test_jobs_of_each_state_are_counted_without_reading_many(many: Engine, sent: list[tuple[str, Any]]) -> None:
    with many.connect() as connection:
        size = _size(connection)
        for owner in (None, "owner0", "owner3"):
            sent.clear()
            JobList(many).by_state(JobFilter(owner=owner), COUNTED + 1)
            ((sql, values),) = sent
            read, indexes, plan = _run(connection, sql, values)
            assert read < size / 50, (owner, read, size, plan)
            assert set(indexes) <= {"ix_jobs_state", "ix_jobs_owner_state", "ix_jobs_owner_queued", "ix_jobs_running"}


def test_every_order_goes_along_its_index(many: Engine, sent: list[tuple[str, Any]]) -> None:
    with many.connect() as connection:
        size = _size(connection)
        for owner in (None, "owner0"):
            for name in ORDERS:
                for falling in (False, True):
                    sent.clear()
                    jobs_in_order(connection, JobFilter(owner=owner), JobOrder(name, falling), PAGE, None)
                    for sql, values in tuple(sent):
                        read, indexes, plan = _run(connection, sql, values)
                        assert read < size / 20, (name, owner, read, plan)
                        if "ORDER BY" in sql:
                            # An owner of a tenth of all jobs is soon met along the index of all.
                            rest = {"duration": "ran"}.get(name, name.removesuffix("_at"))
                            assert indexes[0] in (f"ix_jobs_{rest}", f"ix_jobs_owner_{rest}"), (name, owner, plan)
                            assert "Sort" not in plan, (name, owner, plan)
