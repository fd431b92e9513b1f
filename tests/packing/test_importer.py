"""`python -m packing` as the service runs it: bounded in memory, however many pictures there are."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from models.messages import Message
from packing.archive import Archive
from packing.errors import RefusedError, printable
from packing.folder_classes import Folders, understand
from packing.preview import Preview

ROOT = Path(__file__).resolve().parents[2]


def many(path: Path, count: int, side: int) -> Path:
    """Write a zip of so many pictures: few different ones, since their number is what counts."""
    contents = []
    for number in range(10):
        target = io.BytesIO()
        Image.effect_noise((side, side), 20 * number).convert("RGB").save(target, "PNG", compress_level=1)
        contents.append(target.getvalue())
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(count):
            archive.writestr(f"{number % 7}/{number}.png", contents[number % 10])
    return path


def run(archive: Path, **changes) -> tuple[dict, int]:
    """Import; return the last line and the peak of memory in kilobytes."""
    folder = archive.parent
    order = {"archive": str(archive), "out": str(folder / "out"), "preview": str(folder / "p.png"), "size": None}
    environment = {"PATH": os.defpath, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("measured.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({**order, "skip_damaged": False, **changes}) + "\n")
        process.stdin.flush()
        *lines, measured = [json.loads(line) for line in process.stdout]
    assert measured["code"] == 0
    return lines[-1], measured["peak"]


def test_memory_does_not_grow_with_the_pictures(tmp_path):
    few, peak_of_few = run(many(tmp_path / "few.zip", 100, 64))
    many_more, peak = run(many(tmp_path / "many.zip", 3000, 64))
    assert (few["type"], many_more["type"]) == ("done", "done")
    assert (many_more["images"], many_more["shape"]) == (3000, [3, 64, 64])
    # All pixels together take 37 MB, the files as much; what grows is the list of names.
    assert (tmp_path / "out").stat().st_size > 36_000_000
    assert peak - peak_of_few < 8_000, (peak_of_few, peak)


def test_progress_is_told_before_the_result(tmp_path):
    done, _ = run(many(tmp_path / "a.zip", 50, 64), size=32)
    assert (done["shape"], done["parts"], len(done["classes"])) == ([3, 32, 32], {"train": 50}, 7)
    assert str(Message.of(done["notes"][0])) == "pictures were scaled and center-cropped to 32x32 pixels (as requested)"


def test_it_takes_no_more_than_it_may(tmp_path):
    """A process that asks for more memory than allowed is told so in the answer, not killed."""
    archive = many(tmp_path / "a.zip", 20, 64)
    script = (
        "import sys, packing.limits as limits; limits.MEMORY = 60 << 20; limits.NICE = 0; "
        "import packing.__main__ as main; sys.exit(main.main())"
    )
    with zipfile.ZipFile(archive, "a") as more:
        image = io.BytesIO()
        Image.new("L", (7000, 7000)).save(image, "PNG")
        more.writestr("0/large.png", image.getvalue())
    order = {"archive": str(archive), "out": str(tmp_path / "out"), "preview": str(tmp_path / "p"), "size": 64}
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps({**order, "skip_damaged": False}) + "\n")
    process.stdin.flush()
    last = json.loads(process.stdout.read().splitlines()[-1])
    process.stdin.close()
    process.stdout.close()
    process.wait()
    assert last["type"] == "refused"
    (problem,) = last["problems"]
    assert (problem["file"], str(Message.of(problem["problem"]))) == (
        "0/large.png",
        "takes more than 60 MB of memory to read",
    )


def test_names_of_strangers_can_be_printed():
    assert printable("a\x1b[31mb\n\udcff\u202e") == "a\ufffd[31mb\ufffd\ufffd\ufffd"
    assert len(printable("x" * 5000)) == 200
    assert printable("می\u200cخواهم 👩\u200d👧 猫\u3000犬") == "می\u200cخواهم 👩\u200d👧 猫\u3000犬"
    assert printable("a\u200bb\u2028c\u2067d") == "a\ufffdb\ufffdc\ufffdd"


def test_limits_hold_where_no_number_is_claimed(tmp_path):
    """A directory that is longer than it says is counted as it is read."""
    path = many(tmp_path / "a.zip", 20, 8)
    archive = Archive(path)
    assert sum(1 for _ in archive.members()) == 20
    assert sum(1 for _ in archive.members()) == 20, "it can be walked again"


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({("a" * 101,): 10, ("b",): 10}, "is too long"),
        ({(chr(0x4E00 + n) * 99,): 2 for n in range(400)}, "400 class folders are too many, or their names too long"),
    ],
)
def test_class_names_must_fit_into_the_header(counts, words):
    with pytest.raises(RefusedError, match=words):
        understand(Folders(counts, set(counts)))


def test_a_preview_is_spread_over_all_pictures(tmp_path):
    preview = Preview(16, 640)
    for number in range(640):
        preview.offer(Image.new("L", (16, 16), number * 255 // 640))
    preview.save(tmp_path / "p.png")
    with Image.open(tmp_path / "p.png") as grid:
        assert grid.size == (128, 128)
        shades = [grid.getpixel((x, y))[0] for y in range(8, 128, 16) for x in range(8, 128, 16)]
    assert shades == [number * 10 * 255 // 640 for number in range(64)]


def test_a_large_picture_is_shown_small():
    preview = Preview(1024, 3)
    preview.offer(Image.new("RGB", (1024, 1024)))
    assert preview._sheet.size == (1024, 128)
