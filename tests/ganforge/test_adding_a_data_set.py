"""`ganforge datasets add`: a person's folder or archive becomes a data set, and a job trains on it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from pathlib import Path

from tests.api.uploads.archives import pictures, tarred, zipped
from tests.ganforge.conftest import Commands
from tests.packing.trees import HEIC, laid_out


def _folder(path: Path, count: int = 20, **facts) -> Path:
    for kind in ("circles", "squares"):
        (path / kind).mkdir(parents=True)
        for name, content in pictures(count, size=(28, 28), mode="L", **facts).items():
            (path / kind / name).write_bytes(content)
    (path / "README.md").write_text("notes stay at home")
    (path / ".hidden.png").write_bytes(b"no picture")
    return path


def test_a_folder_is_added_shown_trained_on_and_deleted(running: Commands, tmp_path: Path) -> None:
    folder = _folder(tmp_path / "shapes" / ("deep" * 30))
    result = running("datasets", "add", str(tmp_path / "shapes"), "--name", "shapes-a")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(
        "shapes-a is ready: 40 pictures of 1x28x28 (36 in train and 4 in test), 2 classes, 163 kB"
    )
    assert "every 10th picture of each class is held out" in result.stdout
    assert folder.name not in result.stdout.splitlines()[0]
    assert "1 other files skipped: " in result.stdout, "named as in an archive; what they hold stays at home"

    assert re.search(r"shapes-a +ready +40 +1x28x28", running("datasets").stdout)
    assert "circles, squares" in running("datasets", "show", "shapes-a").stdout
    params = ["--set", "epochs=1", "--set", "width=4", "--set", "batch_size=8"]
    trained = running("train", "mlp_gan", "--dataset", "shapes-a", *params)
    assert trained.returncode == 0, trained.stdout + trained.stderr

    assert running("datasets", "delete", "shapes-a").stdout == "shapes-a is deleted\n"
    gone = running("datasets", "show", "shapes-a")
    assert gone.returncode == 4
    assert "[404 not_found]" in gone.stderr


def test_the_same_folder_makes_the_same_bytes_and_an_archive_is_named_after_its_file(
    running: Commands, tmp_path: Path
) -> None:
    shas = []
    for name in ("one", "two"):
        _folder(tmp_path / name)
        made = json.loads(running("datasets", "add", str(tmp_path / name), "--json", "--size", "16").stdout)
        assert (made["name"], made["shape"]) == (name, [1, 16, 16])
        shas.append(made["sha256"])
    assert shas[0] == shas[1]
    archive = tmp_path / "three.tar.gz"
    archive.write_bytes(tarred(pictures(16), "w:gz"))
    assert json.loads(running("datasets", "add", str(archive), "--json").stdout)["name"] == "three"


def test_what_cannot_be_added_is_one_readable_line(running: Commands, tmp_path: Path) -> None:
    (tmp_path / "few").mkdir()
    empty = running("datasets", "add", str(tmp_path / "few"))
    assert empty.returncode == 4
    assert re.fullmatch(r"ganforge: .*few holds no pictures of these types: \.apng, .*\.bmp, .*\n", empty.stderr)
    (tmp_path / "few" / "a.png").write_bytes(b"text")
    for name, content in pictures(16).items():
        (tmp_path / "few" / name).write_bytes(content)
    damaged = running("datasets", "add", str(tmp_path / "few"))
    assert damaged.returncode == 4
    assert re.fullmatch(r"ganforge: 1 unreadable picture; .*a\.png: is not a PNG.*\[422 validation\]\n", damaged.stderr)
    mended = running("datasets", "add", str(tmp_path / "few"), "--skip-damaged")
    assert mended.returncode == 0, mended.stderr
    assert "1 unreadable skipped: a.png" in mended.stdout
    assert running("datasets", "add", str(tmp_path / "nowhere")).returncode == 2


def test_files_of_other_kinds_are_refused_before_a_byte_is_sent_or_left_out_and_told(
    running: Commands, tmp_path: Path
) -> None:
    folder = tmp_path / "mixed"
    laid_out(folder, {**pictures(16), "IMG_1.HEIC": HEIC, "a.gif": b"GIF89a", "b.gif": b"GIF89a", "x.svg": b"<svg/>"})
    refused = running("datasets", "add", str(folder), GANFORGE_URL="http://127.0.0.1:9", GANFORGE_API_KEY="gf_x")
    assert refused.returncode == 4
    assert "3 files in unsupported formats (2 .gif, 1 .svg); convert" in refused.stderr
    assert "a.gif is a picture in an unsupported format (.gif)" in refused.stderr
    assert "--skip-damaged" in refused.stderr
    made = running("datasets", "add", str(folder), "--skip-damaged")
    assert made.returncode == 0, made.stderr
    assert "mixed is ready: 17 pictures" in made.stdout
    assert "3 files in unsupported formats skipped (2 .gif, 1 .svg): a.gif, b.gif, x.svg" in made.stdout


def test_links_are_followed_once_and_pipes_are_left_out_and_told(running: Commands, tmp_path: Path) -> None:
    laid_out(tmp_path / "disk", {**pictures(8, "cat/"), **pictures(8, "dog/")})
    folder = tmp_path / "linked"
    folder.mkdir()
    for name in ("cat", "dog"):
        (folder / name).symlink_to(tmp_path / "disk" / name)
    (folder / "dog" / "up").symlink_to(tmp_path / "disk")
    os.mkfifo(folder / "cat" / "p.png")
    made = running("datasets", "add", str(folder))
    assert made.returncode == 0, made.stderr
    assert re.search(r"linked is ready: 16 pictures of .*, 2 classes", made.stdout)
    assert "cat/p.png is a pipe or a device, and was left out" in made.stdout

    (folder / "x.png").symlink_to("/nowhere.png")
    lost = running("datasets", "add", str(folder))
    assert (lost.returncode, lost.stderr.count("\n")) == (4, 1)
    assert "x.png is a link to /nowhere.png, which isn't there" in lost.stderr


def test_an_archive_comes_from_standard_input_or_a_named_pipe_under_a_given_name(
    running: Commands, tmp_path: Path
) -> None:
    archive = tmp_path / "a.zip"
    archive.write_bytes(zipped(pictures(16)))
    os.mkfifo(tmp_path / "pipe")
    for source in ("-", "/dev/stdin", str(tmp_path / "pipe")):
        with subprocess.Popen(["cat", str(archive)], stdout=subprocess.PIPE) as writer:
            if source.endswith("pipe"):
                threading.Thread(target=lambda: (tmp_path / "pipe").write_bytes(archive.read_bytes())).start()
            made = running(
                "datasets", "add", source, "--name", f"piped-{source.rpartition('/')[2]}", stdin=writer.stdout
            )
        assert made.returncode == 0, (source, made.stderr)
        assert "is ready: 16 pictures" in made.stdout
    for source, said in (("-", "give the data set's name"), ("/dev/null", "is a device or a socket")):
        refused = running("datasets", "add", source)
        assert (refused.returncode, refused.stderr.count("\n")) == (4, 1), refused.stderr
        assert said in refused.stderr
