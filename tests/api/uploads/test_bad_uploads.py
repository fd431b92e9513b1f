"""Archives that are no data sets: each is refused with what is wrong and what to change, and leaves nothing behind."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from tests.api.conftest import Person, Upload
from tests.api.uploads.archives import Files, picture, pictures, tarred, zipped

GOOD = pictures(16)


def _zip_with(name: str, content: bytes = b"", **facts: Any) -> bytes:
    """Return a zip of good pictures and one member that is made by hand."""
    target = io.BytesIO(zipped(GOOD))
    with zipfile.ZipFile(target, "a") as archive:
        info = zipfile.ZipInfo(name)
        # zipfile cleans names of its own accord; those who mean harm do not.
        info.filename = info.orig_filename = name
        for key, value in facts.items():
            setattr(info, key, value)
        archive.writestr(info, content)
    return target.getvalue()


def _tar_with(name: str, kind: bytes = tarfile.REGTYPE, content: bytes = b"", **facts: Any) -> bytes:
    """Return a tar of good pictures and one member that is made by hand."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for good, body in GOOD.items():
            info = tarfile.TarInfo(good)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
        info = tarfile.TarInfo(name)
        info.type, info.size = kind, len(content)
        for key, value in facts.items():
            setattr(info, key, value)
        archive.addfile(info, io.BytesIO(content))
    return target.getvalue()


def _with_size(field: bytes) -> bytes:
    """Return a tar of good pictures, one of which has these twelve bytes for its size."""
    made = bytearray(tarred(GOOD))
    made[124:136] = field
    made[148:156] = b" " * 8
    made[148:156] = b"%06o\0 " % sum(made[:512])
    return bytes(made)


def _encrypted() -> bytes:
    archive = bytearray(zipped(GOOD))
    place = archive.find(b"PK\1\2")
    archive[place + 8] |= 1
    return bytes(archive)


def _flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0x55]) + content[middle + 1 :]


def _huge_png(side: int) -> bytes:
    """Return a PNG that claims to be so large, with one line of pixels in it."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(side // 8 + 1))) + chunk(b"IEND", b"")


def _deflated(files: Files) -> bytes:
    return zipped(files, zipfile.ZIP_DEFLATED)


def _bomb(how: str) -> bytes:
    """Return 128 MB of nothing, in members that are each small enough."""
    nothing = {f"notes{number}.txt": bytes(32 << 20) for number in range(4)}
    pictures_of_nothing = {f"{number}.png": bytes(32 << 20) for number in range(4)}
    return _deflated({**GOOD, **pictures_of_nothing}) if how == "zip" else tarred({**GOOD, **nothing}, "w:gz")


def _counted(count: int) -> bytes:
    """Return a zip that claims a directory of so many members."""
    archive = bytearray(zipped(GOOD))
    place = archive.rfind(b"PK\5\6")
    wide = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, 1 << 20, 0)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, place, 1)
    archive[place + 8 : place + 20] = b"\xff" * 12
    return bytes(archive[:place] + wide + locator + archive[place:])


def _packed_by(method: int) -> bytes:
    """Return a zip that says of its first member that it is compressed by this method."""
    archive = zipped(GOOD)
    place = archive.index(b"PK\1\2") + 10
    return archive[:place] + struct.pack("<H", method) + archive[place + 2 :]


def _renamed(old: bytes, new: bytes) -> bytes:
    return zipped({**GOOD, old.decode(): picture()}).replace(old, new)


BAD: dict[str, tuple[Callable[[], bytes], str, str]] = {
    # The archive itself.
    "an empty file": (lambda: b"", "the file is empty", "send a zip, a tar"),
    "text": (lambda: b"this is no archive" * 100, "neither zip nor tar", "send a zip, a tar"),
    "a picture": (picture, "a single picture", "send a zip, a tar"),
    "MNIST's own file": (
        lambda: gzip.compress(b"\0\0\x08\x03" + bytes(2000)),
        "the file is compressed with gzip, but it contains no tar",
        "send a zip, a tar",
    ),
    "a picture in bzip2": (
        lambda: bz2.compress(picture()),
        "compressed with bzip2, but it contains no tar",
        "send a zip",
    ),
    "a text in xz": (lambda: lzma.compress(b"just text"), "compressed with xz, but it contains no tar", "send a zip"),
    "a sparse file": (lambda: _tar_with("x.png", tarfile.GNUTYPE_SPARSE), "x.png: is stored as a sparse", "--sparse"),
    "a tar with a negative size": (
        lambda: _with_size(b"\xff" * 12),
        "a header has -1 where a number has to be",
        "create it again",
    ),
    "a tar with a header of digits": (
        lambda: _tar_with("x.png", tarfile.XHDTYPE, b"1" * 80_000),
        "a header of attributes is not readable at: 11111111111111111111",
        "create it again",
    ),
    "a 7z": (lambda: b"7z\xbc\xaf\x27\x1c" + bytes(600), "a 7z archive", "send a zip, a tar"),
    "a zip cut in half": (lambda: zipped(GOOD)[:8000], "cut off or damaged", "create it again"),
    "a tar cut in half": (lambda: tarred(GOOD)[:8000], "cut off or damaged", "create it again"),
    "a tar cut between two files": (lambda: tarred(GOOD)[: 15 * 2048], "cut off or damaged", "create it again"),
    "a tar.gz cut in half": (lambda: tarred(GOOD, "w:gz")[:8000], "cut off or damaged", "create it again"),
    "a tar.xz cut in half": (lambda: tarred(GOOD, "w:xz")[:8000], "cut off or damaged", "create it again"),
    "a tar.gz with a flipped bit": (lambda: _flipped(tarred(GOOD, "w:gz")), "cut off or damaged", "create it again"),
    "a zip with a flipped bit": (lambda: _flipped(zipped(GOOD)), "cut off or damaged", "create it again"),
    "a zip with Deflate64": (
        lambda: _packed_by(9),
        "0000.png: is compressed with Deflate64 9",
        "in 7-Zip: format zip, method Deflate",
    ),
    "an encrypted zip": (_encrypted, "is encrypted", "without a password"),
    "an empty zip": (lambda: zipped({}), "there are no pictures", "at least 16 pictures"),
    "an empty tar": (lambda: tarred({}), "there are no pictures", "at least 16 pictures"),
    # Bombs.
    "a zip bomb": (lambda: _bomb("zip"), "more than 200 times its size", "send pictures as they are"),
    "a tar bomb": (lambda: _bomb("tar"), "more than 200 times its size", "send pictures as they are"),
    "one large member": (lambda: _deflated({**GOOD, "a.png": bytes(65 << 20)}), "larger than 64 MB", "smaller"),
    "a picture of too many pixels": (
        lambda: zipped({**GOOD, "huge.png": _huge_png(10_000)}),
        "huge.png: has more than 50 million pixels",
        "remove it",
    ),
    "a zip that claims a billion members": (lambda: _counted(10**9), "more than 1,000,000 members", "fewer"),
    "an archive in the archive": (lambda: zipped({**GOOD, "x/more.zip": b"PK"}), "archive inside", "unpack it first"),
    # Tricks with names and kinds.
    "a zip that climbs": (
        lambda: _zip_with("../../etc/cron.d/x.png"),
        "leads out of the archive",
        "create the archive",
    ),
    "a tar that climbs": (lambda: _tar_with("a/../../x.png"), "leads out of the archive", "create the archive"),
    "an absolute path in a zip": (lambda: _zip_with("/etc/x.png"), "is an absolute path", "create the archive"),
    "an absolute path in a tar": (lambda: _tar_with("/etc/x.png"), "is an absolute path", "create the archive"),
    "a drive letter": (lambda: _zip_with("C:/x.png"), "is an absolute path", "create the archive"),
    "a zip that climbs by backslashes": (
        lambda: _zip_with("..\\x.png"),
        "leads out of the archive",
        "create the archive",
    ),
    "a drive letter and backslashes": (lambda: _zip_with("C:\\x.png"), "is an absolute path", "create the archive"),
    "a network share": (lambda: _zip_with("\\\\host\\x.png"), "is an absolute path", "create the archive"),
    "a backslash in a tar": (lambda: _tar_with("a\\x.png"), "has a backslash in its name", "create the archive"),
    "a NUL in a name": (lambda: _renamed(b"aaaaa.png", b"x.png\0png"), "has a NUL character", "create the archive"),
    "an endless name": (lambda: _zip_with("x" * 2000 + ".png"), "more than 1024 characters", "create the archive"),
    "a link in a zip": (
        lambda: _zip_with("x.png", b"/etc/passwd", external_attr=(stat.S_IFLNK | 0o777) << 16),
        "is a link or a device",
        "create the archive",
    ),
    "a link in a tar": (
        lambda: _tar_with("x.png", tarfile.SYMTYPE, linkname="/etc/passwd"),
        "is a link or a device",
        "create the archive again with `tar --dereference`",
    ),
    "a hard link": (
        lambda: _tar_with("x.png", tarfile.LNKTYPE, linkname="0001.png"),
        "x.png: is a hard link to another file of the archive",
        "create the archive again with `tar --hard-dereference`, or as a zip",
    ),
    "a device": (
        lambda: _tar_with("x.png", tarfile.CHRTYPE, devmajor=1, devminor=5),
        "is a link or a device",
        "create the archive",
    ),
    "a pipe": (lambda: _tar_with("x.png", tarfile.FIFOTYPE), "is a link or a device", "create the archive"),
    # Pictures.
    "a text named .png": (
        lambda: zipped({**GOOD, "x/notes.png": b"just text"}),
        "x/notes.png: is not a PNG, JPEG, WebP, BMP, AVIF or HEIC picture",
        "remove it, or send skip_damaged=true",
    ),
    "nothing but texts": (
        lambda: zipped({f"{number}.png": b"just text" for number in range(30)}),
        "30 unreadable pictures",
        "remove them",
    ),
    "an empty file among the pictures": (lambda: zipped({**GOOD, "x.png": b""}), "x.png: is empty", "remove it"),
    "a PNG with a flipped bit in a tar": (
        lambda: tarred({**GOOD, "x.png": _flipped(picture(3))}),
        "x.png: is damaged",
        "remove it",
    ),
    "a JPEG that is cut off": (
        lambda: zipped({**GOOD, "x.jpg": picture(3, (64, 64), kind="JPEG")[:900]}),
        "x.jpg: is damaged",
        "remove it",
    ),
    "a WebP that is cut off": (
        lambda: zipped({**GOOD, "x.webp": picture(3, (64, 64), kind="WEBP")[:900]}),
        "x.webp: is damaged",
        "remove it",
    ),
    "a BMP that is cut off": (
        lambda: zipped({**GOOD, "x.bmp": picture(3, (64, 64), kind="BMP")[:900]}),
        "x.bmp: is damaged",
        "remove it",
    ),
    "a GIF": (lambda: zipped({**GOOD, "x.gif": picture(kind="GIF")}), "an unsupported format (1 .gif)", "convert"),
    "a GIF named .png": (lambda: zipped({**GOOD, "x.png": picture(kind="GIF")}), "x.png: is not a PNG", "remove it"),
    "a TIFF": (lambda: zipped({**GOOD, "x.tif": picture(kind="TIFF")}), "an unsupported format (1 .tif)", "convert"),
    # Too few, and folders that describe nothing.
    "three images in all": (lambda: zipped(pictures(3)), "there are only 3 pictures", "at least 16 pictures"),
    "an empty class": (
        lambda: zipped({**pictures(20, "pets/cat/"), "pets/dog/": b""}),
        "class folder dog/ contains no pictures",
        "put at least 2 in every class folder, or remove this folder",
    ),
    "a class of one": (
        lambda: zipped({**pictures(20, "cat/"), **pictures(1, "dog/")}),
        "class folder dog/ contains only 1 picture",
        "put at least 2",
    ),
    "an empty domain": (
        lambda: zipped({**pictures(20, "A/"), "B/": b""}),
        "B/ contains no pictures",
        "put at least 2",
    ),
    "half a pair of domains": (
        lambda: zipped({**pictures(20, "trainA/"), **pictures(20, "testA/")}),
        "are not a pair of domains",
        "A/ and B/",
    ),
    "too deep": (
        lambda: zipped({**pictures(20, "a/b/c/"), **pictures(20, "a/d/")}),
        "b/c/ is one folder too deep",
        "one folder for each class",
    ),
    "pictures beside folders": (
        lambda: zipped({**pictures(20), **pictures(20, "cat/")}),
        "some pictures are beside folders",
        "one folder for each class",
    ),
    "an empty folder in a part": (
        lambda: zipped({**pictures(20, "train/images/"), "val/images/": b""}),
        "val/images/ contains no pictures",
        "put pictures in it, or remove it",
    ),
    "a class that only the test part has": (
        lambda: zipped({**pictures(20, "train/cat/"), **pictures(20, "test/dog/")}),
        "test/ has a class that train/ does not have: dog",
        "give both the same",
    ),
    "a folder for each picture": (
        lambda: zipped(
            {f"{number}/{name}": b for number in range(1001) for name, b in pictures(2, size=(8, 8)).items()}
        ),
        "1,001 class folders are too many",
        "use one folder",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_archive_gets_a_clear_answer_and_leaves_nothing(
    alice: Person, upload: Upload, nothing_left: Callable[[], bool], case: str
) -> None:
    make, wrong, remedy = BAD[case]
    answer = upload(alice, make())
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json"), answer.text
    problem = answer.json
    assert problem["code"] == "validation"
    assert {error["pointer"] for error in problem["errors"]} == {"/file"}
    said = "\n".join([problem["detail"], *(error["detail"] for error in problem["errors"])])
    assert wrong in said
    assert remedy in problem["detail"]
    assert nothing_left()


def test_damaged_pictures_among_good_ones_are_named_up_to_twenty_or_left_out(
    alice: Person, upload: Upload, nothing_left: Callable[[], bool]
) -> None:
    torn = {f"torn{number:02}.png": picture(number)[:-200] for number in range(25)}
    refused = upload(alice, tarred({**pictures(50), **torn})).json
    assert refused["detail"].startswith("25 unreadable pictures; remove them")
    assert [error["file"] for error in refused["errors"]] == [f"torn{number:02}.png" for number in range(20)]
    assert nothing_left()
    made = upload(alice, tarred({**pictures(50), **torn}), skip_damaged="true")
    assert made.status_code == 201, made.text
    assert made.json["images"] == 50
    named = ", ".join(f"torn{number:02}.png" for number in range(20))
    assert f"25 unreadable skipped: {named}, …" in made.json["notes"]


def test_what_is_left_without_the_damaged_ones_must_still_be_a_data_set(
    alice: Person, upload: Upload, nothing_left: Callable[[], bool]
) -> None:
    # A JPEG whose header is whole is only found out when it is decoded.
    torn = {f"dog/{number}.jpg": picture(number, (64, 64), kind="JPEG")[:900] for number in range(5)}
    answer = upload(alice, zipped({**pictures(20, "cat/"), **torn, "dog/5.png": picture()}), skip_damaged="true")
    assert answer.status_code == 422
    assert "too few pictures of dog are readable" in answer.json["detail"]
    few = upload(
        alice, zipped({**pictures(15), **{name[4:]: body for name, body in torn.items()}}), skip_damaged="true"
    )
    assert few.status_code == 422
    assert "only 15 pictures are readable; a data set needs at least 16" in few.json["detail"]
    assert nothing_left()
