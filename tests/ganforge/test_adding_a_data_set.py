"""`ganforge datasets add`: a person's folder or archive becomes a data set, and a job trains on it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.api.uploads.archives import pictures, tarred
from tests.ganforge.conftest import Commands


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
    assert "every 10th picture of each class is kept apart" in result.stdout
    assert folder.name not in result.stdout

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
    assert re.fullmatch(r"ganforge: .*few holds no pictures of these types: \.bmp, .*\n", empty.stderr)
    (tmp_path / "few" / "a.png").write_bytes(b"text")
    for name, content in pictures(16).items():
        (tmp_path / "few" / name).write_bytes(content)
    damaged = running("datasets", "add", str(tmp_path / "few"))
    assert damaged.returncode == 4
    assert re.fullmatch(r"ganforge: 1 picture is damaged, .*a\.png: is no PNG.*\[422 validation\]\n", damaged.stderr)
    mended = running("datasets", "add", str(tmp_path / "few"), "--skip-damaged")
    assert mended.returncode == 0, mended.stderr
    assert "1 damaged left out: a.png" in mended.stdout
    assert running("datasets", "add", str(tmp_path / "nowhere")).returncode == 2
