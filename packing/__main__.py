"""`python -m packing`: one order on standard input, JSON lines on standard output, the last of them the result.

    {"archive": PATH, "out": PATH, "preview": PATH, "size": 64 or null, "skip_damaged": false,
     "reserve": bytes, "kept_free": bytes, "plan": PATH}

answers any number of ``{"type": "progress", …}`` and then one of ``done`` (the facts), ``refused`` (``summary``,
``remedy``, ``problems``) and ``failed`` (``reason``). The last three of the order may be missing (packing/room.py).

    {"standing": {"layout": …, "folder": PATH, "shape": [1, 28, 28], "classes": […]}, "preview": PATH}

looks at a data set where it stands, and answers alike. Strangers' files are decoded here, so the process takes little,
knows no secret, and ends with its caller, when its standard input closes. Where the kernel has Landlock it
opens no files but those of its order; elsewhere it leaves a file `unconfined` beside the preview. The file `reading`
beside `out` holds the name of the member that is being read, for the case that it ends the process.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import sys
import threading
import time
import traceback
import zlib
from pathlib import Path
from typing import Any

from PIL import Image

from models.messages import ArchiveFaults, MemberFaults, Remedies, verbatim
from packing.errors import RefusedError, refuse_file
from packing.importer import Order, import_archive
from packing.landlock import confine, with_links
from packing.layouts.base import DatasetFiles
from packing.limits import CPU_S, CPU_S_PER_MB, LONGEST_NAME, MEMORY, NICE
from packing.preview_scan import survey
from packing.room import Keep

_PROGRESS_EVERY_S = 1.0
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class _Teller:
    """Writes JSON lines; progress at most once a second."""

    def __init__(self) -> None:
        self._told = 0.0

    def tell(self, kind: str, **facts: Any) -> None:
        """Write a line."""
        sys.stdout.write(json.dumps({"type": kind, **facts}) + "\n")
        sys.stdout.flush()

    def refuse(self, error: RefusedError) -> None:
        """Write why the upload is refused."""
        problems = [problem.as_json() for problem in error.problems]
        self.tell("refused", summary=error.summary.as_json(), remedy=error.remedy.as_json(), problems=problems)

    def progress(self, stage: str, done: int, total: int | None) -> None:
        """Write the progress, if the last time was long enough ago."""
        now = time.monotonic()
        if now - self._told >= _PROGRESS_EVERY_S:
            self._told = now
            self.tell("progress", stage=stage, done=done, total=total)


class _Reading:
    """The member that is being read. Its name is kept in a file, because what it holds may end the process."""

    def __init__(self, path: Path) -> None:
        self.name = ""
        self._file = os.open(str(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)

    def now(self, name: str) -> None:
        """Note the name."""
        self.name = name
        os.pwrite(self._file, name.encode("utf-8", "surrogateescape")[: 4 * LONGEST_NAME] + b"\0", 0)


def _restrain() -> None:
    os.nice(NICE)
    for kind, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, CPU_S), (resource.RLIMIT_CORE, 0)):
        _limit(kind, most)


def _limit(kind: int, most: int) -> None:
    hard = resource.getrlimit(kind)[1]
    # The soft limit: SIGXCPU then ends the process and shows the cause. Nothing in here would raise it again.
    resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _leave_with_caller() -> None:
    def wait() -> None:
        sys.stdin.read()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _carry_out(asked: dict[str, Any], teller: _Teller) -> dict[str, Any]:
    if "standing" in asked:
        return _look_at(asked)
    order = _order(asked)
    _limit(resource.RLIMIT_CPU, CPU_S + CPU_S_PER_MB * (order.archive.stat().st_size >> 20))
    reading = _Reading(order.out.with_name("reading"))
    try:
        return import_archive(order, teller.progress, reading.now)
    except MemoryError as error:
        if not reading.name:
            raise
        problem = MemberFaults.takes_too_much_memory(size=MEMORY >> 20)
        raise refuse_file(reading.name, problem, Remedies.send_smaller()) from error


def _look_at(asked: dict[str, Any]) -> dict[str, Any]:
    facts = asked["standing"]
    standing = DatasetFiles(facts["layout"], Path(facts["folder"]), facts["shape"], facts["classes"])
    try:
        return survey(standing, Path(asked["preview"]))
    except OSError as error:
        if error.errno in _FULL:
            raise
        raise RefusedError(verbatim(error), verbatim("")) from error
    except (ValueError, EOFError, zlib.error) as error:
        raise RefusedError(verbatim(error), verbatim("")) from error


def _given(asked: dict[str, Any]) -> tuple[set[Path], Path]:
    """Return what the process may read, and the folder in which it may write."""
    read = with_links(Path(asked["standing"]["folder"])) if "standing" in asked else {Path(asked["archive"])}
    return read, Path(asked["preview"]).parent


def _order(asked: dict[str, Any]) -> Order:
    plan = Path(asked["plan"]) if "plan" in asked else None
    keep = Keep(asked.get("reserve", 0), asked.get("kept_free", 0), plan)
    paths = Path(asked["archive"]), Path(asked["out"]), Path(asked["preview"])
    return Order(*paths, asked["size"], bool(asked["skip_damaged"]), keep)


def main() -> int:
    """Import one archive, or scan one data set."""
    _restrain()
    asked: dict[str, Any] = json.loads(sys.stdin.readline())
    teller = _Teller()
    Image.init()  # plugins of Pillow load libraries, which may stand where nothing can be opened afterwards
    if not confine(*_given(asked)):
        Path(asked["preview"]).with_name("unconfined").touch()
    _leave_with_caller()
    try:
        teller.tell("done", **_carry_out(asked, teller))
    except RefusedError as error:
        teller.refuse(error)
    except MemoryError:
        teller.refuse(RefusedError(ArchiveFaults.too_much_memory(size=MEMORY >> 20), Remedies.send_smaller()))
    except OSError as error:
        if error.errno not in _FULL:
            raise
        teller.tell("failed", reason="disk_full")
    except Exception as error:
        # A stranger's file found a hole in what reads it. The person is told so, the log gets the place.
        traceback.print_exc()
        teller.refuse(
            RefusedError(ArchiveFaults.reader_failed(error=type(error).__name__), Remedies.look_for_damaged())
        )
    return 0


if __name__ == "__main__":
    sys.stdout.flush()
    code = main()
    sys.stdout.flush()
    os._exit(code)
