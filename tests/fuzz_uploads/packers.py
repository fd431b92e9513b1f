"""Runs a case as the API does: in a folder of the spool, in a packer with its environment, with the API's answer."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api.http.problems import ProblemError
from api.uploads import packer
from api.uploads.spool import Spool
from tests.fuzz_uploads.cases import Case
from tests.packing import measured

# What is promised, whatever the constants of the code say. SIGXCPU comes at the first look after the limit.
_MEMORY = 512 << 20
_CPU_S = 61.0
_LONGEST_S = 300.0


@dataclass
class Result:
    """What came of a case."""

    case: Case
    outcome: str
    peak: int  # kB
    cpu_s: float
    violations: list[str] = field(default_factory=list)
    images: int = 0


def run(case: Case, spool: Spool) -> Result:
    """Run a case and judge it."""
    with spool.folder() as folder:
        took = _pack(case, folder)
        last = packer.last_word(took["code"], folder)
        complaints = packer.complaints(folder)
        result = Result(case, _outcome(took["code"], last), took["peak"], took["cpu_s"], images=last.get("images", 0))
        for wrong, what in (
            (took["peak"] << 10 > _MEMORY, f"took {took['peak']} kB"),
            (took["cpu_s"] > _CPU_S, f"took {took['cpu_s']:.0f} s of CPU"),
            ("Traceback" in complaints, complaints),
            (took["code"] > 0, f"ended with code {took['code']}: {complaints}"),
            (not case.standing and not _is_answered(took["code"], folder), "the API would answer with a 500"),
        ):
            if wrong:
                result.violations.append(what)
    if folder.exists():
        result.violations.append(f"left {sorted(path.name for path in folder.iterdir())}")
    return result


def _pack(case: Case, folder: Path) -> dict[str, Any]:
    order: dict[str, Any] = {"preview": str(folder / "preview.png")}
    if case.standing:
        for name, content in case.standing.files.items():
            (folder / "set" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "set" / name).write_bytes(content)
        facts = {name: value for name, value in case.standing._asdict().items() if name != "files"}
        order["standing"] = {**facts, "folder": str(folder / "set")}
    else:
        (folder / "upload").write_bytes(case.archive)
        order |= {"archive": str(folder / "upload"), "out": str(folder / "packed.safetensors")}
        order |= {"size": None, "skip_damaged": case.skip_damaged}
    with (folder / "told").open("wb") as told, (folder / "complaints").open("wb") as complaints:
        process = subprocess.Popen(
            [sys.executable, measured.__file__, str(folder / "measured")],
            cwd=folder,
            env=packer._environment(),
            stdin=subprocess.PIPE,
            stdout=told,
            stderr=complaints,
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(order).encode() + b"\n")
        process.stdin.flush()
        try:
            process.wait(_LONGEST_S)
        finally:
            process.stdin.close()  # the packer ends with it
            process.wait()
    took: dict[str, Any] = json.loads((folder / "measured").read_text())
    return took


def _is_answered(code: int, folder: Path) -> bool:
    try:
        packer._understand(code, folder)
    except ProblemError:
        return True
    except RuntimeError:
        return False
    return True


def _outcome(code: int, last: dict[str, Any]) -> str:
    if code < 0:
        return f"ended by signal {-code}"
    if last.get("type") == "refused":
        return f"refused: {last['summary']['code']}"
    return str(last.get("type"))
