"""The process that reads uploaded files. It gets paths and a size, no secrets, and ends with its task."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

import packing
from api.http.problems import InvalidError, ProblemError, field
from api.uploads.ledger import PLAN, no_room
from models.messages import ArchiveFaults, BodyFaults, MemberFaults, Message, Remedies, Words, verbatim
from packing.errors import printable

log = structlog.get_logger(__name__)

LONGEST_S = 2 * 3600
_LOOK_S = 1.0
_LOOK = Remedies.look_for_damaged()
_noted = threading.Event()
_ROOT = Path(packing.__file__).resolve().parent.parent


@dataclass(frozen=True)
class PackOrder:
    """An archive to pack, how, and what has to stay free on the disk: in any case, and before the packer begins."""

    archive: Path
    size: int | None
    skip_damaged: bool
    reserve: int
    kept_free: int


def pack(folder: Path, order: PackOrder, gone: Callable[[], bool]) -> dict[str, Any]:
    """Create `packed.safetensors` and `preview.png` in the folder; return their description.

    Raises:
        ProblemError: 422 with what is wrong with the archive and what to change; 503 when the disk is full; 400 when
            `gone` says that nobody waits for it any more.
    """
    asked = {
        **vars(order),
        "archive": str(order.archive),
        "out": str(folder / "packed.safetensors"),
        "preview": str(folder / "preview.png"),
        "plan": str(folder / PLAN),
    }
    return _understand(run(folder, asked, gone), folder)


def run(folder: Path, order: dict[str, Any], gone: Callable[[], bool]) -> int:
    """Run a task; return the exit code. The folder then holds the process's output: `told`, `complaints`.

    Raises:
        ProblemError: 400 when `gone` says that nobody waits for it any more; 422 when it takes too long.
    """
    with (folder / "told").open("wb") as output, (folder / "complaints").open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "packing"],
            cwd=folder,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=errors,
        )
        try:
            _order(process, order)
            return _wait(process, gone)
        finally:
            process.kill()
            process.wait()
            if process.stdin is not None:
                process.stdin.close()


def _environment() -> dict[str, str]:
    """Return the environment that Python needs to start, without the service's settings, which contain secrets."""
    paths = os.pathsep.join(path for path in (str(_ROOT), os.environ.get("PYTHONPATH")) if path)
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "PYTHONHOME") if name in os.environ}
    python = {"PYTHONPATH": paths, "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    # Each further arena of malloc takes 64 MB of addresses, which the packer's limit counts.
    return {"PATH": os.defpath, "MALLOC_ARENA_MAX": "1", **python, **kept}


def _order(process: subprocess.Popen[bytes], order: dict[str, Any]) -> None:
    if process.stdin is None:
        raise RuntimeError("the packer has no standard input")
    try:
        process.stdin.write(json.dumps(order).encode() + b"\n")
        process.stdin.flush()
    except BrokenPipeError:
        return  # it has already ended; its exit code tells why


def _wait(process: subprocess.Popen[bytes], gone: Callable[[], bool]) -> int:
    deadline = time.monotonic() + LONGEST_S
    while True:
        try:
            return process.wait(timeout=_LOOK_S)
        except subprocess.TimeoutExpired:
            if gone():
                raise ProblemError("malformed", BodyFaults.upload_cut_off()) from None
            if time.monotonic() > deadline:
                raise _too_long() from None


def last_word(code: int, folder: Path) -> dict[str, Any]:
    """Return the process's last message, empty if it was interrupted."""
    lines = (folder / "told").read_text().splitlines()
    last: dict[str, Any] = json.loads(lines[-1]) if code == 0 and lines else {}
    return last


def _note_unconfined(folder: Path) -> None:
    """Log, once in a process, that packers can open any file that the service can."""
    if (folder / "unconfined").exists() and not _noted.is_set():
        _noted.set()
        log.info("packer_not_confined", reason="the kernel has no Landlock, or the container forbids it")


def _understand(code: int, folder: Path) -> dict[str, Any]:
    _note_unconfined(folder)
    last = last_word(code, folder)
    said = complaints(folder)
    if said:
        log.warning("packer_complained", code=code, complaints=said)
    match last.pop("type", None):
        case "done":
            return last
        case "refused":
            raise refusal(
                _message(last["summary"]),
                _message(last["remedy"]),
                [(one["file"], _message(one["problem"])) for one in last["problems"]],
            )
        case "failed" if last["reason"] == "disk_full":
            raise no_room()
    if code < 0:
        raise _ended(-code, _reading(folder))
    raise RuntimeError(f"the packer ended with code {code}: {said}")


def _ended(ending: int, file: str) -> ProblemError:
    """Return the problem of a packer that a signal ended while it read this file."""
    over_time = ending == signal.SIGXCPU
    if not file:
        return _too_long() if over_time else refusal(ArchiveFaults.reader_ended(signal=ending), _LOOK, [])
    what = MemberFaults.takes_too_long() if over_time else MemberFaults.ends_the_reader(signal=ending)
    remedy = Remedies.send_fewer_or_smaller() if over_time else _LOOK
    return refusal(Words.subject_and(subject=file, what=what), remedy, [(file, what)])


def _reading(folder: Path) -> str:
    """Return the name of the member that the packer was reading, or nothing."""
    path = folder / "reading"
    name = path.read_bytes().partition(b"\0")[0] if path.exists() else b""
    return printable(name.decode("utf-8", "replace"))


def complaints(folder: Path) -> str:
    """Return the end of the process's error output."""
    return (folder / "complaints").read_text(errors="replace")[-2000:]


def refusal(summary: Message, remedy: Message, problems: Sequence[tuple[str, Message]]) -> ProblemError:
    """Return the problem of an archive: the error, the remedy, and the files at fault."""
    errors = [field("/file", Words.about(subject=file, what=problem), file=file) for file, problem in problems]
    return InvalidError(errors or [field("/file", summary)], Words.both(first=summary, second=remedy))


def _message(said: object) -> Message:
    return Message.of(said) or verbatim("")


def _too_long() -> ProblemError:
    return refusal(ArchiveFaults.too_long(), Remedies.send_fewer_or_smaller(), [])


def hung_up(environ: dict[str, Any]) -> bool:
    """Return whether the client has closed its connection, if the server exposes this."""
    connection = environ.get("gunicorn.sock")
    if connection is None or not select.select([connection], [], [], 0)[0]:
        return False
    try:
        return bool(connection.recv(1, socket.MSG_PEEK) == b"")
    except (OSError, ValueError):
        return True
