"""GET /v1/storage"""

from __future__ import annotations

from stores.container import Stores
from tests.api.conftest import Bench, Finished, Person, Upload
from tests.api.uploads.archives import pictures, zipped


def test_each_object_is_counted_by_owner_kind_data_set_and_job(
    alice: Person, bob: Person, carol: Person, admin: Person, bench: Bench, finished: Finished, upload: Upload
) -> None:
    other = bob.submit(name="others")["id"]
    claim = bench.claim()
    bench.artifact(claim, "weights", "generator.safetensors", b"x" * 1000, "application/octet-stream")
    bench.finish(claim)
    made = upload(alice, zipped(pictures(16))).json

    mine = alice.get("/v1/storage").json

    assert mine["bytes"] == 14 + made["bytes"]
    assert mine["objects"] == 2 + 2  # a data set has a preview
    assert mine["by_owner"] == [{"owner": "alice", "bytes": mine["bytes"], "objects": 4}]
    assert mine["by_kind"] == [
        {"kind": "dataset", "bytes": made["bytes"], "objects": 2},
        {"kind": "checkpoint", "bytes": 7, "objects": 1},
        {"kind": "grid", "bytes": 7, "objects": 1},
    ]
    sets = [{"dataset": made["id"], "name": "pets", "owner": "alice", "bytes": made["bytes"], "objects": 2}]
    assert mine["by_dataset"] == sets
    jobs = [{"job": finished.id, "name": "digits", "recipe": "mlp_gan", "owner": "alice", "bytes": 14, "objects": 2}]
    assert mine["by_job"] == jobs
    assert mine["trash"] == {"jobs": 0, "bytes": 0, "objects": 0}
    assert carol.get("/v1/storage").json == mine

    every = admin.get("/v1/storage").json
    assert [row["owner"] for row in every["by_owner"]] == ["alice", "bob"]
    assert [row["job"] for row in every["by_job"]] == [other, finished.id]
    assert every["bytes"] == mine["bytes"] + 1000


def test_the_trash_is_counted_apart_and_what_is_purged_not_at_all(
    alice: Person, finished: Finished, stores: Stores
) -> None:
    alice.ask("DELETE", f"/v1/jobs/{finished.id}")
    now = alice.get("/v1/storage").json
    assert now["trash"] == {"jobs": 1, "bytes": 14, "objects": 2}
    assert (now["bytes"], now["by_job"], now["by_kind"], now["by_owner"]) == (0, [], [], [])
    alice.ask("DELETE", f"/v1/jobs/{finished.id}?purge=true")
    assert alice.get("/v1/storage").json["trash"] == {"jobs": 0, "bytes": 0, "objects": 0}


def test_who_stores_nothing_reads_nothing(bob: Person, finished: Finished) -> None:
    empty = {"by_owner": [], "by_kind": [], "by_dataset": [], "by_job": []}
    trash = {"jobs": 0, "bytes": 0, "objects": 0}
    assert bob.get("/v1/storage").json == {"bytes": 0, "objects": 0, **empty, "trash": trash}
