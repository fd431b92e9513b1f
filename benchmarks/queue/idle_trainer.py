"""A trainer that does nothing: it says that it has started and is done. It imports nothing that takes time.

`GANFORGE_TRAINER_PYTHON` names a script made by `write`, which a supervisor runs as it would run a Python. A job whose
seed is REAL is handed on to a trainer in earnest.
"""

from __future__ import annotations

import sys
from pathlib import Path

REAL = 1

SCRIPT = """#!{python} -SE
import os, sys
say = lambda line: os.write(1, line + b"\\\\n")
say(b'{{"type": "ready"}}')
append = os.O_WRONLY | os.O_APPEND | os.O_CREAT
os.write(os.open({ran!r} + ".begun", append), b".")  # one byte a start: the supervisor is ready for the next job
spec = sys.stdin.buffer.readline()
if not spec:
    sys.exit(0)
import json
job = json.loads(spec)
# One line a run, whole even when four processes write at once: the count of runs is taken here.
log = os.open({ran!r}, append)
os.write(log, (job["job"] + "\\\\n").encode())
if job.get("seed") != {real}:
    say(b'{{"type": "started", "start_step": 0, "device": "none"}}')
    say(b'{{"type": "done"}}')
    sys.exit(0)
import subprocess
trainer = subprocess.Popen([{python!r}, "-m", "trainers"], stdin=subprocess.PIPE)
trainer.stdin.write(spec)
trainer.stdin.flush()
import threading
def pass_on():
    for line in sys.stdin.buffer:
        trainer.stdin.write(line)
        trainer.stdin.flush()
    trainer.stdin.close()  # the supervisor is gone, and so shall this trainer be
threading.Thread(target=pass_on, daemon=True).start()
os._exit(trainer.wait())
"""


def write(folder: Path) -> tuple[Path, Path]:
    """Write the script into a folder; return its path and that of the file that counts runs."""
    script, ran = folder / "idle-python", folder / "ran"
    ran.touch()
    begun(ran).touch()
    script.write_text(SCRIPT.replace("\\\\n", "\\n").format(python=sys.executable, ran=str(ran), real=REAL))
    script.chmod(0o755)
    return script, ran


def begun(ran: Path) -> Path:
    """Return the file that has a byte for each trainer that was started, ahead or not."""
    return ran.with_name(ran.name + ".begun")
