"""What is shown of data sets that came with the service or were found: made once, beside the requests."""

from __future__ import annotations

import fcntl
import io
import os
from pathlib import Path

import httpx
import pytest
from PIL import Image

from ganforge.stack.ports import free_port
from models.states import Role
from stores.infra.errors import BlobError
from stores.infra.settings import Settings
from tests.api.server import Server
from tests.api.uploads.archives import picture, pictures, zipped
from tests.waiting import until


@pytest.fixture
def looks(app):
    """Return what looks at data sets."""
    return app.extensions["ganforge"].looks


@pytest.fixture
def settings(service_environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return settings with a data root that holds two domains."""
    for part in ("trainA", "trainB"):
        (tmp_path / "roots" / "day2night" / part).mkdir(parents=True)
        for number in range(3):
            content = picture(number, size=(64, 64))
            (tmp_path / "roots" / "day2night" / part / f"{number}.png").write_bytes(content)
    more = {"GANFORGE_HOME": str(tmp_path / "home"), "GANFORGE_DATA_ROOTS": str(tmp_path / "roots")}
    for name, value in {**service_environment, **more}.items():
        monkeypatch.setenv(name, value)
    return Settings()


def found(person, name):
    """Return a data set as the API shows it."""
    return person.get(f"/v1/datasets/{name}").json


def test_shared_sets_get_a_preview_and_the_images_of_each_class(alice, carol, looks, settings):
    assert (found(alice, "mnist-10k")["preview"], found(alice, "mnist-10k")["class_counts"]) == (None, None)
    assert alice.get("/v1/datasets/mnist-10k/preview").status_code == 404
    assert looks.make() == 2
    digits, pair = found(alice, "mnist-10k"), found(carol, "day2night")
    assert digits["class_counts"] == [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]
    assert sum(digits["class_counts"]) == digits["images"]
    assert pair["class_counts"] is None
    for one, size in ((digits, (280, 280)), (pair, (512, 512))):
        answer = carol.get(f"{one['preview']}?redirect=false")
        assert (answer.status_code, answer.mimetype) == (200, "image/png")
        with Image.open(io.BytesIO(answer.data)) as sheet:
            assert sheet.size == size
    assert list((settings.home / "uploads").iterdir()) == []


def test_nobody_without_a_key_sees_a_preview(app, alice, looks):
    looks.make()
    assert app.test_client().get(found(alice, "mnist-10k")["preview"]).status_code == 401


def test_what_was_looked_at_is_not_looked_at_again_until_its_files_change(alice, looks, stores, settings):
    assert looks.make() == 2
    stores.datasets.register_known(settings.roots)
    assert looks.make() == 0
    assert found(alice, "day2night")["preview"] is not None
    (settings.roots[0] / "day2night" / "trainA" / "more.png").write_bytes(picture(9, size=(64, 64)))
    stores.datasets.register_known(settings.roots)
    assert found(alice, "day2night")["preview"] is None
    assert found(alice, "mnist-10k")["class_counts"] is not None
    assert looks.make() == 1
    assert found(alice, "day2night")["preview"] is not None


def test_a_look_at_files_that_were_changed_meanwhile_is_not_kept(stores, looks, alice, tmp_path):
    row = next(row for row in stores.datasets.previews.lacking() if row["name"] == "mnist-10k")
    with stores.infra.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE datasets SET bytes = bytes + 1 WHERE name = 'mnist-10k'")
    (tmp_path / "preview.png").write_bytes(picture(0))
    assert not stores.datasets.previews.keep(row, tmp_path / "preview.png", [1] * 10)
    assert found(alice, "mnist-10k")["preview"] is None


def test_a_damaged_set_keeps_no_other_from_being_shown(alice, looks, settings, capsys):
    for path in (settings.roots[0] / "day2night").rglob("*.png"):
        path.write_bytes(b"text")
    assert looks.make() == 1
    assert found(alice, "day2night")["preview"] is None
    assert found(alice, "mnist-10k")["preview"] is not None
    said = capsys.readouterr().out
    assert "data_set_not_shown" in said
    assert "no picture of it can be shown" in said


def test_a_set_whose_folder_is_not_on_this_host_is_left_to_another(alice, looks, settings):
    settings.roots[0].rename(settings.roots[0].with_name("elsewhere"))
    assert looks.make() == 1
    assert found(alice, "day2night")["preview"] is None


def test_one_process_looks_at_a_time(looks, settings):
    settings.home.mkdir(exist_ok=True)
    with (settings.home / "previews.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        assert looks.make() == 0
    assert looks.make() == 2


def test_a_process_that_is_told_to_end_leaves_the_rest(looks, stores):
    assert looks.make(lambda: False) == 0
    assert len(stores.datasets.previews.lacking()) == 2


def test_while_the_object_store_is_away_the_thread_says_so_and_tries_again(looks, stores, monkeypatch, capsys):
    put = stores.infra.blobs.put
    tries = []

    def away_at_first(*given):
        tries.append(given)
        if len(tries) <= 2:  # longer than there are different waits
            raise BlobError("the object store does not answer")
        return put(*given)

    monkeypatch.setattr(stores.infra.blobs, "put", away_at_first)
    monkeypatch.setattr("api.uploads.previews.AGAIN_S", (0.01,))
    looks.start().join(60)
    assert "previews_not_made" in capsys.readouterr().out
    assert len(tries) == 4
    assert stores.datasets.previews.lacking() == []


def test_uploads_tell_the_images_of_each_class_too(alice, upload):
    archive = zipped({**pictures(20, "cat/"), **pictures(12, "dog/")})
    made = upload(alice, archive).json
    assert (made["classes"], made["class_counts"]) == (["cat", "dog"], [20, 12])
    assert found(alice, "pets")["class_counts"] == [20, 12]
    assert upload(alice, zipped(pictures(16)), "plain").json["class_counts"] is None


def test_a_server_makes_them_as_it_starts(service_environment, settings, stores, tmp_path):
    more = {"GANFORGE_HOME": str(settings.home), "GANFORGE_DATA_ROOTS": os.environ["GANFORGE_DATA_ROOTS"]}
    server = Server(
        {**service_environment, **more, "GANFORGE_API_PROCESSES": "2"}, free_port(), tmp_path / "server.log"
    )
    _, secret = stores.accounts.keys.create("alice's", "alice", Role.user)
    server.start()
    try:

        def shown():
            answer = httpx.get(f"{server.url}/v1/datasets", headers={"Authorization": f"Bearer {secret}"})
            return all(one["preview"] for one in answer.raise_for_status().json()["data"])

        until(shown, 60, "the previews")
    finally:
        server.stop()
    assert "data_set_not_shown" not in server.log.read_text()
