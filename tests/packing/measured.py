"""`python measured.py [FILE]`: run a packer and write what it took into a file, or as a last line.

The kernel counts the memory of whoever starts a process as the process's own peak: this program is small, a test is
not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

if __name__ == "__main__":
    process = subprocess.Popen([sys.executable, "-m", "packing"])
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    measured = {"code": process.returncode, "peak": used.ru_maxrss, "cpu_s": used.ru_utime + used.ru_stime}
    line = json.dumps({"type": "measured", **measured}) + "\n"
    if len(sys.argv) > 1:
        with open(sys.argv[1], "w") as file:  # noqa: PTH123 - pathlib would take memory
            file.write(line)
    else:
        sys.stdout.write(line)
