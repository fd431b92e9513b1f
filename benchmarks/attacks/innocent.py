"""The second owner, who works as always while somebody else attacks: what is answered, how soon, what is refused."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from benchmarks.attacks.target import Target, small_pictures
from benchmarks.service import digits_job, percentile

CLIENTS = 2
# People and scripts look at an answer before they ask again.
PAUSE_S = 0.01
UPLOAD_EVERY_S = 1.0


@dataclass
class Seen:
    """What the innocent saw. Times are milliseconds."""

    seconds: float
    answers: list[float] = field(default_factory=list)
    uploads: list[float] = field(default_factory=list)
    streams: list[float] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)

    def figures(self) -> dict[str, Any]:
        """Return the summary that is printed."""
        return {
            "answers_per_second": round(len(self.answers) / self.seconds, 1),
            "p99_ms": _at(self.answers, 0.99),
            "upload_ms": _at(self.uploads, 0.5),
            "worst_upload_ms": _at(self.uploads, 1),
            "stream_opened_ms": _at(self.streams, 0.5),
            "worst_stream_opened_ms": _at(self.streams, 1),
            "refused": dict(self.refused),
        }


def _at(times: list[float], share: float) -> float | None:
    return round(percentile(times, share), 1) if times else None


def work(target: Target, seconds: float) -> Seen:
    """Submit, look, list, cancel, upload and follow for so many seconds."""
    seen = Seen(seconds)
    until = time.monotonic() + seconds
    kinds = [*[_ask] * CLIENTS, _upload, _follow]
    threads = [threading.Thread(target=kind, args=(target, seen, until)) for kind in kinds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen


def _ask(target: Target, seen: Seen, until: float) -> None:
    link = target.link()
    job = ""
    while time.monotonic() < until:
        for method, path, body in (
            ("POST", "/v1/jobs", digits_job(queue="cpu")),
            ("GET", "/v1/jobs/{job}", None),
            ("GET", "/v1/jobs?limit=20", None),
            ("POST", "/v1/jobs/{job}/cancel", None),
        ):
            sent = None if body is None else json.dumps(body).encode()
            content = _timed(target, link, seen, seen.answers, method, path.format(job=job), sent)
            if path == "/v1/jobs" and content:
                job = json.loads(content)["id"]
            time.sleep(PAUSE_S)
    link.close()


def _upload(target: Target, seen: Seen, until: float) -> None:
    link, archive = target.link(), small_pictures()
    while (began := time.monotonic()) < until:
        try:
            status, content = target.upload(link, f"innocent-{time.time_ns()}", archive)
        except (OSError, http.client.HTTPException) as error:
            seen.refused[f"upload {type(error).__name__}"] += 1
            link.close()
        else:
            if status == http.client.CREATED:
                seen.uploads.append(1000 * (time.monotonic() - began))
                target.send(link, "DELETE", f"/v1/datasets/{json.loads(content)['id']}")
            else:
                seen.refused[f"upload {status}"] += 1
        time.sleep(max(0.0, began + UPLOAD_EVERY_S - time.monotonic()))
    link.close()


def _follow(target: Target, seen: Seen, until: float) -> None:
    """Open a stream, read its first bytes, and leave."""
    while (began := time.monotonic()) < until:
        link = target.link()
        try:
            link.request("GET", "/v1/events", headers={"Authorization": f"Bearer {target.key}"})
            answer = link.getresponse()
            if answer.status == http.client.OK:
                answer.read(6)
                seen.streams.append(1000 * (time.monotonic() - began))
            else:
                seen.refused[f"stream {answer.status}"] += 1
        except (OSError, http.client.HTTPException) as error:
            seen.refused[f"stream {type(error).__name__}"] += 1
        finally:
            link.close()
        time.sleep(max(0.0, began + UPLOAD_EVERY_S - time.monotonic()))


def _timed(
    target: Target,
    link: http.client.HTTPConnection,
    seen: Seen,
    times: list[float],
    method: str,
    path: str,
    body: bytes | None,
) -> bytes:
    """Return the answer's body, empty where it was refused."""
    began = time.monotonic()
    try:
        status, content = target.send(link, method, path, body)
    except (OSError, http.client.HTTPException) as error:
        seen.refused[type(error).__name__] += 1
        link.close()
        return b""
    if status >= http.client.BAD_REQUEST:
        seen.refused[str(status)] += 1
        return b""
    times.append(1000 * (time.monotonic() - began))
    return content
