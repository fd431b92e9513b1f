"""How the API tells of a packer that was ended: it names the file that was being read."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from api.http.problems import InvalidError
from api.uploads import packer


@pytest.mark.parametrize(
    ("code", "reading", "words"),
    [
        (-signal.SIGXCPU, b"cat/slow.jpg\0left of a longer name", "cat/slow.jpg takes too long to read; send fewer"),
        (-signal.SIGABRT, b"a\x1b[2J.heic\0", "a\ufffd[2J.heic crashes the program that reads it (signal 6); look for"),
        (-signal.SIGXCPU, b"", "reading the archive takes too long; send fewer"),
        (-signal.SIGKILL, None, "reading the archive crashed the reader (signal 9); look for"),
    ],
)
def test_a_packer_that_was_ended_is_told_with_the_file_that_it_read(
    tmp_path: Path, code: int, reading: bytes | None, words: str
) -> None:
    for name in ("told", "complaints"):
        (tmp_path / name).touch()
    if reading is not None:
        (tmp_path / "reading").write_bytes(reading)
    with pytest.raises(InvalidError) as refused:
        packer._understand(code, tmp_path)
    assert str(refused.value).startswith(words)
