"""How far the service's estimates are from what happens: of running jobs at a tenth and at half, and of waiting ones.

Errors are shares of the time that was left. The first jobs teach the pace; those that are measured come after them.
"""

from __future__ import annotations

import http.client
import statistics
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from benchmarks.service import Service, digits_job, emit, running_service

SHARES = (0.1, 0.5)
LESSONS = 2
ROUNDS = 2
QUEUED = 3
EPOCHS = 25
DEADLINE_S = 600


@dataclass
class Seen:
    """What a job's answers said, and when."""

    waiting: tuple[float, dict[str, Any] | None] | None = None
    running: dict[float, tuple[float, dict[str, Any] | None]] = field(default_factory=dict)
    finished: float = 0.0


def run() -> None:
    """Print the errors of the estimates, and how often the end was inside the range."""
    with running_service() as service:
        link = service.connection()
        for _ in range(LESSONS):
            _watch(service, link, [_submit(service)])
        seen: list[Seen] = []
        for _ in range(ROUNDS):
            seen += _watch(service, link, [_submit(service) for _ in range(QUEUED)])
        link.close()
    for share in SHARES:
        _print_errors(
            "eta_error_running", [(one.running[share], one.finished) for one in seen if share in one.running], at=share
        )
    # The first of each round does not wait.
    _print_errors("eta_error_waiting", [(one.waiting, one.finished) for one in seen if one.waiting is not None])


def _submit(service: Service) -> str:
    job = service.client.submit(digits_job(params={"epochs": EPOCHS, "width": 32}))
    return str(job["id"])


def _watch(service: Service, link: http.client.HTTPConnection, jobs: list[str]) -> list[Seen]:
    """Look at the jobs, again and again, until all have ended."""
    seen = {job: Seen() for job in jobs}
    deadline = time.monotonic() + DEADLINE_S
    while not all(one.finished for one in seen.values()):
        assert time.monotonic() < deadline, "the jobs did not end"
        for job, one in seen.items():
            if one.finished:
                continue
            _, answer = service.call(link, "GET", f"/v1/jobs/{job}")
            now = time.time()
            if answer["finished_at"]:
                assert answer["state"] == "succeeded", answer["error"]
                one.finished = _moment(answer["finished_at"])
            elif answer["state"] == "queued" and one.waiting is None and answer["position"] < len(jobs):
                one.waiting = (now, answer["eta"])
            for share in SHARES:
                if answer["state"] == "running" and answer["progress"]["fraction"] >= share:
                    one.running.setdefault(share, (now, answer["eta"]))
        time.sleep(0.1)
    return list(seen.values())


def _print_errors(figure: str, looks: list[tuple[tuple[float, dict[str, Any] | None], float]], **values: float) -> None:
    """Print how far off the estimates were; `looks` are when, what was said, and the end that came."""
    known = [(at, eta, end) for (at, eta), end in looks if eta is not None]
    errors = [(_moment(eta["at"]) - end) / max(end - at, 0.1) for at, eta, end in known]
    inside = [_moment(eta["low"]) <= end <= _moment(eta["high"]) for _, eta, end in known]
    emit(
        figure,
        **values,
        jobs=len(looks),
        told=len(known),
        seconds_left=round(statistics.median([end - at for at, _, end in known]), 1) if known else None,
        median_error=round(statistics.median([abs(error) for error in errors]), 3) if errors else None,
        worst_error=round(max(errors, key=abs), 3) if errors else None,
        end_in_range=round(statistics.mean(inside), 2) if inside else None,
    )


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
