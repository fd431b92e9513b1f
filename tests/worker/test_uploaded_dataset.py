"""A data set that was uploaded through the API is trained on by a worker that shares nothing with it but the stores."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import threading
from pathlib import Path

import pytest

from api.app import create_app
from models.states import Role
from stores.accounts.audit import Local
from stores.infra.settings import Settings
from tests.api.uploads.archives import pictures, zipped
from tests.waiting import ended, until
from worker.datasets import Cache, UnfetchableError
from worker.outages import GivenUpError


@pytest.fixture
def upload(stores, monkeypatch, tmp_path):
    """Return a function that uploads pictures as alice; the API has a home of its own, as on another machine."""
    app = create_app(Settings(home=tmp_path / "of-the-api"))
    _, secret = stores.accounts.keys.create("alice's", "alice", Role.user)

    def send(name: str = "noise", count: int = 40, **facts) -> dict:
        archive = io.BytesIO(zipped(pictures(count, size=(28, 28), mode="L", **facts)))
        form = {"name": name, "file": (archive, "noise.zip")}
        answer = app.test_client().post("/v1/datasets", data=form, headers={"Authorization": f"Bearer {secret}"})
        assert answer.status_code == 201, answer.text
        return answer.json

    yield send
    app.extensions["ganforge"].hub.close()
    app.extensions["ganforge"].stores.close()


def _train(stores, submit, dataset, **changes):
    params = {"epochs": 2, "batch_size": 8}
    job_id = submit(params=params, dataset=dataset["name"], dataset_id=dataset["id"], **changes)
    return until(lambda: ended(stores, job_id), 60, "the job's end")


def test_a_worker_fetches_an_uploaded_data_set_trains_on_it_and_keeps_it(fleet, stores, submit, upload, tmp_path):
    made = upload()
    fleet.supervisor()
    job = _train(stores, submit, made)
    assert job["state"] == "succeeded", (job["error"], fleet.logs())
    assert job["progress"]["images"] == 80
    kept = tmp_path / "cache" / "datasets" / f"{made['sha256']}.safetensors"
    assert kept.stat().st_size == made["bytes"]
    # The second time it needs no object.
    stores.infra.blobs.remove(stores.datasets.uploads.packed_key(made["id"]))
    assert _train(stores, submit, made)["state"] == "succeeded"
    # With nothing working on it, it is the cache's alone again.
    assert until(lambda: kept.stat().st_nlink == 1, 60, "the end of the attempt's own name")


def test_a_cached_file_of_the_wrong_size_is_fetched_anew(stores, upload, tmp_path):
    made = upload()
    kept = tmp_path / "cache" / "datasets" / f"{made['sha256']}.safetensors"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"cut off")
    assert Cache(stores).fetch(made, tmp_path, threading.Event()).stat().st_size == made["bytes"]


def test_a_data_set_that_is_gone_or_damaged_fails_the_job_and_says_what_to_do(fleet, stores, submit, upload, tmp_path):
    gone, damaged = upload("gone"), upload("damaged", 41)
    stores.infra.blobs.remove(stores.datasets.uploads.packed_key(gone["id"]))
    (tmp_path / "junk").write_bytes(os.urandom(damaged["bytes"]))
    stores.infra.blobs.put(
        stores.datasets.uploads.packed_key(damaged["id"]), tmp_path / "junk", "application/octet-stream"
    )
    fleet.supervisor()
    for dataset, words in ((gone, "gone from the object store"), (damaged, "damaged in the object store")):
        job = _train(stores, submit, dataset)
        assert (job["state"], job["error"]["code"]) == ("failed", "invalid_dataset")
        assert f"data set {dataset['name']} is {words}; upload it again" in job["error"]["detail"]
    assert not list((tmp_path / "cache" / "datasets").glob("*.safetensors"))
    assert not list((tmp_path / "cache" / "datasets").glob("*.part"))


def test_two_workers_on_one_disk_fetch_it_once(stores, upload, tmp_path, monkeypatch):
    made = upload()
    fetched = []
    stream = stores.infra.blobs.stream
    monkeypatch.setattr(stores.infra.blobs, "stream", lambda key: (fetched.append(key), stream(key))[1])
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    threads = [threading.Thread(target=Cache(stores).fetch, args=(made, one, threading.Event())) for one in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(fetched) == 1
    assert len({(folder / "dataset.safetensors").stat().st_ino for folder in folders}) == 1


def test_the_cache_throws_out_what_was_used_longest_ago_but_nothing_in_use(stores, upload, tmp_path):
    sets = [upload(f"noise{number}", 40 + number) for number in range(4)]
    room = sum(sets[number]["bytes"] for number in (0, 2, 3))
    cache = Cache(stores)
    cache._limit = room
    names = {}
    for number, one in enumerate(sets[:3]):
        (tmp_path / str(number)).mkdir()
        names[number] = cache.fetch(one, tmp_path / str(number), threading.Event())
        os.utime(names[number], (1000 + number, 1000 + number))
    # 0 is the oldest but in use; 1 is not in use, 2 neither.
    names[1].unlink()
    names[2].unlink()
    (tmp_path / "3").mkdir()
    cache.fetch(sets[3], tmp_path / "3", threading.Event())
    left = {path.stem for path in (tmp_path / "cache" / "datasets").glob("*.safetensors")}
    assert left == {sets[0]["sha256"], sets[2]["sha256"], sets[3]["sha256"]}


def test_the_cache_leaves_the_disk_its_reserve(stores, upload, tmp_path):
    old, new = upload("old", 40), upload("new", 41)
    cache = Cache(stores)
    cache.fetch(old, tmp_path, threading.Event()).unlink()
    cache._reserve = 1 << 62
    with pytest.raises(OSError, match="No space left on device") as full:
        cache.fetch(new, tmp_path, threading.Event())
    assert full.value.errno == errno.ENOSPC
    # What nobody used went first.
    assert not list((tmp_path / "cache" / "datasets").glob("*.safetensors"))
    cache._reserve = 0
    assert cache.fetch(new, tmp_path, threading.Event()).stat().st_size == new["bytes"]


def test_an_attempt_that_is_asked_to_end_does_not_wait_for_the_rest(stores, upload, tmp_path):
    made = upload()
    asked = threading.Event()
    asked.set()
    with pytest.raises(GivenUpError):
        Cache(stores).fetch(made, tmp_path, asked)
    assert [path.suffix for path in (tmp_path / "cache" / "datasets").iterdir()] == [".lock"]


def test_a_cancel_is_seen_while_a_data_set_is_still_fetched(fleet, stores, submit, upload, tmp_path):
    made = upload()
    folder = tmp_path / "cache" / "datasets"
    folder.mkdir(parents=True)
    # Somebody else on this machine is fetching it, for longer than anybody wants to wait.
    with (folder / f"{made['sha256']}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        fleet.supervisor()
        job_id = submit(params={"batch_size": 8}, dataset=made["name"], dataset_id=made["id"])
        until(lambda: stores.queries.jobs.job(job_id, None)["state"] == "running", 60, "the claim")
        stores.jobs.cancel(job_id, Local("alice"))
        job = until(lambda: ended(stores, job_id), 60, "the end")
    assert (job["state"], job["reason"]) == ("canceled", "canceled by request")


def test_a_data_set_that_was_deleted_is_not_fetched(stores, upload, tmp_path):
    made = upload()
    stores.datasets.uploads.delete(made["id"], Local("alice"))
    with pytest.raises(UnfetchableError, match="was deleted; name another"):
        Cache(stores).fetch(made, tmp_path, threading.Event())
    assert not Path(tmp_path / "dataset.safetensors").exists()
