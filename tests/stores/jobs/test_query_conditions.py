"""A search finds the jobs that it describes, through an index."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Select, select, text

from models.rows import Job
from models.states import EventType
from stores.jobs.filter import JobFilter
from stores.jobs.query.conditions import conditions
from stores.jobs.query.grammar import QueryError
from stores.queries.jobs_in_order import ORDERS, JobOrder, JobPlace, jobs_in_order
from tests.stores.jobs.test_query_grammar import QUERIES

FINISH = text(
    "UPDATE jobs SET state = 'failed', error_code = 'out_of_memory', started_at = created_at, "
    "finished_at = created_at + interval '1 day', ran = interval '1 h' WHERE id = :id"
)


@pytest.fixture
def found(stores):
    """Return a function that returns the names of the jobs that a query finds, sorted."""

    def names(query: str) -> str:
        asked = JobFilter(conditions=conditions(query)).apply(select(Job.name)).order_by(Job.name)
        with stores.infra.engine.connect() as connection:
            return " ".join(connection.scalars(asked))

    return names


@pytest.fixture
def jobs(stores, new_job):
    """Return the ids of five jobs by their names."""
    ids = {}

    def make(name, notes=None, starred=False, **columns):
        ids[name] = stores.jobs.submit(new_job(name=name, **columns))[0]["id"]
        with stores.infra.engine.begin() as connection:
            values = {"id": ids[name], "notes": notes, "starred": starred}
            connection.execute(text("UPDATE jobs SET notes = :notes, starred = :starred WHERE id = :id"), values)

    make("Alpha", notes="first try, 50% noise", params={"batch_size": 64, "learning_rate": 0.1, "exact": True})
    make("beta", labels={"team": "a"}, project="digits", params={"batch_size": 128, "monitor": None}, starred=True)
    make("gamma_ray", labels={"team": "b", 'odd "key\\': "x{y"}, project="digits", params={"monitor": "fd_ratio"})
    make("delta", owner="bob", kind="train", recipe="dcgan", notes="數字很清楚", params={"batch_size": "64"})
    make("epsilon", priority=5, seed=7, params={"on_alert": {"collapse": "pause"}})
    with stores.infra.engine.begin() as connection:
        connection.execute(FINISH, {"id": ids["delta"]})
        connection.execute(text("UPDATE jobs SET fd_ratio = 2.5, extractor = 'e' WHERE name = 'beta'"))
        last = "UPDATE jobs SET last_metrics = '{\"g_loss\": 0.5, \"d_loss\": null}' WHERE name = 'Alpha'"
        connection.exec_driver_sql(last.replace("%", "%%"))
    return ids


def test_queries_find_what_they_describe(found, jobs) -> None:
    for query, names in {
        "alph": "Alpha",
        "ALPHA": "Alpha",
        "NOISE try": "Alpha",
        "noise beta": "",
        "50%": "Alpha",
        "a_r": "gamma_ray",
        "數字很": "delta",
        "team": "beta gamma_ray",
        "key\\": "gamma_ray",
        '"odd \\"key\\\\"': "gamma_ray",
        "x{y": "gamma_ray",
        "{": "gamma_ray",
        '"a\\", \\"team"': "",
        "-team -noise": "delta epsilon",
        "params.batch_size>=64": "Alpha beta",
        "params.batch_size:64": "Alpha delta",
        "params.batch_size=64,128": "Alpha beta delta",
        "params.learning_rate<0.2": "Alpha",
        "params.learning_rate:.1": "Alpha",
        "params.exact:true": "Alpha",
        "params.monitor:null": "beta",
        "params.monitor:fd_ratio": "gamma_ray",
        "params.on_alert.collapse:pause": "epsilon",
        "-params.batch_size>=64": "delta epsilon gamma_ray",
        "last.g_loss<1": "Alpha",
        "last.g_loss<0.5": "",
        "last.d_loss<1": "",
        "best.fd_ratio<3": "beta",
        "best.fd_ratio=2.5": "beta",
        "-best.fd_ratio<3": "Alpha delta epsilon gamma_ray",
        "recipe:dcgan": "delta",
        "-recipe:dcgan,mlp_gan": "",
        "dataset:mnist-10k team": "beta gamma_ray",
        "project:digits": "beta gamma_ray",
        "-project:digits": "Alpha delta epsilon",
        "error:out_of_memory": "delta",
        "state:failed,running": "delta",
        "kind:sample": "",
        "queue:cpu owner:bob": "delta",
        "label:team=a": "beta",
        "label:team": "beta gamma_ray",
        "label:team=a,team=b": "beta gamma_ray",
        "is:starred": "beta",
        "-is:starred name:a_r": "gamma_ray",
        "priority>0": "epsilon",
        "seed:7 attempt:0": "epsilon",
        "duration>=3600": "delta",
        "duration>3600": "",
        "finished>2020-01-01": "delta",
        "created<2020-01-01T00:00:00Z": "",
    }.items():
        assert found(query) == names, query


def test_a_job_is_found_by_the_begin_and_the_end_of_its_id(found, jobs) -> None:
    job = jobs["beta"]
    for query in (
        job,
        job[-6:],
        job[-6:].upper(),
        job.removeprefix("job_"),
        f"id:{job}",
        f"id:{job},x",
        f"id:{job[-6:]}",
    ):
        assert found(query) == "beta", query
    assert "beta" in found(job[:12])
    # Few digits are the end of many ids.
    assert found(job[-3:]) == ""


def test_a_day_is_all_of_it(stores, new_job, found) -> None:
    job = stores.jobs.submit(new_job(name="one"))[0]["id"]
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET created_at = '2026-01-31T23:59:59Z' WHERE id = :id"), {"id": job})
    hits = ("created:2026-01-31", "created>=2026-01-31", "created<=2026-01-31", "created>2026-01-30")
    misses = ("created>2026-01-31", "created<2026-01-31", "created:2026-02-01", "created<=2026-01-30")
    assert [query for query in (*hits, *misses) if found(query)] == list(hits)
    assert found("created:2026-02-01T00:59:59+01:00") == "one"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(QUERIES)
def test_whatever_is_read_can_be_asked(found, query) -> None:
    try:
        conditions(query)
    except QueryError:
        return
    found(query)


def test_the_latest_value_of_each_metric_is_kept_with_the_job(stores, new_job, worker, found) -> None:
    stores.jobs.submit(new_job(name="one"))
    claim = stores.jobs.claim("cpu", worker, "cpu")
    for steps, values in (([1, 2], {"g_loss": [3.0, 2.0], "d_loss": [1.0, None]}), ([3], {"g_loss": [0.5]})):
        data = {"epoch": 1, "steps": steps, "values": values}
        stores.jobs.progress(claim, [(EventType.metric, data), (EventType.log, {"level": "info", "message": "x"})])
    assert stores.queries.jobs.job(claim.job_id, None)["last_metrics"] == {"g_loss": 0.5, "d_loss": None}
    assert found("last.g_loss<1") == "one"
    assert found("last.g_loss>=2") == ""


MANY = 20_000
# Jobs of 200 owners. Few words and projects are rare; most jobs have ended.
FILL = f"""
INSERT INTO jobs (id, owner, kind, recipe, dataset_id, params, seed, queue, priority, name, labels, notes, project,
                  starred, max_attempts, state, created_at, started_at, finished_at, error_code)
SELECT 'job_' || gen_random_uuid(), 'owner' || n % 200, 'train', 'dcgan',
       (SELECT id FROM datasets LIMIT 1), jsonb_build_object('batch_size', n % 500), n, 'cpu', n % 100,
       'run ' || md5(n::text), jsonb_build_object('team', n % 50), CASE WHEN n % 10 = 0 THEN md5(n::text || 'x') END,
       CASE WHEN n % 2 = 0 THEN 'project' || n % 200 END, n % 500 = 0, 3, 'succeeded',
       now() - n * interval '1 min', now() - n * interval '1 min', now() - n * interval '59 s', NULL
  FROM generate_series(1, {MANY}) AS n
"""


@pytest.fixture
def many(stores):
    """Fill the table of jobs, and gather statistics."""
    with stores.infra.engine.begin() as connection:
        connection.exec_driver_sql(FILL.replace("%", "%%"))
    with stores.infra.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql("VACUUM ANALYZE jobs")


def _plan(connection, query: Select) -> str:
    compiled = query.compile(connection.engine)
    return "\n".join(connection.exec_driver_sql(f"EXPLAIN {compiled}", compiled.params).scalars())


def test_indexes_hold_searches_and_orders(stores, many) -> None:
    with stores.infra.engine.connect() as connection:
        jobs = list(connection.execute(text("SELECT id, name FROM jobs LIMIT 2")))
        newest = select(Job.id).order_by(Job.created_at.desc(), Job.id.desc()).limit(21)
        for owner in (None, "owner3"):
            for query, index in {
                jobs[0].name[-8:]: "ix_jobs_texts",
                jobs[0].id[-6:]: "ix_jobs_id_from_its_end",
                "project:project4": "_project",
                "run": "created",
            }.items():
                plan = _plan(connection, JobFilter(owner=owner, conditions=conditions(query)).apply(newest))
                assert index in plan, (query, plan)
                assert "Seq Scan" not in plan, (query, plan)
        starred = JobFilter(owner="owner0", starred=True).apply(newest)
        assert "ix_jobs_starred" in _plan(connection, starred)
        # An owner's few jobs are sorted as quickly as an index is walked.
        connection.execute(text("SET LOCAL enable_sort = off"))
        for name, index in {
            "finished_at": "finished",
            "name": "name",
            "priority": "priority",
            "duration": "ran",
        }.items():
            column = ORDERS[name]
            for owner in (None, "owner3"):
                query = JobFilter(owner=owner).apply(select(Job.id)).order_by(column.values.desc(), Job.id.desc())
                plan = _plan(connection, (query if column.present is None else query.where(column.present)).limit(21))
                begin = "ix_jobs_owner_" if owner else "ix_jobs_"
                assert f"{begin}{index}" in plan, plan
                assert "Sort" not in plan, plan


def test_pages_in_an_order_show_every_job_once(stores, new_job) -> None:
    names = ["b", "B", None, "a", "A", "ä", ""]
    ids = [stores.jobs.submit(new_job(name=name, priority=n % 3))[0]["id"] for n, name in enumerate(names)]
    with stores.infra.engine.begin() as connection:
        for job in ids[:4]:
            connection.execute(FINISH, {"id": job})
    with stores.infra.engine.connect() as connection:
        for name in ORDERS:
            for falling in (False, True):
                seen, after = [], None
                while rows := jobs_in_order(connection, JobFilter(), JobOrder(name, falling), 2, after):
                    seen += [row["id"] for row in rows]
                    last = rows[-1]
                    value = last["ran" if name == "duration" else name]
                    after = JobPlace(value, last["created_at"], last["id"])
                assert sorted(seen) == sorted(ids), (name, falling)
        rows = jobs_in_order(connection, JobFilter(), JobOrder("name", falling=False), 10, None)
        assert [row["name"] for row in rows] == ["", "a", "A", "b", "B", "ä", None]
