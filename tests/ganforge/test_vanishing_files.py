"""What changes or vanishes while it is sent is one readable line, never a traceback."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ganforge import upload
from ganforge.errors import UploadError
from tests.api.uploads.archives import pictures, zipped
from tests.packing.trees import laid_out


def prepared(path: Path) -> upload.Body:
    return upload.body(path, {"name": "x"}, lambda _sent, _all: None, skip=False, note=lambda _note: None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return laid_out(tmp_path / "pets", pictures(16, "cat/"))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "pets.zip"
    path.write_bytes(zipped(pictures(16)))
    return path


def test_the_length_is_what_is_sent(folder: Path, archive: Path) -> None:
    for path in (folder, archive):
        form = prepared(path)
        assert sum(map(len, form.pieces())) == form.length


def test_a_folder_that_vanishes_is_named(folder: Path) -> None:
    form = prepared(folder)
    shutil.rmtree(folder)
    with pytest.raises(UploadError, match=r"cat/0000\.png can't be read: No such file or directory"):
        list(form.pieces())
    with pytest.raises(UploadError, match=r"pets can't be read: No such file or directory"):
        prepared(folder)


def test_a_picture_that_vanishes_or_grows_is_named(folder: Path) -> None:
    form = prepared(folder)
    with (folder / "cat/0003.png").open("ab") as file:
        file.write(b"more")
    with pytest.raises(UploadError, match=r"0003\.png changed during the upload"):
        list(form.pieces())
    (folder / "cat/0003.png").unlink()
    with pytest.raises(UploadError, match=r"0003\.png can't be read"):
        list(form.pieces())


@pytest.mark.parametrize("change", ["longer", "shorter", "gone"])
def test_an_archive_that_changes_or_vanishes_is_named(archive: Path, change: str) -> None:
    form = prepared(archive)
    content = archive.read_bytes()
    if change == "gone":
        archive.unlink()
    else:
        archive.write_bytes(content + b"x" if change == "longer" else content[:-1])
    said = "can't be read" if change == "gone" else "changed during the upload"
    with pytest.raises(UploadError, match=rf"pets\.zip {said}"):
        list(form.pieces())


def test_a_link_that_leads_nowhere_is_named(folder: Path) -> None:
    (folder / "dog").symlink_to("/proc/1/does-not-exist-ever")
    with pytest.raises(UploadError, match=r"dog is a link to /proc/1/does-not-exist-ever, which isn't there"):
        prepared(folder)
    (folder / "dog").unlink()
    (folder / "circle").symlink_to("circle")
    with pytest.raises(UploadError, match="circle is a link to circle"):
        prepared(folder)


def test_names_that_are_no_utf_8_can_be_told(folder: Path) -> None:
    odd = folder / os.fsdecode(b"\xff\xfe.png")
    odd.symlink_to("/nowhere")
    with pytest.raises(UploadError) as lost:
        prepared(folder)
    assert "\ufffd\ufffd.png is a link to /nowhere" in str(lost.value)
    odd.unlink()
    os.mkfifo(odd)
    notes: list[str] = []
    upload.body(folder, {"name": "x"}, lambda _sent, _all: None, skip=False, note=notes.append)
    assert notes == ["\ufffd\ufffd.png is a pipe or a device, and was left out"]
