"""GPUs are asked of the driver's library in the process. A small library in its place is called by the real binding."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from worker import nvml

ROOT = Path(__file__).parents[2]
FIRST, SECOND = "GPU-11111111-2222-3333-4444-555555555555", "GPU-66666666-7777-8888-9999-000000000000"
# The functions that are called, as nvml.h declares them. The second GPU does not tell its temperature (3: not
# supported), and the third one has fallen off the bus (15: lost).
LIBRARY = f"""
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int numbers[] = {{0, 1, 2}};
int nvmlInitWithFlags(unsigned flags) {{ return 0; }}
int nvmlDeviceGetCount_v2(unsigned *count) {{
  while (getenv("DRIVER_HANGS") && access(getenv("DRIVER_HANGS"), F_OK) == 0) usleep(10000);
  *count = 3;
  return 0;
}}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **gpu) {{ *gpu = numbers + index; return index == 2 ? 15 : 0; }}
int nvmlDeviceGetUUID(int *gpu, char *text, unsigned size) {{
  strncpy(text, *gpu ? "{SECOND}" : "{FIRST}", size);
  return 0;
}}
int nvmlDeviceGetName(int *gpu, char *text, unsigned size) {{ strncpy(text, *gpu ? "H100" : "GTX", size); return 0; }}
int nvmlDeviceGetMemoryInfo(int *gpu, unsigned long long *memory) {{
  memory[0] = 8000ull + *gpu; memory[1] = 7000ull + *gpu; memory[2] = 1000ull;
  return 0;
}}
int nvmlDeviceGetTemperature(int *gpu, int sensor, unsigned *degrees) {{ *degrees = 41; return *gpu ? 3 : 0; }}
"""
# Twice, with a PATH in which no program is found.
ASK = """
import dataclasses, json, os
os.environ["PATH"] = ""
from worker.hardware import Probes
probes = Probes()
for _ in range(2):
    print(json.dumps([dataclasses.astuple(gpu) for gpu in probes.gpus()]))
"""
# Twice while the driver hangs, and once when it is back.
WAIT = """
import os
from pathlib import Path
from worker import nvml
library = nvml.Nvml()
nvml.ANSWER_S = 0.2
print(len(library.gpus()))
print(len(library.gpus()))
Path(os.environ["DRIVER_HANGS"]).unlink()
nvml.ANSWER_S = 30
print(len(library.gpus()))
"""


needs_compiler = pytest.mark.skipif(
    shutil.which("cc") is None, reason="no C compiler for the library in place of the driver's"
)


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """Return a function that runs code beside the library in place of the driver's, and returns what it printed."""
    folder = tmp_path_factory.mktemp("driver")
    (folder / "nvml.c").write_text(LIBRARY)
    library = folder / "libnvidia-ml.so.1"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, folder / "nvml.c"], check=True)

    def run(code, **more):
        environment = {**os.environ, "LD_LIBRARY_PATH": str(folder), **more}
        asked = [sys.executable, "-c", code]
        done = subprocess.run(asked, env=environment, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


@needs_compiler
def test_gpus_are_asked_without_starting_a_program(ask):
    first, second = ask(ASK)
    # What a GPU does not tell is unknown, and one that does not answer is left out.
    assert first == [
        ["0", FIRST, "GTX", 8000, 7000, 41.0, None, None],
        ["1", SECOND, "H100", 8001, 7001, None, None, None],
    ]
    assert second == first


@needs_compiler
def test_a_driver_that_hangs_is_not_waited_for_and_answers_when_it_is_back(ask, tmp_path):
    mark = tmp_path / "hangs"
    mark.touch()
    assert ask(WAIT, DRIVER_HANGS=str(mark)) == [0, 0, 2]


def test_without_the_binding_nothing_is_known(monkeypatch):
    monkeypatch.setattr(nvml, "pynvml", None)
    assert nvml.Nvml().gpus() is None
