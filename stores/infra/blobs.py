"""Objects in S3-compatible storage. Only standard calls: many servers speak them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.error import InvalidResponseError, MinioException, S3Error

from stores.infra.errors import BlobError, DamagedBlobError, NotFoundError
from stores.infra.failpoints import reach
from stores.infra.settings import Settings

CHUNK = 1 << 20
SENT_AT_ONCE = 1 << 18
LINK_FOR_A_PUT = timedelta(hours=1)


@dataclass(frozen=True)
class Stored:
    """An object as the store lists it."""

    key: str
    bytes: int
    at: datetime


def _client(settings: Settings, url: str, pool: urllib3.PoolManager) -> Minio:
    parts = urlsplit(url)
    return Minio(
        parts.netloc,
        access_key=settings.s3_access_key.get_secret_value(),
        secret_key=settings.s3_secret_key.get_secret_value(),
        secure=parts.scheme == "https",
        region=settings.s3_region,
        http_client=pool,
    )


@contextmanager
def _translated(key: str) -> Iterator[None]:
    try:
        yield
    except S3Error as error:
        if error.code in {"NoSuchKey", "NoSuchBucket"}:
            raise NotFoundError(f"object {key} is not in the store") from error
        raise BlobError(f"the object store refused {key}: {error.code}") from error
    except InvalidResponseError as error:
        # Some servers send their errors with another content type than the SDK expects; the status still tells.
        if getattr(error, "_code", None) == HTTPStatus.NOT_FOUND:
            raise NotFoundError(f"object {key} is not in the store") from error
        raise BlobError(f"the object store answered {key} with an error") from error
    except MinioException as error:
        raise BlobError(f"the object store answered {key} with an error") from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise BlobError(f"the object store does not answer: {type(error).__name__}") from error


class Blobs:
    """One bucket. A second client signs links for the address that users see."""

    def __init__(self, settings: Settings) -> None:
        self._bucket = settings.s3_bucket
        self._link = timedelta(seconds=settings.link_s)
        # Few retries and short waits: whoever needs more patience (the uploader) has its own, with a lease to watch.
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=3, read=30),
            retries=urllib3.Retry(total=1, backoff_factor=0.2),
            maxsize=16,
            blocksize=CHUNK,
        )
        self._inside = _client(settings, settings.s3_url, self._pool)
        self._outside = _client(settings, settings.s3_public_url or settings.s3_url, self._pool)

    def ensure_bucket(self) -> None:
        """Make the bucket if it is not there."""
        with _translated(self._bucket):
            if not self._inside.bucket_exists(self._bucket):
                self._inside.make_bucket(self._bucket)

    def ping(self) -> None:
        """Raise BlobError unless the store answers and the bucket is there."""
        with _translated(self._bucket):
            if not self._inside.bucket_exists(self._bucket):
                raise BlobError(f"bucket {self._bucket} does not exist")

    def put(self, key: str, path: Path, content_type: str) -> None:
        """Store a file of up to 5 GB under a key that the server made.

        Sent to a signed link: the SDK's own way would hash every byte here and have the store hash it again, on the
        cores that train. What is stored is checked against the row's sha256 whenever it is read back.
        """
        with _translated(key), path.open("rb") as file:
            link = self._inside.presigned_put_object(self._bucket, key, expires=LINK_FOR_A_PUT)
            size = str(path.stat().st_size)
            headers = {"Content-Type": content_type, "Content-Length": size}
            # Without retries: a file that was half read cannot be sent again, and the uploader begins anew.
            answer = self._pool.request("PUT", link, body=_pieces(file), headers=headers, retries=False)
        if answer.status != HTTPStatus.OK:
            raise BlobError(f"the object store refused {key} with status {answer.status}")

    def get(self, key: str, path: Path, sha256: str) -> None:
        """Fetch an object into `path`.

        Raises:
            NotFoundError: there is no such object.
            DamagedBlobError: the bytes are not those that were stored.
            BlobError: the store does not answer.
        """
        digest = hashlib.sha256()
        with path.open("wb") as file:
            for chunk in self.stream(key):
                digest.update(chunk)
                file.write(chunk)
        if digest.hexdigest() != sha256:
            path.unlink()
            raise DamagedBlobError(f"object {key} is damaged: its sha256 is not the one that was stored")

    def stream(self, key: str) -> Iterator[bytes]:
        """Yield an object's bytes."""
        with _translated(key):
            response = self._inside.get_object(self._bucket, key)
            try:
                yield from response.stream(CHUNK)
            finally:
                response.close()
                response.release_conn()

    def remove(self, key: str) -> None:
        """Remove an object; it is no error when it is gone already."""
        with _translated(key):
            self._inside.remove_object(self._bucket, key)

    def page(self, prefix: str, after: str, limit: int) -> list[Stored]:
        """Return up to `limit` objects under a prefix, in the order of their keys, behind the key `after`."""
        with _translated(prefix):
            listed = self._inside.list_objects(self._bucket, prefix=prefix, recursive=True, start_after=after or None)
            return [
                Stored(str(one.object_name), one.size or 0, _moment(one.last_modified)) for one in islice(listed, limit)
            ]

    def link(self, key: str, filename: str, content_type: str) -> str:
        """Return a link that downloads the object as an attachment, signed for the public address."""
        return self._outside.presigned_get_object(
            self._bucket,
            key,
            expires=self._link,
            response_headers={
                "response-content-disposition": f'attachment; filename="{filename}"',
                "response-content-type": content_type,
            },
        )


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(SENT_AT_ONCE):
        yield piece
        reach("uploading")


def _moment(listed: datetime | None) -> datetime:
    """Return when an object was written; one whose store does not say counts as new, so nobody takes it for old."""
    return listed or datetime.now(UTC)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
