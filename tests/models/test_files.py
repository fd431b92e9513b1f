"""Locks, and files that only their owner may read."""

from __future__ import annotations

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
