"""Trainers have the user id of their supervisor, which holds the credentials of the database and the object store."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ganforge.stack.ports import free_port
from tests.api.server import Server
from tests.peeking import LIKE_A_USER, readable
from tests.waiting import until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's flag is Linux's")


def test_a_trainer_reads_no_environment_of_its_supervisor(fleet, stores, tmp_path):
    found = tmp_path / "found"
    curious = tmp_path / "python"
    curious.write_text(
        f"#!/bin/sh\nif cat /proc/$PPID/environ >{found}.new; then :; else echo refused >{found}.new; fi\n"
        f'mv {found}.new {found}\nexec {sys.executable} "$@"\n'
    )
    curious.chmod(0o700)
    fleet.prefix = LIKE_A_USER
    fleet.supervisor(GANFORGE_TRAINER_PYTHON=str(curious), GANFORGE_SPARE_TRAINER="true")
    until(found.exists, 60, "a trainer's look at its supervisor")
    assert found.read_text() == "refused\n"


def test_supervisor_and_sweeper_are_unreadable_to_others_of_their_user(fleet, stores):
    fleet.prefix = LIKE_A_USER
    for process in (fleet.supervisor(), fleet.sweeper()):
        until(lambda process=process: readable(process.pid) == [], 60, "secrets that are hidden")
        assert process.poll() is None
    until(lambda: any(row["state"] != "stopped" for row in stores.queries.jobs.workers(30)), 60, "a supervisor at work")


def test_the_processes_of_the_api_are_unreadable_to_others_of_their_user(
    service_environment: dict[str, str], tmp_path: Path
) -> None:
    server = Server({**service_environment, "GANFORGE_HOME": str(tmp_path)}, free_port(), tmp_path / "api.log")
    server.prefix = LIKE_A_USER
    server.start()
    try:
        assert server.process is not None
        pids = [server.process.pid, *(worker.pid for worker in server.workers())]
        assert len(pids) >= 2
        assert [readable(pid) for pid in pids] == [[]] * len(pids)
    finally:
        server.stop()
