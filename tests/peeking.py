"""Whether one process can read another's environment, as a trainer could its supervisor's."""

from __future__ import annotations

import os
import subprocess
import sys

# Root may read everything. Root's processes without capabilities are to each other as those of an ordinary user.
LIKE_A_USER = ("setpriv", "--bounding-set=-all") if os.geteuid() == 0 else ()

_PEEK = """
import sys
for name in ("environ", "mem"):
    try:
        open(f"/proc/{sys.argv[1]}/{name}", "rb").read(1)
        print(name)
    except PermissionError:
        pass
    except OSError:
        print(name)  # opened: the first page is merely not mapped
"""


def readable(pid: int) -> list[str]:
    """Return what another process of the same user reads of this one: its environment, its memory."""
    command = [*LIKE_A_USER, sys.executable, "-c", _PEEK, str(pid)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
