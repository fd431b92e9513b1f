"""Keeps the secrets of a process from other processes of the same user.

A trainer and a packer run with the user id of the process that starts them. By default the kernel would let them read
its memory and its first environment (/proc/PID/mem, /proc/PID/environ), and with these the credentials of the
database and of the object store. Programs that it starts are dumpable again.
"""

from __future__ import annotations

import ctypes
import os
import sys

_PR_SET_DUMPABLE = 4  # linux/prctl.h


def hide_secrets() -> None:
    """Make this process unreadable to others of the same user; call it before settings are read. Linux only.

    Root reads everything nevertheless, and this process leaves no core dumps.

    Raises:
        OSError: the kernel refused.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
