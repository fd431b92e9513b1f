"""Locks, and files that only their owner may read."""

from __future__ import annotations

import os

import pytest

from models.files import try_lock, write_private


def test_a_lock_that_is_held_is_not_given_out_again(tmp_path):
    with try_lock(tmp_path / "lock") as first, try_lock(tmp_path / "lock") as second:
        assert (first, second) == (True, False)
    with try_lock(tmp_path / "lock") as third:
        assert third


def test_a_private_file_is_readable_by_its_owner_alone_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "secret"
    for text in ("one", "two"):
        write_private(path, text)
        assert (path.read_text(), path.stat().st_mode & 0o777) == (text, 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_of_the_same_id_left_is_not_in_the_way(tmp_path):
    path = tmp_path / "admin.key"
    left = path.with_name(f"admin.key.{os.getpid()}.tmp")
    left.mkdir()  # not even this
    write_private(path, "one")
    assert path.read_text() == "one"


def test_a_private_file_that_cannot_be_put_in_place_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "secret"
    path.mkdir()
    with pytest.raises(IsADirectoryError):
        write_private(path, "one")
    assert list(tmp_path.iterdir()) == [path]
