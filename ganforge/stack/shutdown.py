"""Stops the started processes in order and leaves none behind. Used by the stack and, if that dies, by its watchdog."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

import psutil

HURRY_S = 2.0


@dataclass(frozen=True)
class Group:
    """A child that leads its own session, and how to stop it.

    Lower phases stop first; `grace` is the number of seconds between the child's `signal` and SIGKILL. `process` is
    None when it had ended before anyone looked; it is never mistaken for a later process with the same id.
    """

    pid: int
    process: psutil.Process | None
    name: str
    signal: int
    grace: float
    phase: int


def find(pid: int) -> psutil.Process | None:
    """Return the process with this id, if there is one."""
    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None


def alive(process: psutil.Process) -> bool:
    """Return whether this process still runs. A zombie has ended, even if nobody has collected it yet."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def stop_groups(groups: Iterable[Group], hurry: Callable[[], bool] = lambda: False) -> list[str]:
    """Stop every group and its descendants; return the names of groups that had to be killed.

    `hurry` is asked again and again: once it says yes, nothing gets more than two further seconds of grace.
    """
    leaders = [(group, process) for group in groups if (process := _leader(group)) is not None]
    # Some descendants lead their own sessions (trainers, Postgres backends). They are found by descent, while the
    # process tree is intact.
    below = [child for _, leader in leaders for child in _descendants(leader)]
    killed: list[str] = []
    for phase in sorted({group.phase for group, _ in leaders}):
        members = [(group, leader) for group, leader in leaders if group.phase == phase]
        for group, leader in members:
            below += _descendants(leader)
            with suppress(psutil.NoSuchProcess):
                leader.send_signal(group.signal)
        _wait(members, hurry)
        for group, leader in members:
            if alive(leader):
                killed.append(group.name)
            _kill_group(group.pid)
    for process in below:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    _wait_gone([*below, *(leader for _, leader in leaders)], 10.0)
    return killed


def _leader(group: Group) -> psutil.Process | None:
    if group.process is not None and group.process.is_running():
        return group.process
    # Other members of its group may still run; the id of a group stays in use as long as it has members.
    _kill_group(group.pid)
    return None


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _wait(members: list[tuple[Group, psutil.Process]], hurry: Callable[[], bool]) -> None:
    start = time.monotonic()
    hurried: float | None = None
    while True:
        now = time.monotonic()
        if hurried is None and hurry():
            hurried = now
        waiting = [
            group
            for group, leader in members
            if alive(leader) and now < start + group.grace and (hurried is None or now < hurried + HURRY_S)
        ]
        if not waiting:
            return
        time.sleep(0.02)


def _wait_gone(processes: list[psutil.Process], limit: float) -> None:
    deadline = time.monotonic() + limit
    while any(alive(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(0.02)
