"""Tars of every form, and headers that are made by hand to hold their reader up."""

from __future__ import annotations

import gzip
import io
import subprocess
import tarfile
import time
from pathlib import Path

import pytest

from packing.archive import Archive
from packing.errors import RefusedError
from packing.limits import MOST_UNPACKED

FILES = {
    "a.png": b"one",
    "folder/b.png": bytes(1000),
    "猫/" + "long name " * 12 + ".png": b"three",
    "/".join(["deep" * 10] * 3) + "/c.png": b"four" * 512,
    "empty.png": b"",
}


def read(path: Path) -> dict[str, bytes]:
    """Return the files of an archive."""
    return {"/".join(member.parts): member.read() for member in Archive(path).members() if not member.is_folder}


def header(name: str = "x.png", size: bytes = b"%011o\0" % 0, kind: bytes = b"0") -> bytes:
    """Return a header with a right checksum."""
    field = name.encode("utf-8", "surrogateescape").ljust(100, b"\0")
    block = bytearray(field + b"0000644\0" * 3 + size + b"0" * 11 + b"\0" + b" " * 8 + kind)
    block = block.ljust(257, b"\0") + b"ustar\x0000"
    block = block.ljust(512, b"\0")
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def extra(content: bytes, kind: bytes = b"x", size: int | None = None) -> bytes:
    """Return a header that describes the next one, and its content."""
    length = len(content) if size is None else size
    return header("extra", b"%011o\0" % length, kind) + content.ljust(-(-len(content) // 512) * 512, b"\0")


def record(keyword: str, value: str) -> bytes:
    """Return a record of a PAX header."""
    rest = f" {keyword}={value}\n".encode()
    length = len(rest) + len(str(len(rest)))
    length = len(rest) + len(str(length))
    return str(length).encode() + rest


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("how", ["w", "w:gz", "w:xz"])
def test_every_form_of_python_is_read(tmp_path: Path, form: int, how: str) -> None:
    path = tmp_path / "archive"
    files = {name: content for name, content in FILES.items() if form != tarfile.USTAR_FORMAT or "long" not in name}
    with tarfile.open(path, how, format=form) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    assert read(path) == files


@pytest.mark.parametrize(
    "options",
    [
        ["--format=v7"],
        ["--format=oldgnu"],
        ["--format=gnu", "--label=pictures"],
        ["--format=ustar"],
        ["--format=posix", "--xattrs"],
        ["--format=posix", "--pax-option=comment=" + "x" * 3000],
        ["--format=gnu", "--listed-incremental=snapshot"],
        ["--gzip", "--format=gnu", "--listed-incremental=snapshot"],
    ],
    ids=" ".join,
)
def test_every_form_of_gnu_tar_is_read(tmp_path: Path, options: list[str]) -> None:
    folder = tmp_path / "folder"
    files = {name: content for name, content in FILES.items() if len(name) < 90}
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    path = tmp_path / "archive"
    subprocess.run(["tar", *options, "-cf", path, "-C", folder, "."], check=True, cwd=tmp_path)
    assert read(path) == files


def test_sparse_files_are_refused_by_their_name(tmp_path: Path) -> None:
    with (tmp_path / "z.png").open("wb") as file:
        file.truncate(1_000_000)
    for form in ("gnu", "posix"):
        path = tmp_path / form
        subprocess.run(["tar", "-S", f"--format={form}", "-cf", path, "-C", tmp_path, "z.png"], check=True)
        with pytest.raises(RefusedError, match=r"z\.png is stored as a sparse file: .*--sparse"):
            read(path)


MANY_KEYWORDS = b"".join(record(f"{number:x}", "") for number in range(80_000))
HELD_UP = {
    "a negative size": (header(size=b"\xff" * 12), "has -1 where"),
    "a negative size in digits": (header(size=b"-0000000512\0"), "has -0000000512 where"),
    "an absurd size": (header(size=b"\x80" + b"\xff" * 11), "claims a member of 309,485,009,821,345,068,724,781,055"),
    "a size beyond all": (header(size=b"\x80" + (MOST_UNPACKED + 1).to_bytes(11, "big")), "claims a member"),
    "a size of letters": (header(size=b"enormous!!!\0"), "has enormous!!! where"),
    "a header of digits": (extra(b"1" * 900_000), "is not readable at: 1111"),
    "digits in a value": (extra(record("comment", "1" * 900_000)) + header(), None),
    "many records": (extra(record("a", "") * 100_000) + header(), None),
    "many keywords for all of many members": (extra(MANY_KEYWORDS, b"g") + header() * 500, None),
    "a size of a million digits": (extra(record("size", "9" * 900_000)) + header(), "has 99999999999999999999 where"),
    "a negative size in a record": (extra(record("size", "-1")) + header(), "has -1 where"),
    "a length of nothing": (extra(b"0 a=b\n"), "is not readable at"),
    "a length beyond the header": (extra(b"99 a=b\n"), "is not readable at"),
    "a huge header of attributes": (extra(b"", size=1 << 30), "has 1,073,741,824 bytes, and may have"),
    "a huge header of a long name": (extra(b"", b"L", size=1 << 30), "has 1,073,741,824 bytes, and may have"),
    "a header of attributes of negative size": (header(size=b"\xff" * 12, kind=b"x"), "has -1 where"),
    "headers without end": (extra(record("a", "b")) * 10_000, "8 headers of long names or attributes follow"),
    "headers for all without end": (extra(record("a", "b"), b"g") * 10_000, "8 headers of long names or attributes"),
    "labels without end": (header(kind=b"V") * 10_000, "8 headers of long names or attributes"),
    "a wrong checksum": (header() + header().replace(b"x.png", b"y.png"), "wrong checksum"),
    "nothing at the end": (header(), "the end is missing"),
    "half a header at the end": (header() + header()[:300], "the end is missing"),
}


@pytest.mark.parametrize("case", HELD_UP)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "compressed"])
def test_a_header_made_by_hand_is_refused_before_it_is_read(tmp_path: Path, case: str, packed: bool) -> None:
    content, wrong = HELD_UP[case]
    whole = content if case.endswith("at the end") else content + bytes(1024)
    path = tmp_path / "archive"
    path.write_bytes(gzip.compress(whole) if packed else whole)
    began = time.process_time()
    if wrong is None or (packed and case == "nothing at the end"):
        assert list(read(path)) == ["x.png"]
    else:
        with pytest.raises(RefusedError) as refused:
            read(path)
        assert wrong in str(refused.value)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(("name", "shown"), [("a\x1b[2J.png", "a\ufffd[2J.png"), ("a\udcff.png", "a\ufffd.png")])
def test_the_name_of_a_member_that_is_cut_off_is_safe_to_print(tmp_path: Path, name: str, shown: str) -> None:
    (tmp_path / "archive").write_bytes(header(name, b"%011o\0" % 5000) + bytes(1000))
    with pytest.raises(RefusedError) as refused:
        read(tmp_path / "archive")
    assert f"cut off or damaged ({shown} ends early)" in str(refused.value)
