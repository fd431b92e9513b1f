"""`ganforge demo`: the main job end to end, for somebody who has just arrived."""

from __future__ import annotations

import signal
from pathlib import Path

from ganforge.stack.home import Home
from tests.ganforge.conftest import Commands
from tests.ganforge.processes import carrying
from tests.waiting import until

RESULTS = {
    "grid.png": b"\x89PNG",
    "samples.png": b"\x89PNG",
    "training.gif": b"GIF89a",
    "loss.png": b"\x89PNG",
    "report.json": b"{",
    "generator.safetensors": b"",
    "discriminator.safetensors": b"",
}


def test_it_trains_draws_and_downloads_and_stops_what_it_started(ganforge: Commands, tmp_path: Path) -> None:
    result = ganforge("demo", "--epochs", "1", "--to", str(tmp_path / "out"))
    assert result.returncode == 0, result.stderr
    files = {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()}
    assert files.keys() == RESULTS.keys()
    assert all(files[name].startswith(start) and files[name] for name, start in RESULTS.items())
    assert [
        line.split(" s  ")[1] for line in result.stdout.splitlines() if " s  " in line and "epoch" not in line[:6]
    ] == [
        "starting the stack",
        "training compact for 1 epochs",
        "drawing 64 new digits",
        "downloading",
        "stopping the stack",
    ]
    assert carrying(ganforge.home) == []


def test_ctrl_c_in_the_middle_of_training_leaves_no_process(ganforge: Commands, tmp_path: Path) -> None:
    demo = ganforge.start("demo", "--epochs", "1000", "--to", str(tmp_path / "out"))
    assert demo.stdout is not None
    until(lambda: demo.stdout.readline() == "running\n", 90, "the start of the training")
    demo.send_signal(signal.SIGINT)
    output, _ = demo.communicate(timeout=60)
    assert demo.returncode == 130, output
    assert "everything that the demo started is stopped" in output
    assert carrying(ganforge.home) == []


def test_it_uses_a_stack_that_runs_here_and_leaves_it_running(running: Commands, tmp_path: Path) -> None:
    before = Home(running.home).read_stack()
    result = running("demo", "--epochs", "1", "--to", str(tmp_path))
    assert result.returncode == 0, result.stderr
    assert "Using the stack that runs at" in result.stdout
    assert Home(running.home).read_stack() == before
    assert running("jobs", "--label", "ganforge=demo").stdout.count("succeeded") == 2
