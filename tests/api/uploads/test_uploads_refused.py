"""What stands in the way of an upload: people, forms, limits, full disks, lost stores, dead processes."""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from api.uploads import packer, uploads
from api.uploads.ledger import LOCK
from api.uploads.spool import MARK
from models.ids import new_id
from models.rows import Dataset
from stores.accounts.audit import Local
from stores.container import Stores
from stores.infra.settings import Settings
from tests.api.conftest import Person, Pointers, Upload
from tests.api.uploads.archives import pictures, zipped
from tests.conftest import S3Settings
from tests.waiting import until


def test_a_viewer_uploads_nothing(carol: Person, upload: Upload, nothing_left: Any) -> None:
    assert upload(carol, zipped(pictures(40))).status_code == 403
    assert nothing_left()


def test_a_form_that_is_wrong_names_its_fields(alice: Person, upload: Upload, pointers: Pointers) -> None:
    archive = zipped(pictures(16))
    wrong = pointers(upload(alice, archive, size="7", skip_damaged="yes", colour="red"))
    assert wrong == {
        "/size": "must be at least 8",
        "/skip_damaged": "must be true or false",
        "/colour": wrong["/colour"],
    }
    assert "is not known here" in wrong["/colour"]
    assert pointers(upload(alice, archive, size="1025"))["/size"] == "must be at most 1024"
    assert pointers(upload(alice, archive, size="6_4"))["/size"] == "must be an integer"
    assert pointers(upload(alice, archive, "x\0"))["/name"] == "contains a NUL character"
    form = "multipart/form-data"
    assert pointers(alice.post("/v1/datasets", data={"name": "x"}, content_type=form))["/file"] == "is required"
    text = pointers(alice.post("/v1/datasets", data={"name": "x", "file": "text"}, content_type=form))
    assert "must be a file" in text["/file"]
    two = {"name": "x", "file": [(io.BytesIO(b"1"), "1"), (io.BytesIO(b"2"), "2")]}
    assert pointers(alice.post("/v1/datasets", data=two, content_type=form))["/file"] == "must be given once"
    other = {"name": "x", "size": (io.BytesIO(b"1"), "1")}
    assert "must not be a file" in pointers(alice.post("/v1/datasets", data=other, content_type=form))["/size"]


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b"{}", 415),
        ("multipart/form-data", b"x", 415),
        ("multipart/form-data; boundary=a", b"no form", 400),
        ("multipart/form-data; boundary=a", b'--a\r\nContent-Disposition: form-data; name="x"\r\n\r\nhalf', 400),
        ("multipart/form-data; boundary=a", b"", 422),
    ],
)
def test_what_is_no_form_is_refused(
    alice: Person, nothing_left: Any, content_type: str, body: bytes, status: int
) -> None:
    answer = alice.post("/v1/datasets", data=body, content_type=content_type)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert nothing_left()


def test_too_large_an_upload_is_refused_and_names_the_limit(
    app: Flask, alice: Person, upload: Upload, nothing_left: Any
) -> None:
    app.extensions["ganforge"].importer._limit = 20_000
    answer = upload(alice, zipped(pictures(40)))
    assert (answer.status_code, answer.json["code"]) == (413, "too_large")
    assert "20,000 bytes" in answer.json["detail"]
    assert "GANFORGE_MAX_UPLOAD_BYTES" in answer.json["detail"]
    assert nothing_left()


@contextmanager
def smallest_files(limit: int) -> Iterator[None]:
    """Let no file of this process and its children grow beyond so many bytes, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("limit", [20_000, 140_000])
def test_a_full_disk_is_a_503_and_leaves_nothing(alice: Person, upload: Upload, nothing_left: Any, limit: int) -> None:
    archive = zipped(pictures(40))  # 50 kB, and 179 kB when packed
    with smallest_files(limit):
        answer = upload(alice, archive)
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
    assert "no room on its disk" in answer.json["detail"]
    assert answer.headers["Retry-After"] == "60"
    assert nothing_left()


def test_an_upload_during_which_the_name_is_taken_leaves_no_object(
    app: Flask, alice: Person, stores: Stores, upload: Upload, s3: S3Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = zipped(pictures(16))
    assert upload(alice, archive).status_code == 201
    # Two at once both find the name free; the table's own constraint decides.
    monkeypatch.setattr(stores.datasets.uploads, "check", lambda who, name: None)
    assert upload(alice, archive).status_code == 409
    assert len(list(s3.client().list_objects(s3.bucket, prefix="datasets/", recursive=True))) == 2


def test_an_object_store_that_refuses_is_a_503_and_leaves_nothing(
    alice: Person, stores: Stores, upload: Upload, nothing_left: Any, s3: S3Settings
) -> None:
    s3.client().remove_bucket(s3.bucket)
    answer = upload(alice, zipped(pictures(16)))
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
    s3.client().make_bucket(s3.bucket)
    assert nothing_left()


def test_what_a_killed_process_left_is_cleared_away(
    app: Flask, alice: Person, stores: Stores, settings: Settings, upload: Upload, nothing_left: Any, s3: S3Settings
) -> None:
    lost, kept = new_id("ds"), upload(alice, zipped(pictures(16))).json["id"]
    for number, dataset_id in enumerate((lost, kept)):
        folder = settings.home / "uploads" / f"left{number}"
        folder.mkdir()
        for name in (LOCK, "upload-x", "packed.safetensors"):
            (folder / name).write_bytes(b"left")
        (folder / MARK).write_text(dataset_id)
    stores.infra.blobs.put(
        stores.datasets.uploads.keys(lost)[0], settings.home / "uploads" / "left0" / LOCK, "text/plain"
    )
    importer = app.extensions["ganforge"].importer
    with importer.spool.folder() as busy:
        importer.tidy()
        assert [path.name for path in (settings.home / "uploads").iterdir()] == [busy.name]
    # The one whose row was written is whole.
    assert len(list(s3.client().list_objects(s3.bucket, prefix=f"datasets/{kept}/", recursive=True))) == 2
    assert alice.ask("DELETE", f"/v1/datasets/{kept}").status_code == 204
    assert nothing_left()


def test_the_objects_of_a_deleted_data_set_are_removed_by_the_sweeper(
    alice: Person, stores: Stores, upload: Upload, s3: S3Settings
) -> None:
    made = upload(alice, zipped(pictures(16))).json
    stores.datasets.uploads.delete(made["id"], Local("alice"))  # and the process dies
    stores.maintenance.doomed_objects.remove("")
    assert not list(s3.client().list_objects(s3.bucket, prefix="datasets/", recursive=True))
    with stores.infra.engine.connect() as connection:
        assert connection.scalar(select(Dataset.object_key).where(Dataset.id == made["id"])) is None


def test_too_many_uploads_at_once_are_told_to_come_back(
    app: Flask, alice: Person, upload: Upload, nothing_left: Any, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    importer = app.extensions["ganforge"].importer
    monkeypatch.setattr(uploads, "TURN_S", 0.05)
    with ExitStack() as others:
        for number in range(settings.max_uploads):
            others.enter_context(importer.spool.upload(f"owner {number}", None))
        answer = upload(alice, zipped(pictures(16)))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
        assert "GANFORGE_MAX_UPLOADS" in answer.json["detail"]
    assert nothing_left()
    with ExitStack() as others:
        for number in range(uploads.MOST_PACKING):
            others.enter_context(importer.turns.turn(f"owner {number}", 0))
        answer = upload(alice, zipped(pictures(16)))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
        assert nothing_left()
    assert upload(alice, zipped(pictures(16))).status_code == 201


def test_an_owner_whose_uploads_are_packed_leaves_a_packer_for_others(
    app: Flask, alice: Person, bob: Person, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "TURN_S", 0.05)
    with app.extensions["ganforge"].importer.turns.turn("alice", 0):
        assert upload(alice, zipped(pictures(16))).status_code == 503
        assert upload(bob, zipped(pictures(16))).status_code == 201
    assert upload(alice, zipped(pictures(16))).status_code == 201


def test_a_packer_that_takes_too_long_is_ended(
    alice: Person, upload: Upload, nothing_left: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packer, "LONGEST_S", 0.0)
    monkeypatch.setattr(packer, "_LOOK_S", 0.05)
    answer = upload(alice, zipped(pictures(2000)))
    assert answer.status_code == 422
    assert answer.json["detail"] == "reading the archive takes too long; send fewer or smaller pictures"
    assert nothing_left()


def test_the_packer_ends_with_whoever_started_it(settings: Settings, tmp_path: Any) -> None:
    files = tmp_path / "many.zip"
    files.write_bytes(zipped(pictures(3000)))
    order = {"archive": str(files), "out": str(tmp_path / "out"), "preview": str(tmp_path / "p"), "size": 512}
    environment = {"PATH": os.defpath, "PYTHONPATH": str(Path.cwd())}
    process = subprocess.Popen(
        [sys.executable, "-m", "packing"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps({**order, "skip_damaged": False}).encode() + b"\n")
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["type"] == "progress"
    process.stdin.close()
    threading.Thread(target=process.stdout.read, daemon=True).start()
    until(lambda: process.poll() is not None, 60, "the packer's end")
    assert process.returncode == 1
    process.stdout.close()
    assert not (tmp_path / "out").exists()
