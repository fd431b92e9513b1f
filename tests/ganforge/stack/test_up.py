"""`ganforge up`: the whole service as one foreground command that leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from ganforge.stack.home import Home
from ganforge.stack.shutdown import alive
from tests.ganforge.conftest import LEAN, Commands
from tests.ganforge.processes import carrying
from tests.waiting import until

# Variables for another database.
FOREIGN = {
    "PGSSLMODE": "require",
    "PGSERVICE": "elsewhere",
    "PGHOST": "db.invalid",
    "PGHOSTADDR": "192.0.2.1",
    "PGPORT": "1",
    "PGUSER": "me",
    "PGOPTIONS": "-c search_path=elsewhere",
    "PGTZ": "nowhere",
}


def test_a_signal_stops_everything_in_order_and_the_data_is_there_the_next_time(ganforge: Commands) -> None:
    first = ganforge.up(**FOREIGN)  # variables for another database change nothing
    assert ganforge("jobs", **FOREIGN).stdout == "No jobs.\n"
    with ganforge.client() as client:
        job = client.train("mlp_gan", "mnist-10k", params={"epochs": 100_000})
        until(lambda: client.job(job["id"])["progress"]["step"] > 0, 60, "the first step")
    _stop(first, signal.SIGINT, ganforge)

    second = ganforge.up()
    with ganforge.client() as client:
        # The warm shutdown gave the job back with a checkpoint, so its next attempt goes on from there.
        until(lambda: client.job(job["id"])["attempt"] == 2, 60, "the second attempt")
        assert [attempt["outcome"] for attempt in client.attempts(job["id"])].count("interrupted") == 1
        assert any(artifact["kind"] == "checkpoint" for artifact in client.artifacts(job["id"]))
    _stop(second, signal.SIGTERM, ganforge)


def _stop(parent: subprocess.Popen[str], number: int, commands: Commands) -> None:
    parent.send_signal(number)
    output, _ = parent.communicate(timeout=60)
    assert parent.returncode == 0, output
    assert "The data stays" in output
    assert carrying(commands.home) == []
    assert not Home(commands.home).stack_file.exists()


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """Return the commands on a home that was left open to others, where a stack runs that started without a umask."""
    commands = Commands(tmp_path_factory.mktemp("opened") / "home", settings=dict(LEAN))
    logs, cache = commands.home / "logs", commands.home / "cache" / "datasets"
    umask = os.umask(0)
    try:
        for folder in (logs, cache):
            folder.mkdir(parents=True)
        for file in (logs / "api.log", cache / "left"):
            file.write_text("from before\n")
        commands.up()
    finally:
        os.umask(umask)
    yield commands
    commands.close()


def readable_by_others(home: Path) -> Iterator[str]:
    """Yield files and folders that other users could open, if the folders above let them."""
    for folder, _, files in os.walk(home):
        for path in (Path(folder), *(Path(folder) / file for file in files)):
            try:
                mode = path.lstat().st_mode
            except FileNotFoundError:
                continue
            if not stat.S_ISLNK(mode) and mode & 0o077:
                yield f"{path.relative_to(home)} {stat.filemode(mode)}"


def test_no_other_user_can_open_what_a_stack_has_written(opened: Commands) -> None:
    with opened.client() as client:
        job = client.train("mlp_gan", "mnist-10k", params={"epochs": 1, "width": 8})
        until(lambda: client.job(job["id"])["state"] == "succeeded", 90, "the job's end")
    assert (opened.home / "logs" / "worker-cpu.log").stat().st_size
    assert any((opened.home / "s3").rglob("*"))
    assert list(readable_by_others(opened.home)) == []


def test_no_process_outlives_a_killed_parent_with_a_job_under_way(opened: Commands) -> None:
    parent = opened.running[0]
    with opened.client() as client:
        job = client.train("mlp_gan", "mnist-10k", params={"epochs": 100_000})
        # A claimed job is running before its trainer is: the first step is the trainer's own sign.
        until(lambda: client.job(job["id"])["progress"]["step"] > 0, 60, "the first step")
    assert any("trainers" in " ".join(process.cmdline()) for process in carrying(opened.home))
    parent.kill()
    until(lambda: carrying(opened.home) == [], 60, "the end of all processes")
    assert not Home(opened.home).stack_file.exists()


def test_a_child_that_ends_is_named_with_its_last_log_lines_and_stops_the_stack(ganforge: Commands) -> None:
    parent = ganforge.up()
    stack = Home(ganforge.home).read_stack()
    assert stack is not None
    os.kill(stack["processes"]["worker-cpu"], signal.SIGKILL)
    output, _ = parent.communicate(timeout=60)
    assert parent.returncode == 1
    assert "worker-cpu was ended by SIGKILL. Its last log lines" in output
    assert "worker_registered" in output
    until(lambda: carrying(ganforge.home) == [], 60, "the end of all processes")


def test_a_second_signal_hurries_a_worker_that_does_not_stop(ganforge: Commands) -> None:
    parent = ganforge.up()
    stack = Home(ganforge.home).read_stack()
    assert stack is not None
    worker = psutil.Process(stack["processes"]["worker-cpu"])
    # A stopped process can't act on SIGTERM; its grace alone would last 20 s.
    worker.suspend()
    parent.send_signal(signal.SIGINT)
    assert parent.stdout is not None
    until(lambda: "Ctrl-C again" in parent.stdout.readline(), 60, "the first signal to be seen")
    with pytest.raises(AssertionError):
        until(lambda: parent.poll() is not None, 0.7)
    parent.send_signal(signal.SIGINT)
    # Killed after 2 s more, and long before its grace of 20 s is over, however long the other processes take.
    until(lambda: not alive(worker), 12, "the end of the worker")
    assert parent.wait(timeout=60) == 0
    assert carrying(ganforge.home) == []


def test_a_signal_while_it_starts_stops_it_too(ganforge: Commands) -> None:
    parent = ganforge.start("up")
    until(lambda: Home(ganforge.home).log("postgres").exists(), 60, "the start of the database")
    parent.send_signal(signal.SIGINT)
    output, _ = parent.communicate(timeout=60)
    assert parent.returncode == 0, output
    assert output.endswith("Stopped.\n")
    assert carrying(ganforge.home) == []


def test_a_second_stack_on_the_same_home_is_refused(running: Commands) -> None:
    stack = Home(running.home).read_stack()
    assert stack is not None
    # It is the same one that holds the port, so the port is not what is wrong.
    for options in ([], ["--port", stack["api"].rpartition(":")[2]]):
        second = running("up", *options)
        assert second.returncode == 1
        told = f"ganforge: a stack already runs on {running.home}, at {stack['api']} (process {stack['pid']}): use that"
        assert second.stderr.startswith(told)
        assert second.stderr.count("\n") == 1
    assert running("jobs").returncode == 0


def test_a_chosen_port_that_is_taken_is_an_error(ganforge: Commands) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = ganforge("up", GANFORGE_PORT=str(port))
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"ganforge: GANFORGE_PORT {port} is taken by another program")
    assert carrying(ganforge.home) == []


def test_a_taken_default_port_is_said_with_the_one_that_is_used(ganforge: Commands) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):  # another program's is as good
            taken.bind(("127.0.0.1", 8000))
            taken.listen()
        parent = ganforge.up("--queues", "cpu", GANFORGE_QUEUES="")
        stack = Home(ganforge.home).read_stack()
        assert stack is not None
        parent.send_signal(signal.SIGTERM)
        output, _ = parent.communicate(timeout=60)
    port = stack["api"].rpartition(":")[2]
    assert f"\nPort 8000 is taken by another program; using {port}\n" in output
    assert f"dashboard   {stack['api']}/dashboard" in output
    assert f"export GANFORGE_HOME={ganforge.home}\n" in output


def test_an_unknown_queue_is_an_error_that_names_the_choices(ganforge: Commands) -> None:
    refused = ganforge("up", GANFORGE_QUEUES="tpu")
    assert (refused.returncode, refused.stderr) == (
        1,
        "ganforge: GANFORGE_QUEUES names tpu; the queues are gpu, jetson, cpu\n",
    )


def test_what_other_commands_need_stands_in_stack_json_without_secrets(running: Commands) -> None:
    home = Home(running.home)
    text = home.stack_file.read_text()
    stack = home.read_stack()
    assert stack is not None
    assert {"api", "s3", "postgres", "redis", "logs", "admin_key", "pid", "processes"} <= stack.keys()
    secrets = home.credentials()
    secret_values = [secrets.postgres, secrets.postgres_service, secrets.redis, secrets.s3_secret_key]
    secret_values.append(home.admin_key_file.read_text().strip())
    assert not any(value in text for value in secret_values)
    assert home.admin_key_file.stat().st_mode & 0o777 == 0o600
