"""Objects without rows, and rows without objects."""

from __future__ import annotations

import structlog
from sqlalchemy import text

from models.ids import new_id
from models.states import Outcome
from stores.accounts.audit import Local
from stores.jobs.transitions import Ending
from stores.maintenance import orphans


def walk(stores, age_s: float) -> tuple[int, int]:
    """Compare all objects with the rows once; return how many were removed and their bytes."""
    done, size, cursor = 0, 0, ""
    while True:
        found = stores.maintenance.orphans.remove_objects(cursor, age_s)
        done, size, cursor = done + found.done, size + found.bytes, found.cursor
        if not found.more:
            return done, size


def put_dataset(stores, folder, kept: bool) -> str:
    """Store the two objects of a data set, with or without its row; return its id."""
    made = new_id("ds")
    path = folder / "object"
    path.write_bytes(b"12345")
    for key in stores.datasets.uploads.keys(made):
        stores.infra.blobs.put(key, path, "application/octet-stream")
    if kept:
        packed, preview = stores.datasets.uploads.keys(made)
        row = {"id": made, "packed": packed, "preview": preview}
        with stores.infra.engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO datasets (id, name, owner, source, layout, images, shape, classes, bytes, state,"
                    " parts, object_key, preview_key) VALUES (:id, :id, 'alice', 'uploaded', 'packed', 1, '{1,8,8}',"
                    " '{}', 5, 'ready', '{}', :packed, :preview)"
                ),
                row,
            )
    return made


def test_objects_that_no_row_names_are_removed_when_they_are_old(leaver, stores):
    claim = leaver.running()
    kept = [leaver.file(claim), leaver.file(claim, "grid")]
    orphan = leaver.file(claim, row=False)
    stores.jobs.finish(claim, Ending(Outcome.succeeded))

    assert walk(stores, age_s=3600) == (0, 0)
    assert orphan.object_key in leaver.objects()
    assert walk(stores, age_s=0) == (1, orphan.bytes)
    assert leaver.objects() == {file.object_key for file in kept}
    assert walk(stores, age_s=0) == (0, 0)


def test_objects_of_a_running_job_wait_for_their_row(leaver, stores):
    claim = leaver.running()
    late = leaver.file(claim, row=False)
    assert walk(stores, age_s=0) == (0, 0)
    stores.jobs.add_artifact(claim, late)
    stores.jobs.finish(claim, Ending(Outcome.succeeded))
    assert walk(stores, age_s=0) == (0, 0)
    assert leaver.rows(claim.job_id) == [late.id]


def test_objects_of_data_sets_are_compared_with_their_rows(leaver, stores, tmp_path):
    kept, lost = put_dataset(stores, tmp_path, kept=True), put_dataset(stores, tmp_path, kept=False)
    assert walk(stores, age_s=0) == (2, 10)
    assert leaver.objects() == set(stores.datasets.uploads.keys(kept))
    assert lost != kept

    stores.datasets.uploads.delete(kept, Local("alice"))
    assert leaver.objects_now() == set(stores.datasets.uploads.keys(kept))
    assert leaver.objects() == set()


def test_objects_of_a_data_set_that_an_older_version_deleted_are_orphans(leaver, stores, tmp_path):
    deleted = put_dataset(stores, tmp_path, kept=True)
    with stores.infra.engine.begin() as connection:
        connection.execute(text("UPDATE datasets SET deleted_at = now() WHERE id = :id"), {"id": deleted})
    assert walk(stores, age_s=0) == (2, 10)
    assert leaver.objects() == set()


def test_what_others_keep_in_the_bucket_stays(leaver, stores, tmp_path):
    path = tmp_path / "backup"
    path.write_bytes(b"x")
    stores.infra.blobs.put("backups/monday", path, "application/octet-stream")
    assert walk(stores, age_s=0) == (0, 0)
    assert [one.key for one in stores.infra.blobs.page("backups/", "", 10)] == ["backups/monday"]


def test_a_walk_goes_on_page_by_page(leaver, stores, monkeypatch, tmp_path):
    monkeypatch.setattr(orphans, "OBJECTS", 3)
    monkeypatch.setattr(orphans, "ROWS", 3)
    claims = [leaver.running() for _ in range(3)]
    kept = [leaver.file(claim) for claim in claims for _ in range(4)]
    lost = [leaver.file(claim, row=False) for claim in claims for _ in range(3)]
    for claim in claims:
        stores.jobs.finish(claim, Ending(Outcome.succeeded))
    put_dataset(stores, tmp_path, kept=False)

    assert walk(stores, age_s=0)[0] == len(lost) + 2
    assert leaver.objects() == {file.object_key for file in kept}

    stores.infra.blobs.remove(kept[7].object_key)
    looked, cursor, rounds = 0, "", 0
    while rounds == 0 or cursor:
        found = stores.maintenance.orphans.mark_missing(cursor)
        looked, cursor, rounds = looked + found.done, found.cursor, rounds + 1
    assert (looked, rounds) == (12, 5)
    assert missing(stores) == [kept[7].id]


def missing(stores) -> list[str]:
    """Return the artifacts that are marked as missing."""
    with stores.infra.engine.connect() as connection:
        return list(connection.scalars(text("SELECT id FROM artifacts WHERE missing_since IS NOT NULL ORDER BY id")))


def test_a_row_whose_object_is_gone_is_told_once_and_forgiven_when_it_is_back(leaver, stores, tmp_path):
    claim = leaver.running()
    whole, lost = leaver.file(claim), leaver.file(claim, "weights")
    stores.infra.blobs.remove(lost.object_key)

    with structlog.testing.capture_logs() as told:
        stores.maintenance.orphans.mark_missing("")
        stores.maintenance.orphans.mark_missing("")
    alerts = [(line["log_level"], line["artifact"]) for line in told if line["event"] == "artifact_missing"]
    assert alerts == [("error", lost.id)]
    assert missing(stores) == [lost.id]
    assert leaver.rows(claim.job_id) == [whole.id, lost.id]

    stores.infra.blobs.put(lost.object_key, tmp_path / lost.id, "application/octet-stream")
    stores.maintenance.orphans.mark_missing("")
    assert missing(stores) == []


def test_a_file_that_was_pruned_meanwhile_is_not_missed(leaver, stores, monkeypatch):
    claim = leaver.running()
    pruned, kept = leaver.file(claim), leaver.file(claim)
    page = stores.infra.blobs.page

    def prune_first(prefix: str, after: str, limit: int) -> list[orphans.Stored]:
        stores.jobs.prune_checkpoints(claim, keep=1)
        stores.maintenance.doomed_objects.remove("")
        return page(prefix, after, limit)

    monkeypatch.setattr(stores.infra.blobs, "page", prune_first)
    with structlog.testing.capture_logs() as told:
        stores.maintenance.orphans.mark_missing("")
    assert leaver.rows(claim.job_id) == [kept.id]
    assert [line for line in told if line["event"] == "artifact_missing"] == []
    assert pruned.id != kept.id
