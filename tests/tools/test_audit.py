"""python -m tools.audit"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.audit import verdict

CLEAN = {"name": "flask", "version": "3.1.3", "vulns": []}
WEAK = {"name": "flask", "version": "0.1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.0"], "aliases": []}]}
MISSED = {"name": "torch", "skip_reason": "Dependency not found on PyPI and could not be audited: torch (2.14.1)"}


@pytest.mark.parametrize(
    ("packages", "code", "told"),
    [
        ([CLEAN], 0, ["audit: 1 of 1 packages looked up, 0 with known weaknesses"]),
        ([CLEAN, WEAK], 1, ["flask 0.1: PYSEC-1, fixed in 1.0"]),
        ([CLEAN, MISSED], 2, ["audit: 1 of 2 packages looked up", "COULD NOT LOOK at 1 of 2 packages", "torch"]),
        ([WEAK, MISSED], 1, ["PYSEC-1", "COULD NOT LOOK at 1 of 2 packages"]),
        ([MISSED] * 30, 2, ["COULD NOT LOOK at 30 of 30 packages", "and 10 more"]),
        ([], 2, ["COULD NOT LOOK at 0 of 0 packages"]),
    ],
)
def test_only_a_complete_look_that_finds_nothing_passes(packages, code, told) -> None:
    found, lines = verdict({"dependencies": packages, "fixes": []})
    assert found == code
    assert all(any(part in line for line in lines) for part in told), lines


def test_without_a_network_the_audit_says_so_and_fails(tmp_path: Path) -> None:
    (tmp_path / "pins").write_text("flask==3.1.3\n")
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:1")
    # A cache of its own: pip's may hold an earlier answer.
    environment = {**os.environ, **proxies, "NO_PROXY": "", "no_proxy": "", "HOME": str(tmp_path), "XDG_CACHE_HOME": ""}
    command = [sys.executable, "-m", "tools.audit", str(tmp_path / "pins")]
    done = subprocess.run(
        command, env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "COULD NOT LOOK at" in done.stdout
    assert "Traceback" not in done.stdout
