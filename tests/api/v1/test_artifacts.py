"""Artifacts: list, look, download"""

from __future__ import annotations

import hashlib

import httpx
import pytest

from stores.container import Stores
from tests.api.conftest import Finished, Person, Pointers


def test_artifacts_are_listed_oldest_first(finished: Finished, alice: Person) -> None:
    page = alice.get(f"/v1/jobs/{finished.id}/artifacts").json
    assert [row["id"] for row in page["data"]] == [finished.checkpoint, finished.grid]
    grid = page["data"][1]
    assert (grid["kind"], grid["name"], grid["bytes"], grid["content_type"]) == ("grid", "epoch-1.png", 7, "image/png")
    assert grid["sha256"] == hashlib.sha256(b"picture").hexdigest()
    assert alice.get(f"/v1/artifacts/{finished.grid}").json == grid


def test_kinds_narrow_the_list(finished: Finished, alice: Person, pointers: Pointers) -> None:
    url = f"/v1/jobs/{finished.id}/artifacts"
    assert [row["id"] for row in alice.get(f"{url}?kind=grid").json["data"]] == [finished.grid]
    assert len(alice.get(f"{url}?kind=grid&kind=checkpoint").json["data"]) == 2
    assert alice.get(f"{url}?kind=weights").json["data"] == []
    assert "/query/kind" in pointers(alice.get(f"{url}?kind=picture"))


def test_pages_of_artifacts_follow_each_other(finished: Finished, alice: Person) -> None:
    url = f"/v1/jobs/{finished.id}/artifacts?limit=1"
    first = alice.get(url).json
    second = alice.get(f"{url}&cursor={first['next_cursor']}").json
    assert [row["id"] for row in first["data"] + second["data"]] == [finished.checkpoint, finished.grid]
    assert second["next_cursor"] is None


def test_content_is_behind_a_signed_link(finished: Finished, alice: Person) -> None:
    answer = alice.get(f"/v1/artifacts/{finished.grid}/content")
    assert (answer.status_code, answer.data) == (303, b"")
    link = answer.headers["Location"]
    assert "X-Amz-Expires=600" in link
    got = httpx.get(link)
    assert (got.status_code, got.content) == (200, b"picture")
    # Servers differ in what they call a request without a signature.
    assert httpx.get(link.partition("?")[0]).status_code in {400, 401, 403}


def test_content_comes_from_here_where_nobody_else_reaches_the_store(
    stores: Stores, finished: Finished, alice: Person
) -> None:
    stores.infra.blobs.links = False
    answer = alice.get(f"/v1/artifacts/{finished.grid}/content", headers={"Range": "bytes=3-"})
    assert (answer.status_code, answer.data) == (206, b"ture")


def test_content_comes_from_here_when_asked(finished: Finished, alice: Person) -> None:
    answer = alice.get(f"/v1/artifacts/{finished.grid}/content?redirect=false")
    assert (answer.status_code, answer.data) == (200, b"picture")
    assert answer.headers["Content-Length"] == "7"
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="epoch-1.png"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("asked", "status", "content", "place"),
    [
        ("bytes=0-2", 206, b"pic", "bytes 0-2/7"),
        ("bytes=3-", 206, b"ture", "bytes 3-6/7"),
        ("bytes=-3", 206, b"ure", "bytes 4-6/7"),
        ("bytes=5-900", 206, b"re", "bytes 5-6/7"),
        ("bytes=-900", 206, b"picture", "bytes 0-6/7"),
        ("bytes=7-", 416, None, "bytes */7"),
        ("bytes=900-901", 416, None, "bytes */7"),
        ("bytes=0-1,3-4", 200, b"picture", None),
        ("bytes=2-1", 200, b"picture", None),
        ("lines=0-1", 200, b"picture", None),
        ("bytes=x", 200, b"picture", None),
    ],
)
def test_a_broken_download_goes_on_where_it_broke_off(
    finished: Finished, alice: Person, asked: str, status: int, content: bytes | None, place: str | None
) -> None:
    url = f"/v1/artifacts/{finished.grid}/content?redirect=false"
    answer = alice.get(url, headers={"Range": asked})
    assert (answer.status_code, answer.headers.get("Content-Range")) == (status, place)
    if content is None:
        assert answer.json["code"] == "range_not_satisfiable"
        return
    assert (answer.data, answer.headers["Content-Length"]) == (content, str(len(content)))
    etag = alice.get(url).headers["ETag"]
    same = alice.get(url, headers={"Range": asked, "If-Range": etag})
    assert (same.status_code, same.data) == (status, content)
    other = alice.get(url, headers={"Range": asked, "If-Range": '"another"'})
    assert (other.status_code, other.data) == (200, b"picture")


def test_a_signed_link_refuses_the_key_and_the_reference_says_the_remedy(finished: Finished, alice: Person) -> None:
    link = alice.get(f"/v1/artifacts/{finished.grid}/content").headers["Location"]
    assert httpx.get(link, headers={"Authorization": "Bearer gf_x"}).status_code in {400, 401, 403}
    said = alice.get("/openapi.json").json["paths"]["/v1/artifacts/{artifact_id}/content"]["get"]["description"]
    assert "use `redirect=false`" in said


def test_an_object_that_is_gone_is_a_problem_not_a_torn_file(finished: Finished, alice: Person, stores: Stores) -> None:
    stores.infra.blobs.remove(stores.queries.jobs.artifact(finished.grid, None)[1])
    answer = alice.get(f"/v1/artifacts/{finished.grid}/content?redirect=false")
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_an_unknown_artifact_is_not_found(alice: Person) -> None:
    nothing = "/v1/artifacts/art_0198c0de-0000-7000-8000-000000000000"
    assert alice.get(nothing).status_code == 404
    assert alice.get(f"{nothing}/content").status_code == 404
