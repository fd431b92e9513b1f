"""Objects whose rows were deleted go, whatever happens in between."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from stores.accounts.audit import Local
from stores.infra.errors import BlobError
from stores.infra.settings import Settings
from stores.maintenance import doomed_objects
from tests.stores.maintenance.test_orphans import put_dataset


def doomed(stores) -> dict[str, int]:
    """Return the outbox: bytes by key."""
    with stores.infra.engine.connect() as connection:
        rows = connection.execute(text("SELECT object_key, bytes FROM doomed_objects ORDER BY object_key"))
        return {row.object_key: row.bytes for row in rows}


def test_retention_notes_the_objects_of_the_rows_that_it_deletes(leaver, stores):
    claim = leaver.running()
    files = [leaver.file(claim, kind) for kind in ("checkpoint", "grid")]
    leaver.end(claim, days_ago=31)

    stores.maintenance.retention.remove_old_artifacts(30)

    assert doomed(stores) == {file.object_key: file.bytes for file in files}
    assert leaver.objects_now() == {file.object_key for file in files}
    found = stores.maintenance.doomed_objects.remove("")
    assert (found.done, found.bytes, found.more) == (2, sum(file.bytes for file in files), False)
    assert (doomed(stores), leaver.objects_now()) == ({}, set())


def test_pruned_checkpoints_and_replaced_files_are_noted(leaver, stores):
    first = leaver.running()
    pruned, _ = leaver.file(first), leaver.file(first)
    stores.jobs.prune_checkpoints(first, keep=1)
    assert list(doomed(stores)) == [pruned.object_key]
    assert pruned.object_key not in leaver.objects()


def test_a_deleted_data_set_leaves_no_object(leaver, stores, tmp_path):
    made = put_dataset(stores, tmp_path, kept=True)
    stores.datasets.uploads.delete(made, Local("alice"))
    assert set(doomed(stores)) == set(stores.datasets.uploads.keys(made))
    assert leaver.objects() == set()


def test_a_transaction_that_is_rolled_back_dooms_nothing(leaver, stores, monkeypatch):
    claim = leaver.running()
    file = leaver.file(claim)
    leaver.end(claim, days_ago=31)
    with monkeypatch.context() as broken:
        broken.setattr("stores.infra.doomed.insert", None)
        with pytest.raises(TypeError):
            stores.maintenance.retention.remove_old_artifacts(30)
    assert leaver.rows(claim.job_id) == [file.id]
    assert doomed(stores) == {}


def test_objects_wait_while_the_store_is_away_and_go_when_it_is_back(leaver, stores):
    claim = leaver.running()
    file = leaver.file(claim)
    leaver.end(claim, days_ago=31)
    stores.maintenance.retention.remove_old_artifacts(30)
    away = doomed_objects.DoomedObjects(
        stores.infra.engine, type(stores.infra.blobs)(Settings(s3_url="http://127.0.0.1:9"))
    )

    with pytest.raises(BlobError):
        away.remove("")

    assert doomed(stores) == {file.object_key: file.bytes}
    assert leaver.objects() == set()
    assert doomed(stores) == {}


def test_removals_go_on_page_by_page_and_a_missing_object_is_no_error(leaver, stores, monkeypatch):
    monkeypatch.setattr(doomed_objects, "MOST_AT_ONCE", 2)
    with stores.infra.engine.begin() as connection:
        connection.execute(text("INSERT INTO doomed_objects SELECT 'jobs/job_' || n, 5 FROM generate_series(1, 5) n"))
    cursor, rounds, done = "", 0, 0
    while rounds == 0 or cursor:
        found = stores.maintenance.doomed_objects.remove(cursor)
        cursor, rounds, done = found.cursor, rounds + 1, done + found.done
    assert (rounds, done, doomed(stores)) == (3, 5, {})
