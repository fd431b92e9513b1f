"""Names in zips of every kind of machine become the names that people gave."""

from __future__ import annotations

import struct
import time
import unicodedata
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from packing.code_pages import likeliest
from packing.errors import RefusedError
from packing.zip_names import ZipNames
from tests.api.uploads.archives import pictures, tarred
from tests.packing.trees import imported

_PICTURES = list(pictures(16).values())
Extra = Callable[[bytes], bytes]


def raw_zip(names: list[bytes], flags: int = 0, extra: Extra = lambda _raw: b"") -> bytes:
    """Return a zip of pictures whose names are bytes as given."""
    out = directory = b""
    for raw, content in zip(names, _PICTURES * 9, strict=False):
        more = extra(raw)
        facts = (20, flags, 0, 0, 33, zlib.crc32(content), len(content), len(content), len(raw), len(more))
        fields = struct.pack("<HHHHHLLLHH", *facts)
        directory += (
            b"PK\1\2" + struct.pack("<H", 20) + fields + struct.pack("<HHHLL", 0, 0, 0, 0, len(out)) + raw + more
        )
        out += b"PK\3\4" + fields + raw + more + content
    count, size = len(names), len(directory)
    return out + directory + b"PK\5\6" + struct.pack("<HHHHLLH", 0, 0, count, count, size, len(out), 0)


def in_classes(classes: tuple[str, ...], encoding: str, separator: str = "/") -> list[bytes]:
    return [f"{name}{separator}{number}.png".encode(encoding) for name in classes for number in range(10)]


def unicode_path(raw: bytes, name: str, *, checksum: int | None = None) -> bytes:
    field = struct.pack("<BL", 1, zlib.crc32(raw) if checksum is None else checksum) + name.encode()
    return struct.pack("<HH", 0x7075, len(field)) + field


@pytest.mark.parametrize(
    ("classes", "encoding", "told"),
    [
        (("犬", "猫"), "cp932", "Shift JIS"),
        (("ソース", "表"), "cp932", "Shift JIS"),  # second bytes of 5C
        (("さくら", "データ"), "cp932", "Shift JIS"),
        (("狗", "猫"), "gbk", "GBK"),
        (("誠實", "花"), "gbk", "GBK"),
        (("新建文件夹", "照片"), "gbk", "GBK"),
        (("狗", "貓"), "cp950", "Big5"),
        (("功夫", "許功蓋"), "cp950", "Big5"),
        (("강아지", "고양이"), "cp949", "EUC-KR"),
        (("사과", "바나나"), "cp949", "EUC-KR"),
        (("Müller", "café"), "cp437", "code page 437"),
        (("señor", "Öl"), "cp437", "code page 437"),
    ],
)
def test_names_without_an_encoding_are_guessed_with_a_note(
    tmp_path: Path, classes: tuple[str, ...], encoding: str, told: str
) -> None:
    facts = imported(tmp_path, raw_zip(in_classes(classes, encoding)))
    assert facts["classes"] == sorted(classes)
    assert f"names in the archive do not declare their encoding; they were read as {told}" in facts["notes"]


@pytest.mark.parametrize("flags", [0, 0x800])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_utf_8_is_utf_8_with_or_without_its_flag_and_accents_are_one_letter(
    tmp_path: Path, flags: int, form: str
) -> None:
    classes = ("café", "がぎ", "한국", "猫")
    names = in_classes(tuple(unicodedata.normalize(form, name) for name in classes), "utf-8")
    facts = imported(tmp_path, raw_zip(names, flags))
    assert facts["classes"] == sorted(classes)
    assert not any("encoding" in note for note in facts["notes"])


def test_bytes_that_are_utf_8_by_chance_go_with_the_others_of_their_archive(tmp_path: Path) -> None:
    assert "猫".encode("gbk").decode("utf-8") == "è"
    names = in_classes(("猫", "狗"), "gbk") + in_classes(("雪山",), "utf-8")
    assert imported(tmp_path / "a", raw_zip(names))["classes"] == sorted(("猫", "狗", "雪山"))
    assert imported(tmp_path / "b", raw_zip(in_classes(("è", "b"), "utf-8")))["classes"] == ["b", "è"]


def test_a_tar_of_a_mac_has_the_same_classes_in_both_of_its_parts(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "é")
    facts = imported(
        tmp_path,
        tarred(
            {**pictures(10, f"train/{decomposed}/"), **pictures(10, "train/b/")}
            | {**pictures(3, "test/é/"), **pictures(3, "test/b/")}
        ),
    )
    assert (facts["classes"], facts["parts"]) == (["b", "é"], {"train": 20, "test": 6})


def test_the_unicode_path_counts_if_its_checksum_fits(tmp_path: Path) -> None:
    names = {b"__%d/%d.png" % (n % 2, n): f"{'猫犬'[n % 2]}/{n}.png" for n in range(20)}
    right = raw_zip(list(names), extra=lambda raw: unicode_path(raw, names[raw]))
    assert imported(tmp_path, right)["classes"] == ["犬", "猫"]
    wrong = raw_zip(list(names), extra=lambda raw: unicode_path(raw, names[raw], checksum=7))
    assert imported(tmp_path, wrong)["classes"] == ["__0", "__1"]
    climbs = raw_zip(list(names), extra=lambda raw: unicode_path(raw, "../x.png"))
    with pytest.raises(RefusedError, match="leads out of the archive"):
        imported(tmp_path, climbs)


@pytest.mark.parametrize("encoding", ["ascii", "cp932"])
def test_backslashes_separate_folders_once_names_are_decoded(tmp_path: Path, encoding: str) -> None:
    classes = ("ソ", "表") if encoding == "cp932" else ("c", "d")
    names = [f"top\\{name}\\".encode(encoding) for name in classes] + in_classes(classes, encoding, "\\")
    names = [name if name.startswith(b"top") else b"top\\" + name for name in names]
    facts = imported(tmp_path, raw_zip(names))
    assert (facts["classes"], facts["images"]) == (sorted(classes), 20)


def test_damaged_extra_fields_and_names_that_are_no_text_end_in_no_crash() -> None:
    for extra in (b"\x75", b"\x75\x70\xff\xff\1", b"\x75\x70\5\0" + bytes(5), b"\x75\x70\6\0\1\2\3\4\5\xff"):
        names = ZipNames([(b"a\xff\xfe.png", False, extra)])
        assert names.decode(b"a\xff\xfe.png", False, extra).endswith(".png")


def test_one_guess_holds_for_the_whole_archive() -> None:
    assert likeliest([f"동물/{name}.png".encode("cp949") for name in ("소", "눈", "밤", "고양이")]) == "cp949"
    assert likeliest(["水果/苹果".encode("gbk"), "桥".encode("gbk")]) == "gbk"


@pytest.mark.parametrize("name", ["é" * 65_535, "aé" * 32_767, "강아지" * 10_000])
def test_a_guess_takes_time_by_the_length_of_a_name(name: str) -> None:
    raw = name.encode("cp437" if "é" in name else "cp949")
    began = time.process_time()
    likeliest([raw])
    assert time.process_time() - began < 2
