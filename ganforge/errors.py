"""What can go wrong on a person's side of the service. The text of each error is one readable line with a remedy."""

from __future__ import annotations


class GanforgeError(Exception):
    """The root of every error that this package raises on purpose."""


class StackError(GanforgeError):
    """The local stack can't start, or a part of it has ended."""


class HomeBusyError(StackError):
    """Another stack runs on the same GANFORGE_HOME."""
