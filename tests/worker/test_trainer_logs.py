"""What real trainers write, from their pipe to the reader, through a supervisor that may die."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from sqlalchemy import text

from tests.waiting import until

CANARY = "canary-4f1c9a7e-secret"


def _chatty(folder: Path, script: str) -> str:
    """Return the path of a Python that first runs a shell script, as a library that writes much would."""
    path = folder / "python"
    path.write_text(f'#!/bin/sh\n{script}\nexec {sys.executable} "$@"\n')
    path.chmod(0o700)
    return str(path)


def _text(stores, job_id: str) -> str:
    return b"".join(piece.text for piece in stores.trainer_logs.reader.pieces(job_id)).decode()


def test_a_trainers_log_is_an_artifact_without_secrets_when_its_job_has_ended(fleet, stores, submit, tmp_path):
    script = f"env >&2; echo {CANARY} https://me:{CANARY}x@host >&2; i=0\n"
    script += "while [ $i -lt 3000 ]; do echo line $i >&2; i=$((i+1)); done"
    fleet.supervisor(GANFORGE_TRAINER_PYTHON=_chatty(tmp_path, script), SOME_TOKEN=CANARY)
    job_id = submit()
    until(lambda: stores.queries.jobs.job(job_id, None)["state"] == "succeeded", 60, "the end of the job")

    (artifact,) = stores.queries.jobs.artifacts(job_id, ["log"], 10, None)
    _, key = stores.queries.jobs.artifact(artifact["id"], None)
    stored = b"".join(stores.infra.blobs.stream(key)).decode()
    assert stored == _text(stores, job_id)
    assert [line for line in stored.splitlines() if line.startswith("line ")] == [f"line {n}" for n in range(3000)]
    assert "[epoch] 2 step 140" in stored
    settings = stores.infra.settings
    secrets = [CANARY, settings.s3_secret_key.get_secret_value(), settings.database_url.get_secret_value()]
    with stores.infra.engine.connect() as connection:
        rows = connection.scalars(text("SELECT events::text FROM events UNION ALL SELECT jobs::text FROM jobs")).all()
        assert connection.scalar(text("SELECT count(*) FROM log_chunks")) == 0
    assert not [secret for secret in secrets for row in (stored, *rows) if secret in row]


def test_what_a_trainer_wrote_survives_its_supervisor_and_is_archived_by_a_sweeper(fleet, stores, submit, tmp_path):
    # It ends at the end of its input, as a trainer does whose supervisor is gone.
    script = "echo first words >&2; cat > /dev/null; exit"
    supervisor = fleet.supervisor(GANFORGE_TRAINER_PYTHON=_chatty(tmp_path, script))
    job_id = submit(max_attempts=1)
    until(lambda: "first words" in _text(stores, job_id), 60, "the first words")
    os.killpg(supervisor.pid, signal.SIGKILL)
    fleet.sweeper(GANFORGE_CHORE_S="0.2")
    until(lambda: stores.queries.jobs.artifacts(job_id, ["log"], 10, None), 60, "the artifact of the log")
    assert _text(stores, job_id) == "first words\n"
    assert stores.queries.jobs.job(job_id, None)["state"] == "failed"
