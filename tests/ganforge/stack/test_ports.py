"""Which addresses only this machine reaches."""

from __future__ import annotations

import pytest

from ganforge.stack.ports import is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_addresses_are_for_this_machine_alone(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["::", "10.0.0.7", "192.0.2.7", "example.org", ""])
def test_all_other_addresses_are_for_others_too(host: str) -> None:
    assert not is_loopback(host)
