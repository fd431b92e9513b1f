"""The real process on its pipe: killed, deserted, stopped, out of memory."""

from __future__ import annotations

import json
import os
import signal
from itertools import pairwise
from pathlib import Path

import pytest

from tests.trainers.attempts import ROOT, Process, sha256
from trainers.device import precision
from trainers.process.wire import SUPERVISOR_GONE

pytestmark = pytest.mark.long


@pytest.fixture
def start():
    started = []

    def launch():
        process = Process()
        started.append(process)
        return process

    yield launch
    for process in started:
        process.close()


def weights(process):
    files = [m for m in process.messages if m["type"] == "file" and m["kind"] == "weights"]
    return {Path(m["path"]).name: sha256(m["path"]) for m in files}


def test_a_killed_training_resumes_from_its_last_checkpoint_with_the_same_weights(start, make_spec):
    settings = {"epochs": 6, "checkpoint_every": {"steps": 7}, "ema_half_life": 200}
    undisturbed, killed, resumed = start(), start(), start()
    undisturbed.write(make_spec(**settings))
    assert undisturbed.end() == 0
    spec = make_spec(**settings)
    killed.write(spec)
    killed.until("metric", epoch=3)
    os.kill(killed.process.pid, signal.SIGKILL)
    killed.end()
    checkpoint = max(Path(spec["scratch"]).glob("checkpoint-*.safetensors"))
    resumed.write(make_spec(**settings, resume=checkpoint))
    assert resumed.end() == 0
    assert next(m for m in resumed.messages if m["type"] == "started")["start_step"] >= 7
    assert weights(resumed) == weights(undisturbed) != {}
    # It says with what it gets on. Signs of one phase come once a second, and this takes no time.
    assert [sign["phase"] for sign in undisturbed.signs][:2] == ["preparing", "compiling"]
    assert {sign["phase"] for sign in undisturbed.signs} >= {"sampling", "training", "saving"}
    assert all(one["phase"] != next_one["phase"] for one, next_one in pairwise(undisturbed.signs[:4]))
    assert max(sign["step"] or 0 for sign in undisturbed.signs) > 0


@pytest.mark.parametrize("when", ["at once", "training"])
def test_it_ends_when_its_supervisor_is_gone(start, make_spec, when):
    process = start()
    if when != "at once":
        process.until("ready")
    if when == "training":
        process.write(make_spec(epochs=100_000))
        process.until("metric")
    process.process.stdin.close()
    assert process.end() == SUPERVISOR_GONE


def test_it_ends_when_nobody_reads_it_any_more(start, make_spec):
    process = start()
    process.write(make_spec(epochs=100_000))
    process.until("metric")
    process.process.stdout.close()
    assert process.process.wait(timeout=60) == SUPERVISOR_GONE


@pytest.mark.parametrize("how", ["command", "SIGTERM"])
def test_asked_to_stop_it_writes_a_checkpoint_of_that_step_and_ends_well(start, make_spec, how):
    process = start()
    process.write(make_spec(epochs=100_000, checkpoint_every={"epochs": 100_000}))
    process.until("metric")
    if how == "command":
        process.write({"command": "stop"})
    else:
        os.kill(process.process.pid, signal.Signals[how])
    assert process.end() == 0
    metric, file, stopped = process.messages[-3:]
    assert stopped == {"type": "stopped"}
    assert (file["kind"], file["step"]) == ("checkpoint", metric["steps"][-1])


def test_it_says_ready_and_asked_to_stop_before_the_spec_it_just_ends(start):
    process = start()
    ready = process.until("ready")
    assert ready["pid"] == process.process.pid
    assert set(ready) == {"type", "torch", "python", "pid", "units"}
    # A processor without units is slower by 4 times and more, one with them faster.
    assert ready["units"] == precision.has_units()
    # The kernel is asked to take the trainer first when memory runs out.
    assert Path(f"/proc/{process.process.pid}/oom_score_adj").read_text().strip() == "1000"
    process.write({"command": "stop"})
    assert process.end() == 0
    assert process.messages[-1] == {"type": "stopped"}


def test_asked_to_stop_together_with_the_spec_it_writes_the_checkpoint_of_step_0(start, make_spec):
    process = start()
    process.write(json.dumps(make_spec()) + "\n" + json.dumps({"command": "stop"}))
    assert process.end() == 0
    assert process.messages[-1] == {"type": "stopped"}


def test_it_stops_by_itself_after_its_time(start, make_spec):
    process = start()
    process.write({**make_spec(epochs=100_000), "stop_after_s": 0.5})
    assert process.end() == 0
    assert process.messages[-1] == {"type": "stopped"}


def test_stray_prints_do_not_break_the_wire(start, tmp_path, make_spec):
    # A library that prints at import, found first on the path.
    (tmp_path / "PIL").mkdir()
    (tmp_path / "PIL/__init__.py").write_text(
        "import os, sys\n"
        "print('stray from python')\n"
        "os.write(1, b'stray from C\\n')\n"
        f"sys.path.remove({str(tmp_path)!r})\n"
        "del sys.modules['PIL']\n"
        "import PIL\n"
        "sys.modules['PIL'] = PIL\n"
    )
    os.environ["PYTHONPATH"] = str(tmp_path)
    try:
        process = start()
    finally:
        del os.environ["PYTHONPATH"]
    process.write(make_spec(epochs=1))
    assert process.end() == 0
    assert process.messages[-1]["type"] == "done"
    errors = process.errors()
    assert "stray from python" in errors
    assert "stray from C" in errors


# With 600 MB not even the data set can be read; it is no worse for that.
@pytest.mark.parametrize("allowed", [600_000_000, 900_000_000])
def test_a_job_too_large_for_the_machine_fails_as_out_of_memory(start, make_spec, allowed):
    process = start()
    process.until("ready")
    # The limit that the trainer sets is of the machine; a lower one that was there before stays.
    import resource

    resource.prlimit(process.process.pid, resource.RLIMIT_DATA, (allowed, allowed))
    process.write(make_spec("dcgan", width=512, batch_size=128, noise_dim=4096))
    assert process.end() == 1
    failed = process.messages[-1]
    assert (failed["type"], failed["code"]) == ("failed", "out_of_memory")
    assert "lower `batch_size` or `width`" in failed["detail"]


def test_an_error_is_told_with_its_code_and_the_process_exits_1(start, make_spec):
    process = start()
    process.write({**make_spec(), "data_roots": []})
    assert process.end() == 1
    failed = process.messages[-1]
    assert (failed["type"], failed["code"]) == ("failed", "invalid_dataset")
    assert "is in none of the data roots" in failed["detail"]


def test_a_sampling_job_runs_through_the_same_process(start, make_spec, tmp_path):
    process = start()
    process.write(make_spec(epochs=1))
    assert process.end() == 0
    [checkpoint] = [m["path"] for m in process.messages if m.get("kind") == "checkpoint"]
    sampler = start()
    line = {"kind": "sample", "job": "job_test", "attempt": 1, "recipe": "mlp_gan", "checkpoint": checkpoint}
    params = {"count": 4, "seed": 1, "output": "grid"}
    folders = {"scratch": str(tmp_path / "samples"), "cache": str(tmp_path / "cache")}
    bounds = {"noise_dim": {"most": 4096}, "image_size": {"most": 512}}
    sampler.write({**line, **folders, "params": params, "bounds": bounds, "device": "cpu", "threads": 1})
    assert sampler.end() == 0
    assert [m["type"] for m in sampler.messages] == ["ready", "started", "file", "done"]


# What trainers use of the models at run time.
SHARED = (
    "disk.py",
    "extractors.py",
    "files.py",
    "formats.py",
    "layer_table.py",
    "limits.py",
    "memory.py",
    "messages",
    "stalls.py",
    "typed_json.py",
    "wire.py",
)


def test_trainers_run_on_python_3_8():
    import subprocess
    import sys

    vermin = Path(sys.executable).with_name("vermin")
    shared = [ROOT / "models" / name for name in SHARED]
    command = [vermin, "-q", "-t=3.8-", "--no-tips", ROOT / "trainers", ROOT / "packing", *shared]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_trainers_bring_nothing_of_the_service_and_no_pydantic(start):
    import subprocess
    import sys

    code = (
        "import sys, trainers.train, trainers.sample, trainers.outputs.plots\n"
        "own = {'stores', 'api', 'worker', 'ganforge', 'pydantic', 'matplotlib', 'torchvision', 'celery'}\n"
        "print(sorted(own & {name.partition('.')[0] for name in sys.modules}))\n"
        "print(*{name.split('.')[1] for name in sys.modules if name.startswith('models.')})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    service, models = done.stdout.splitlines()
    assert service == "[]", done.stderr
    assert set(models.split()) <= {Path(name).stem for name in SHARED}
