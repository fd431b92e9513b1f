"""Objects in real S3 servers: the local stack's, and SeaweedFS where it is installed."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import urllib3
from pydantic import SecretStr

from ganforge.stack.ports import free_port
from ganforge.stack.services import Services
from stores.infra.blobs import Blobs, sha256_of
from stores.infra.errors import BlobError, DamagedBlobError, NotFoundError
from stores.infra.settings import Settings
from tests import seaweedfs
from tests.waiting import until

_buckets = itertools.count(1)


@pytest.fixture(scope="module", params=["rclone", "seaweedfs"])
def server(request: pytest.FixtureRequest, services: Services) -> Settings:
    """Return the settings that lead to one S3 server."""
    if request.param == "seaweedfs":
        return seaweedfs.start(services)
    credentials = services.home.credentials()
    return Settings(
        s3_url=services.s3_url, s3_access_key=credentials.s3_access_key, s3_secret_key=credentials.s3_secret_key
    )


@pytest.fixture
def settings(server: Settings) -> Settings:
    """Return settings with a bucket that does not exist yet."""
    return server.model_copy(update={"s3_bucket": f"blobs-{os.getpid()}-{next(_buckets)}"})


@pytest.fixture
def blobs(settings: Settings) -> Blobs:
    """Return an empty bucket."""
    made = Blobs(settings)
    made.ensure_bucket()
    return made


@pytest.fixture
def put(blobs: Blobs, tmp_path: Path) -> Callable[..., str]:
    """Return a function that stores bytes and returns their SHA-256."""

    def store(key: str, content: bytes = b"bytes", content_type: str = "application/octet-stream") -> str:
        file = tmp_path / "sent"
        file.write_bytes(content)
        blobs.put(key, file, content_type)
        return sha256_of(file)

    return store


def _changed(settings: Settings, **changes: object) -> Blobs:
    return Blobs(settings.model_copy(update=changes))


def _refuses(method: str, link: str) -> bool:
    """Return whether the server refuses: 403, or 400 from rclone, which reads a missing signature as a bad request."""
    return urllib3.request(method, link, body=b"mine" if method == "PUT" else None).status in {400, 403}


@pytest.mark.parametrize("size", [0, 1, 3_000_001, 20 << 20])
def test_what_is_stored_comes_back(blobs, put, tmp_path, size):
    content = hashlib.shake_128(b"seed").digest(size)
    digest = put("jobs/job_1/checkpoint.safetensors", content)
    blobs.get("jobs/job_1/checkpoint.safetensors", tmp_path / "got", digest)
    assert (tmp_path / "got").read_bytes() == content


def test_a_key_holds_what_was_stored_last(blobs, put):
    put("jobs/a", b"first, and longer")
    put("jobs/a", b"second")
    assert b"".join(blobs.stream("jobs/a")) == b"second"
    assert [one.bytes for one in blobs.page("", "", 10)] == [6]


def test_bytes_that_differ_from_the_row_s_are_refused_and_not_left(blobs, put, tmp_path):
    put("jobs/a", b"changed")
    with pytest.raises(DamagedBlobError):
        blobs.get("jobs/a", tmp_path / "got", hashlib.sha256(b"original").hexdigest())
    assert not (tmp_path / "got").exists()


def test_a_missing_object_is_not_found_and_removing_it_is_no_error(blobs, put):
    with pytest.raises(NotFoundError):
        list(blobs.stream("jobs/missing"))
    blobs.remove("jobs/missing")
    put("jobs/a")
    blobs.remove("jobs/a")
    with pytest.raises(NotFoundError):
        list(blobs.stream("jobs/a"))
    assert blobs.page("", "", 10) == []


def test_many_objects_are_removed_at_once_and_missing_ones_are_no_error(blobs, put):
    keys = [f"jobs/job_{n:04}" for n in range(3)]
    for key in keys:
        put(key)
    assert blobs.remove_all([*keys[:2], "jobs/missing"]) == {}
    assert [one.key for one in blobs.page("jobs/", "", 10)] == keys[2:]
    assert blobs.remove_all([]) == {}


def test_objects_are_listed_in_the_order_of_their_keys_in_pages(blobs, put):
    # As the service makes them: ids have one length. S3 orders by bytes, SeaweedFS folder by folder, which would differ
    # for `a/1` and `a-b/1`.
    keys = ["datasets/d1", "jobs/job-a/1", "jobs/job-a/10", "jobs/job-a/2", "jobs/job-b/1", "jobs/job-b/2", "other"]
    for key in reversed(keys):
        put(key, key.encode())
    ordered = sorted(key for key in keys if key.startswith("jobs/"))
    found = blobs.page("jobs/", "", 100)
    assert [(one.key, one.bytes) for one in found] == [(key, len(key)) for key in ordered]
    assert all(abs(datetime.now(UTC) - one.at) < timedelta(minutes=5) for one in found)
    pages, after = [], ""
    while page := blobs.page("jobs/", after, 2):
        pages.append([one.key for one in page])
        after = page[-1].key
    assert pages == [ordered[:2], ordered[2:4], ordered[4:]]
    assert blobs.page("nothing/", "", 10) == []


def test_many_at_once_are_all_stored(blobs, tmp_path):
    def store(number: int) -> None:
        file = tmp_path / str(number)
        file.write_bytes(b"x" * number)
        blobs.put(f"jobs/{number:02}", file, "application/octet-stream")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(store, range(32)))
    assert [one.bytes for one in blobs.page("jobs/", "", 100)] == list(range(32))


def test_a_link_downloads_the_object_as_an_attachment_and_in_ranges(blobs, put):
    put("jobs/a/grid.png", b"0123456789")
    link = blobs.link("jobs/a/grid.png", "grid 1.png", "image/png")
    whole = urllib3.request("GET", link)
    assert (whole.status, whole.data) == (200, b"0123456789")
    assert whole.headers["Content-Type"] == "image/png"
    assert whole.headers["Content-Disposition"] == 'attachment; filename="grid 1.png"'
    part = urllib3.request("GET", link, headers={"Range": "bytes=3-5"})
    assert part.data == b"345"
    assert part.status in {200, 206}  # rclone sends the range with the status of the whole


def test_a_link_serves_one_object_and_nothing_else(blobs, put):
    put("jobs/a")
    put("jobs/b")
    link = blobs.link("jobs/a", "a", "text/plain")
    assert urllib3.request("GET", link).status == 200
    assert _refuses("GET", link.replace("jobs/a", "jobs/b"))
    assert _refuses("PUT", link)
    assert _refuses("GET", link.partition("?")[0])
    assert _refuses("GET", link.replace("X-Amz-Expires=600", "X-Amz-Expires=6000"))
    assert b"".join(blobs.stream("jobs/a")) == b"bytes"


def test_a_link_ends(settings, blobs, put):
    put("jobs/a")
    link = _changed(settings, link_s=1).link("jobs/a", "a", "text/plain")
    assert not _refuses("GET", link)
    until(lambda: _refuses("GET", link), 60, "the end of the link")


def test_a_wrong_secret_is_refused(settings, blobs, put, tmp_path):
    put("jobs/a")
    wrong = _changed(settings, s3_secret_key=SecretStr("wrong"))
    (tmp_path / "mine").write_bytes(b"mine")
    with pytest.raises(BlobError):
        wrong.put("jobs/a", tmp_path / "mine", "text/plain")
    with pytest.raises(BlobError):
        list(wrong.stream("jobs/a"))
    with pytest.raises(BlobError):
        wrong.page("", "", 10)
    with pytest.raises(BlobError):
        wrong.ping()
    assert b"".join(blobs.stream("jobs/a")) == b"bytes"


def test_a_bucket_is_made_once_and_missed_before(settings, tmp_path):
    blobs = Blobs(settings)
    with pytest.raises(BlobError):
        blobs.ping()
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(BlobError):
        blobs.put("jobs/a", tmp_path / "file", "text/plain")
    for _ in range(2):
        blobs.ensure_bucket()
    blobs.ping()


def test_a_store_that_does_not_answer_is_an_error_of_its_own(settings, tmp_path):
    silent = _changed(settings, s3_url=f"http://127.0.0.1:{free_port()}")
    (tmp_path / "file").write_bytes(b"x")
    for ask in (silent.ping, silent.ensure_bucket, lambda: silent.put("a", tmp_path / "file", "text/plain")):
        with pytest.raises(BlobError):
            ask()
