"""A tree of files makes the same data set as a folder, a zip, a tar, and below a data root."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from packing.errors import RefusedError
from packing.layouts import LAYOUTS
from packing.layouts.walk import pictures_below
from packing.names import Kind, is_junk, kind_of
from tests.api.uploads.archives import Files, picture, pictures
from tests.packing.trees import HEIC, every_way, imported, laid_out

CATS, DOGS = pictures(10, "cat/"), pictures(10, "dog/")
# What people's machines leave beside their pictures; all of it is a picture by its content.
LEFT_BY_MACHINES = {
    name: picture()
    for name in (
        *("__MACOSX/cat/._0000.png", "cat/._0001.png", ".DS_Store", ".thumbnails/large/1.png", ".git/x.png"),
        *("cat/@eaDir/0000.png/SYNOFILE_THUMB_M.jpg", "cat/Thumbs.db", "Desktop.ini", "$RECYCLE.BIN/1.png"),
        *(
            "#recycle/2.png",
            "System Volume Information/3.png",
            ".Trash-1000/files/4.png",
            "cat/.ipynb_checkpoints/5.png",
        ),
    )
}


@pytest.mark.parametrize(
    ("more", "images", "classes"),
    [
        ({}, 20, ["cat", "dog"]),
        (LEFT_BY_MACHINES, 20, ["cat", "dog"]),
        ({"README.md": b"text", "cat/labels.csv": b"1,2"}, 20, ["cat", "dog"]),
        ({"cat/IMG_1.HEIC": HEIC, "dog/a.avif": picture(kind="AVIF")}, 22, ["cat", "dog"]),
        (
            {"cat/0001": picture(5), "dog/no_ending": picture(6, kind="JPEG"), "dog/Makefile": b"all:"},
            22,
            ["cat", "dog"],
        ),
        ({"cat/x.JPE": picture(7, kind="JPEG"), "dog/x.jfif": picture(8, kind="JPEG")}, 22, ["cat", "dog"]),
    ],
)
def test_a_tree_gives_the_same_images_classes_and_notes_in_every_way(
    tmp_path: Path, more: Files, images: int, classes: list[str]
) -> None:
    files = {**CATS, **DOGS, **more}
    made = {way: imported(tmp_path / way, archive) for way, archive in every_way(tmp_path / "t", files).items()}
    for way, facts in made.items():
        assert (facts["images"], facts["classes"]) == (images, classes), way
        assert facts["notes"] == made["zip"]["notes"], way
    assert LAYOUTS["folder"].counts(tmp_path / "t") == {"train": images}
    others = [name for name in ("README.md", "dog/Makefile") if name in more]
    assert all(any(name in note for note in made["zip"]["notes"]) for name in others)


def test_a_pair_of_domains_has_the_same_parts_below_a_data_root(tmp_path: Path) -> None:
    files = {**pictures(8, "trainA/"), **pictures(9, "trainB/"), **pictures(2, "testA/")}
    files |= {f"trainA/{name}": content for name, content in LEFT_BY_MACHINES.items()} | {"trainB/x.heic": HEIC}
    parts = {"trainA": 8, "trainB": 10, "testA": 2}
    for way, archive in every_way(tmp_path / "t", files).items():
        assert imported(tmp_path / way, archive)["parts"] == parts, way
    assert LAYOUTS["domains"].matches(tmp_path / "t")
    assert LAYOUTS["domains"].counts(tmp_path / "t") == parts


FOREIGN = {"cat/a.gif": b"GIF89a", "cat/b.TIFF": b"II*\0", "dog/logo.svg": b"<svg/>", "old/all.zip": b"PK"}


def test_files_of_other_kinds_are_named_with_kinds_and_numbers_in_every_way(tmp_path: Path) -> None:
    for way, archive in every_way(tmp_path / "t", {**CATS, **DOGS, **FOREIGN}, skip=True).items():
        with pytest.raises(RefusedError) as refused:
            imported(tmp_path / way, archive)
        said = str(refused.value)
        assert "4 files in unsupported formats (1 .gif, 1 .svg, 1 .tiff, 1 .zip)" in said, way
        assert "skip_damaged=true" in said
        assert sorted(one.file for one in refused.value.problems) == sorted(FOREIGN), way


def test_skip_damaged_leaves_out_files_of_other_kinds_and_damaged_ones_and_counts_both(tmp_path: Path) -> None:
    files = {**CATS, **DOGS, **FOREIGN, "dog/gif-called.png": b"GIF89a", "dog/torn.png": picture(1)[:-200]}
    del files["old/all.zip"]
    files["dog/all.zip"] = b"PK"
    for way, archive in every_way(tmp_path / "t", files, skip=True).items():
        facts = imported(tmp_path / way, archive, skip=True)
        notes = "\n".join(facts["notes"])
        assert (facts["images"], facts["classes"]) == (20, ["cat", "dog"]), way
        assert "2 unreadable skipped: dog/gif-called.png, dog/torn.png" in notes, way
        assert "4 files in unsupported formats skipped (1 .gif, 1 .svg, 1 .tiff, 1 .zip): cat/a.gif" in notes


def test_of_many_files_of_other_kinds_twenty_are_named_and_all_are_counted(tmp_path: Path) -> None:
    many = {f"g{number:02}.gif": b"GIF89a" for number in range(25)}
    archive = every_way(tmp_path / "t", {**pictures(16), **many}, skip=True)["zip"]
    with pytest.raises(RefusedError) as refused:
        imported(tmp_path / "a", archive)
    assert [one.file for one in refused.value.problems] == [f"g{number:02}.gif" for number in range(20)]
    assert "25 files in unsupported formats (25 .gif)" in str(refused.value)
    note = imported(tmp_path / "b", archive, skip=True)["notes"][-1]
    assert "25 files in unsupported formats skipped" in note
    assert note.endswith("g18.gif, g19.gif, …")


def test_a_folder_of_text_beside_the_pictures_is_no_class_and_an_empty_folder_is_one(tmp_path: Path) -> None:
    labels = {f"labels/{number:04}.txt": b"0 0.5 0.5 1 1" for number in range(16)}
    for way, archive in every_way(tmp_path / "t", {**pictures(16, "images/"), **labels}).items():
        facts = imported(tmp_path / way, archive)
        assert (facts["images"], facts["classes"], facts["parts"]) == (16, [], {"train": 16}), way
        assert any("16 other files skipped: labels/0000.txt" in note for note in facts["notes"]), way
    with pytest.raises(RefusedError, match="class folder bird/ contains no pictures"):
        imported(tmp_path / "c", every_way(tmp_path / "u", {**CATS, **DOGS, "bird/": b""})["folder"])


def test_linked_folders_are_followed_once_and_circles_end(tmp_path: Path) -> None:
    laid_out(tmp_path / "disk", {**CATS, **DOGS})
    root = laid_out(tmp_path / "root", pictures(2, "own/"))
    for name in ("cat", "dog"):
        (root / name).symlink_to(tmp_path / "disk" / name)
    (root / "own" / "again").symlink_to(root)
    (root / "own" / "twice").symlink_to(tmp_path / "disk" / "cat")
    (tmp_path / "disk" / "cat" / "up").symlink_to(tmp_path / "disk")
    names = sorted(entry.name for entry in pictures_below(root))
    assert names == sorted([*CATS, *DOGS, *pictures(2, "own/")])


def test_pipes_and_sockets_among_the_pictures_are_never_opened(tmp_path: Path) -> None:
    laid_out(tmp_path, pictures(2))
    for name in ("p.png", "without_ending"):
        os.mkfifo(tmp_path / name)
    assert [entry.name for entry in sorted(pictures_below(tmp_path))] == ["0000.png", "0001.png"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.PNG", Kind.PICTURE),
        ("a/b.c.heif", Kind.PICTURE),
        ("x.apng", Kind.PICTURE),
        ("a.cr2", Kind.OTHER_PICTURE),
        ("a.tar.gz", Kind.ARCHIVE),
        ("v1.0/0001", Kind.UNNAMED),
        ("notes.txt", Kind.OTHER),
    ],
)
def test_a_name_tells_the_kind_of_a_file(name: str, kind: Kind) -> None:
    assert kind_of(name) is kind


def test_junk_is_known_by_its_whole_name() -> None:
    assert all(map(is_junk, ("Thumbs.db", "@eaDir", ".thumbnails", "__MACOSX", "DESKTOP.INI", "Icon\r")))
    assert not any(map(is_junk, ("thumbs", "eaDir", "macosx", "recycle", "Icon")))
