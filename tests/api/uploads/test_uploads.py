"""Uploading a data set: from an archive to a packed file in the bucket, a preview, and a row."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from models.ids import new_id
from stores.container import Stores
from stores.infra.settings import Settings
from tests.api.conftest import TRAIN, Bench, Person, Pointers, Upload
from tests.api.uploads.archives import picture, pictures, tarred, zipped
from tests.conftest import S3Settings
from tests.packing.test_headers import chunk, jpeg_with, png_with
from tests.packing.test_zip_names import raw_zip
from tests.packing.trees import HEIC

CLASSES = {**pictures(20, "pets/cat/"), **pictures(20, "pets/dog/"), "pets/LICENSE": b"x"}


def packed(stores: Stores, dataset_id: str) -> tuple[dict[str, Any], bytes]:
    """Return the header and the data of a packed file as it lies in the bucket."""
    key = stores.datasets.uploads.packed_key(dataset_id)
    assert key is not None
    content = b"".join(stores.infra.blobs.stream(key))
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def test_class_folders_become_a_data_set(alice: Person, stores: Stores, upload: Upload, settings: Settings) -> None:
    answer = upload(alice, zipped(CLASSES))
    assert answer.status_code == 201, answer.text
    made = answer.json
    facts = {name: made[name] for name in ("name", "source", "layout", "images", "shape", "classes", "state", "owner")}
    assert facts == {
        "name": "pets",
        "source": "uploaded",
        "layout": "packed",
        "images": 40,
        "shape": [3, 20, 20],
        "classes": ["cat", "dog"],
        "state": "ready",
        "owner": "alice",
    }
    assert made["parts"] == {"train": 36, "test": 4}
    assert "1 other files skipped: pets/LICENSE" in made["notes"]
    assert answer.headers["Location"] == f"/v1/datasets/{made['id']}"
    looked = alice.get(answer.headers["Location"]).json
    assert looked == {name: value for name, value in made.items() if name != "notes"}
    assert alice.get("/v1/datasets/pets").json == looked

    key = stores.datasets.uploads.packed_key(made["id"])
    assert key == f"datasets/{made['id']}/packed.safetensors"
    whole = b"".join(stores.infra.blobs.stream(key))
    assert (len(whole), hashlib.sha256(whole).hexdigest()) == (made["bytes"], made["sha256"])
    header, data = packed(stores, made["id"])
    assert header["train.pixels"]["shape"] == [36, 3, 20, 20]
    assert header["test.pixels"]["shape"] == [4, 3, 20, 20]
    # The first picture, channel by channel.
    first = Image.open(io.BytesIO(CLASSES["pets/cat/0000.png"]))
    assert data[:1200] == b"".join(band.tobytes() for band in first.split())
    begin, end = header["test.labels"]["data_offsets"]
    assert data[begin:end] == b"\0\0\0\0\1\0\1\0"
    assert not list((settings.home / "uploads").iterdir())


def test_the_preview_is_a_grid_of_its_pictures(alice: Person, bob: Person, upload: Upload) -> None:
    made = upload(alice, zipped(CLASSES)).json
    for address in (made["preview"], "/v1/datasets/pets/preview"):
        answer = alice.get(f"{address}?redirect=false")
        assert (answer.status_code, answer.mimetype) == (200, "image/png")
        with Image.open(io.BytesIO(answer.data)) as grid:
            assert (grid.size, grid.mode) == ((8 * 20, 5 * 20), "RGB")
    link = alice.get(made["preview"])
    assert link.status_code == 303
    assert f"datasets/{made['id']}/preview.png" in link.headers["Location"]
    assert bob.get(made["preview"]).status_code == 404
    assert alice.get("/v1/datasets/mnist-10k/preview").status_code == 404


@pytest.mark.parametrize("how", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tars_are_read_however_they_are_packed(alice: Person, stores: Stores, upload: Upload, how: str) -> None:
    made = upload(alice, tarred(pictures(20, "./all/"), how)).json
    assert (made["images"], made["parts"], made["classes"]) == (20, {"train": 20}, [])
    _, data = packed(stores, made["id"])
    assert data[:1200] == b"".join(band.tobytes() for band in Image.open(io.BytesIO(picture(0))).split())


@pytest.mark.parametrize(
    ("folders", "layout", "parts", "classes"),
    [
        (("A/", "B/"), "domains", {"trainA": 20, "trainB": 20}, []),
        (
            ("x/trainB/", "x/testA/", "x/trainA/", "x/TestB/"),
            "domains",
            {"trainA": 20, "trainB": 20, "testA": 20, "testB": 20},
            [],
        ),
        (("train/", "test/"), "packed", {"train": 20, "test": 20}, []),
        (
            ("val/b/", "train/b/", "train/a/", "val/a/"),
            "packed",
            {"train": 40, "test": 40},
            ["a", "b"],
        ),
        (("train/", "test/", "val/"), "packed", {"train": 20, "test": 40}, []),
        (("Training/c/", "Training/d/", "Testing/c/", "Testing/d/"), "packed", {"train": 40, "test": 40}, ["c", "d"]),
        (("train/images/", "valid/images/", "test/images/"), "packed", {"train": 20, "test": 40}, []),
        (("train/dog/", "train/cat/"), "packed", {"train": 36, "test": 4}, ["cat", "dog"]),
        (("",), "packed", {"train": 20}, []),
        (("__MACOSX/x/", "deep/in/a/folder/", ".git/"), "packed", {"train": 20}, []),
    ],
)
def test_folders_say_what_the_data_set_is(
    alice: Person, stores: Stores, upload: Upload, folders: Any, layout: str, parts: dict[str, int], classes: list[str]
) -> None:
    files = {name: content for folder in folders for name, content in pictures(20, folder).items()}
    answer = upload(alice, zipped(files))
    assert answer.status_code == 201, answer.text
    made = answer.json
    assert (made["layout"], made["parts"], made["classes"]) == (layout, parts, classes)
    header, data = packed(stores, made["id"])
    assert {part: header[f"{part}.pixels"]["shape"][0] for part in parts} == parts
    assert len(data) == max(entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__")


def test_the_confined_packer_reads_pictures_of_phones_and_names_of_windows(alice: Person, upload: Upload) -> None:
    files = {**pictures(16), "IMG_1.HEIC": HEIC, "b.avif": picture(kind="AVIF"), "no_suffix": picture(7)}
    made = upload(alice, zipped(files), "phones")
    assert (made.status_code, made.json.get("images")) == (201, 19), made.text
    for code_page, classes in {
        "gbk": ["狗", "猫"],
        "cp932": ["ソ", "犬"],
        "cp949": ["강아지", "고양이"],
        "cp950": ["功", "貓"],
    }.items():
        names = [f"{name}/{number}.png".encode(code_page) for name in classes for number in range(9)]
        made = upload(alice, raw_zip(names), code_page)
        assert (made.status_code, made.json.get("classes")) == (201, sorted(classes)), made.text


def test_labels_beside_images_are_no_classes_in_the_layouts_of_detectors(alice: Person, upload: Upload) -> None:
    labels = {"a.txt": b"0 0.5 0.5 1 1", "b.xml": b"<annotation/>", "c.json": b"\xef\xbb\xbf{}"}

    def beside(*folders: str) -> dict[str, bytes]:
        return {f"{folder}/{name}": content for folder in folders for name, content in labels.items()}

    for number, files in enumerate(
        (
            {**pictures(20, "images/"), **beside("labels", "annotations")},
            {**pictures(20, "yolo/images/train/"), **pictures(5, "yolo/images/val/"), **beside("yolo/labels/train")},
            {**pictures(20, "train/images/"), **pictures(5, "val/images/"), **beside("train/labels", "val/labels")},
        )
    ):
        made = upload(alice, zipped(files), f"detector-{number}").json
        parts = {"train": 20} if number == 0 else {"train": 20, "test": 5}
        assert (made["classes"], made["parts"]) == ([], parts), made
        assert any("other files skipped" in note for note in made["notes"])


def test_validation_and_test_pictures_are_one_part_with_a_note(alice: Person, upload: Upload) -> None:
    files = {**pictures(20, "train/"), **pictures(3, "val/"), **pictures(4, "test/")}
    made = upload(alice, zipped(files)).json
    assert made["parts"] == {"train": 20, "test": 7}
    assert "the pictures of test/, val/ together are the test part" in made["notes"]


def test_pictures_with_much_beside_their_pixels_become_a_data_set(alice: Person, upload: Upload) -> None:
    large = bytes(1_200_000)
    texts = png_with(chunk(b"zTXt", b"workflow\0\0" + zlib.compress(large)))
    profile = png_with(chunk(b"iCCP", b"icc\0\0" + zlib.compress(large)))
    spoiled = jpeg_with((0xE1, b"Exif\0\0no data at all"))
    answer = upload(alice, zipped({**pictures(16), "texts.png": texts, "profile.png": profile, "spoiled.jpg": spoiled}))
    assert answer.status_code == 201, answer.text
    assert answer.json["images"] == 19


def test_the_same_archive_makes_the_same_bytes_under_any_name(alice: Person, upload: Upload) -> None:
    one, two = (upload(alice, zipped(CLASSES), name).json for name in ("one", "two"))
    assert one["sha256"] == two["sha256"]
    assert one["id"] != two["id"]


def test_a_name_is_used_once_by_each_owner(alice: Person, bob: Person, upload: Upload, pointers: Pointers) -> None:
    archive = zipped(pictures(16))
    assert upload(alice, archive).status_code == 201
    again = upload(alice, archive)
    assert (again.status_code, again.json["code"]) == (409, "conflict")
    assert "you have a data set called pets already" in again.json["detail"]
    assert upload(bob, archive).status_code == 201
    shared = upload(alice, archive, "mnist-10k")
    assert (shared.status_code, "a shared data set" in shared.json["detail"]) == (409, True)
    for name in ("", " ", "a/b", "x\n", new_id("ds"), "a" * 256, "..", " x"):
        assert "/name" in pointers(upload(alice, archive, name))


def test_joiners_and_wide_spaces_stand_in_names_and_what_steers_text_is_refused_by_name(
    alice: Person, upload: Upload
) -> None:
    archive = zipped({**pictures(8, "گربه\u200cها/"), **pictures(8, "👩\u200d👧/")})
    for name in ("گربه\u200cها", "👩\u200d👧", "猫\u3000犬", "क्\u200dष", "café\u00a0noir"):
        made = upload(alice, archive, name)
        assert made.status_code == 201, made.text
        assert (made.json["name"], made.json["classes"]) == (name, ["گربه\u200cها", "👩\u200d👧"])
    for name, character in (
        ("a\u202eb", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("a\u2066b", "U+2066 LEFT-TO-RIGHT ISOLATE"),
        ("a\x1bb", "U+001B"),
        ("a\u2028b", "U+2028 LINE SEPARATOR"),
        ("\u200da", "U+200D ZERO WIDTH JOINER"),
        ("a\u200c", "U+200C ZERO WIDTH NON-JOINER"),
        ("a\u200c\u200cb", "U+200C ZERO WIDTH NON-JOINER"),
    ):
        refused = upload(alice, archive, name)
        assert [error["pointer"] for error in refused.json["errors"]] == ["/name"], name
        assert character in refused.json["errors"][0]["detail"]


def test_a_deleted_data_set_is_gone_and_its_name_is_free(
    alice: Person,
    bob: Person,
    carol: Person,
    admin: Person,
    upload: Upload,
    s3: S3Settings,
    pointers: Pointers,
    stores: Stores,
) -> None:
    archive = zipped(pictures(16))
    made = upload(alice, archive).json
    address = f"/v1/datasets/{made['id']}"
    assert bob.ask("DELETE", address).status_code == 404
    assert carol.ask("DELETE", address).status_code == 403
    assert alice.ask("DELETE", address).status_code == 204
    for path in (address, "/v1/datasets/pets", made["preview"]):
        assert alice.get(path).status_code == 404
        assert admin.get(path).status_code == 404
    assert alice.ask("DELETE", address).status_code == 404
    assert [row["name"] for row in alice.get("/v1/datasets").json["data"]] == ["mnist-10k"]
    for name in ("pets", made["id"]):
        assert "/dataset" in pointers(alice.post("/v1/jobs", json={**TRAIN, "dataset": name}))
    stores.maintenance.doomed_objects.remove("")
    assert not list(s3.client().list_objects(s3.bucket, prefix="datasets/", recursive=True))
    assert upload(alice, archive).status_code == 201


def test_a_job_keeps_its_data_set_until_it_has_ended_and_names_it_ever_after(
    alice: Person, bench: Bench, upload: Upload
) -> None:
    made = upload(alice, zipped(pictures(16, size=(28, 28), mode="L"))).json
    job = alice.submit(dataset="pets", params={"batch_size": 8})
    refused = alice.ask("DELETE", f"/v1/datasets/{made['id']}")
    assert (refused.status_code, refused.json["code"]) == (409, "conflict")
    assert "1 unfinished job needs this data set" in refused.json["detail"]
    bench.finish(bench.claim())
    assert alice.ask("DELETE", f"/v1/datasets/{made['id']}").status_code == 204
    assert alice.get(f"/v1/jobs/{job['id']}").json["dataset"] == "pets"
