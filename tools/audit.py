"""`python -m tools.audit FILE`: known weaknesses of pinned packages; exit code 0 means that every one was looked up.

pip-audit ends with 0 too if the index knows nothing about any package. So its report is counted here: 1 stands for
known weaknesses, 2 for packages that could not be looked up.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

NAMED = 20
_COMMAND = ("-m", "pip_audit", "--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json")


def verdict(report: dict[str, Any]) -> tuple[int, list[str]]:
    """Return the exit code for a report of pip-audit's, and the lines that explain it."""
    packages = report["dependencies"]
    weak = [one for one in packages if one.get("vulns")]
    missed = [one for one in packages if "skip_reason" in one]
    lines = [
        f"{one['name']} {one['version']}: {each['id']}, fixed in {', '.join(each['fix_versions']) or 'no version'}"
        for one in weak
        for each in one["vulns"]
    ]
    seen = len(packages) - len(missed)
    lines.append(f"audit: {seen} of {len(packages)} packages looked up, {len(weak)} with known weaknesses")
    if missed or not packages:
        names = ", ".join(one["name"] for one in missed[:NAMED])
        more = f" and {len(missed) - NAMED} more" if len(missed) > NAMED else ""
        reason = f", such as: {missed[0]['skip_reason']}" if missed else ""
        lines.append(f"audit: COULD NOT LOOK at {len(missed)} of {len(packages)} packages{reason}")
        lines += [f"audit: not looked at: {names}{more}"] if missed else []
    return (1 if weak else 2 if missed or not packages else 0), lines


def main(files: list[str]) -> int:
    """Run from the command line."""
    asked = [part for file in files for part in ("--requirement", file)]
    done = subprocess.run([sys.executable, *_COMMAND, *asked], capture_output=True, text=True, check=False)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        reason = (done.stderr.strip() or f"pip-audit ended with {done.returncode}").splitlines()[-1]
        code, lines = 2, [f"audit: COULD NOT LOOK at any package: {reason}"]
    else:
        code, lines = verdict(report)
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
