"""Zips are read entry by entry, from the directory that zipfile finds, and never more at once than is asked for."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from models.messages import Message
from packing import zip_members
from packing.errors import RefusedError
from packing.zip_members import Directory
from tests.api.uploads.archives import Files, picture, pictures, zipped
from tests.packing.test_importer import run
from tests.packing.trees import imported

FILES = {**pictures(3), "folder/": b"", "folder/ä.txt": b"text", "empty": b""}
END = b"PK\5\6"


def contents(archive: bytes) -> Files:
    """Return the members as they are read here."""
    directory = Directory(io.BytesIO(archive))
    names = {entry.raw_name.decode("utf-8" if entry.is_utf8 else "cp437"): entry for entry in directory}
    return {name: b"".join(directory.read(entry, name)) for name, entry in names.items()}


def by_zipfile(archive: bytes) -> Files:
    """Return the members as zipfile reads them."""
    with zipfile.ZipFile(io.BytesIO(archive)) as whole:
        return {info.filename: whole.read(info) for info in whole.infolist()}


def wide(archive: bytes) -> bytes:
    """Return the archive with an end record of 64 bits, as for more than 65,535 members."""
    place = archive.rfind(END)
    count, size, offset = struct.unpack("<HLL", archive[place + 10 : place + 20])
    record = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, place, 1)
    return archive[:place] + record + locator + archive[place : place + 8] + b"\xff" * 12 + b"\0\0"


def commented(archive: bytes, comment: bytes) -> bytes:
    """Return the archive with a comment."""
    return archive[:-2] + struct.pack("<H", len(comment)) + comment


def wide_entries() -> bytes:
    """Return an archive with sizes of 64 bits in the extra field of an entry, as for members above 4 GB."""
    archive = bytearray(zipped({"a.png": picture(), "b": b"b"}))
    place = archive.index(b"PK\1\2")
    packed, size = struct.unpack("<LL", archive[place + 20 : place + 28])
    extra = struct.pack("<HHQQ", 1, 16, size, packed)
    archive[place + 20 : place + 28] = b"\xff" * 8
    archive[place + 30 : place + 32] = struct.pack("<H", len(extra))
    archive[place + 46 + 5 : place + 46 + 5] = extra
    end = archive.rfind(END)
    (length,) = struct.unpack("<L", archive[end + 12 : end + 16])
    archive[end + 12 : end + 16] = struct.pack("<L", length + len(extra))
    return bytes(archive)


FALSE_END = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, 46, 0)
DIRECTORIES: dict[str, Callable[[], bytes]] = {
    "plain": lambda: zipped(FILES),
    "no member": lambda: zipped({}),
    "a comment": lambda: commented(zipped(FILES), b"made by hand"),
    "a program before it": lambda: b"PK is no mark" * 1000 + zipped(FILES),
    "64 bits": lambda: wide(zipped(FILES)),
    "64 bits in an entry": wide_entries,
    "64 bits and a program before it": lambda: b"x" * 999 + wide(zipped(FILES)),
    "a mark of 64 bits in the comment": lambda: commented(zipped(FILES), FALSE_END),
    "a mark of 64 bits in the last member": lambda: zipped({**FILES, "last": FALSE_END}),
}


@pytest.mark.parametrize("case", DIRECTORIES)
def test_members_are_those_that_zipfile_finds(case):
    archive = DIRECTORIES[case]()
    assert contents(archive) == by_zipfile(archive)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_method_of_zipfile_is_read(method):
    noise = random.Random(1)
    sizes = (0, 1, 65_537, 3_000_001)
    files = {
        f"{size}{kind}": body for size in sizes for kind, body in (("0", bytes(size)), ("r", noise.randbytes(size)))
    }
    assert contents(zipped(files, method)) == files


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_that_is_cut_off_or_changed_is_damaged(method):
    archive = bytearray(zipped({"a": random.Random(1).randbytes(5000), "b": b"b"}, method))
    for place in (60, 1000, 4900):
        changed = bytearray(archive)
        changed[place] ^= 0xFF
        with pytest.raises(zip_members.DAMAGE):
            contents(bytes(changed))
    place = archive.index(b"PK\1\2")
    (size,) = struct.unpack("<L", archive[place + 24 : place + 28])
    archive[place + 24 : place + 28] = struct.pack("<L", size + 1)
    with pytest.raises((EOFError, zipfile.BadZipFile)):
        contents(bytes(archive))


@pytest.mark.parametrize(
    ("method", "name"),
    [(9, "Deflate64 9"), (1, "Shrink 1"), (6, "Implode 6"), (93, "Zstandard 93"), (98, "PPMd 98"), (77, "method 77")],
)
def test_a_method_that_is_not_read_is_named_with_the_way_out(tmp_path: Path, method: int, name: str):
    archive = zipped(pictures(16))
    place = archive.index(b"PK\1\2") + 10
    with pytest.raises(RefusedError) as refused:
        imported(tmp_path, archive[:place] + struct.pack("<H", method) + archive[place + 2 :])
    (problem,) = refused.value.problems
    assert (problem.file, str(problem.problem)) == ("0000.png", f"is compressed with {name}, which is not supported")
    assert "with the method Deflate (in 7-Zip: format zip, method Deflate), or send a tar" in str(refused.value)


def entries(count: int, offset: Callable[[int], int]) -> bytes:
    """Return a directory of so many entries, behind the local header of an empty member."""
    name = b"a"
    header = struct.pack("<4s2B4HL2L2H", b"PK\3\4", 20, 0, 0, 0, 0, 33, 0, 0, 0, len(name), 0) + name
    body = header * 2
    entry = struct.Struct("<4s4B4HL2L5H2L")
    directory = b"".join(
        entry.pack(b"PK\1\2", 20, 0, 20, 0, 0, 0, 0, 33, 0, 0, 0, len(name), 0, 0, 0, 0, 0, offset(n)) + name
        for n in range(count)
    )
    return body + directory + struct.pack("<4s4H2LH", END, 0, 0, 1, 1, len(directory), len(body), 0)


def test_entries_are_counted_before_they_are_read_whatever_their_claimed_number(monkeypatch):
    monkeypatch.setattr(zip_members, "MOST_MEMBERS", 50)
    with pytest.raises(RefusedError, match="more than 50 members"):
        Directory(io.BytesIO(commented(entries(51, lambda n: n), FALSE_END)))
    assert len(list(Directory(io.BytesIO(entries(50, lambda n: n))))) == 50


def test_members_that_overlap_are_damaged():
    with pytest.raises(zipfile.BadZipFile, match="overlap"):
        contents(entries(2, lambda n: 0))
    archive = bytearray(zipped({"a": b"a" * 50, "b": b"b"}))
    place = archive.index(b"PK\1\2") + 20
    archive[place : place + 4] = struct.pack("<L", 51)
    with pytest.raises(zipfile.BadZipFile, match="overlap"):
        contents(bytes(archive))


def test_a_directory_that_points_outside_of_the_archive_is_damaged():
    with pytest.raises(zipfile.BadZipFile, match="outside"):
        contents(entries(1, lambda n: 1 << 31))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_that_unpacks_to_far_more_than_it_says_takes_no_memory(tmp_path: Path, method: int):
    target = io.BytesIO(zipped(pictures(16)))
    with zipfile.ZipFile(target, "a", method) as archive, archive.open("x.png", "w") as member:
        for _ in range(60):
            member.write(bytes(1 << 20))
    content = bytearray(target.getvalue())
    place = content.rindex(b"PK\1\2")
    content[place + 24 : place + 28] = struct.pack("<L", 1 << 20)
    (tmp_path / "a.zip").write_bytes(content)
    told, peak = run(tmp_path / "a.zip")
    assert "wrong checksum of x.png" in str(Message.of(told["summary"]))
    assert peak < 60_000, peak
