"""`ganforge logs`: what the trainers of a job wrote, as a person types it."""

from __future__ import annotations

import json

from tests.ganforge.conftest import Commands


def test_the_log_of_a_job_is_printed_searched_and_followed(running: Commands) -> None:
    made = running("train", "mlp_gan", "--set", "width=4", "--set", "batch_size=512", "--set", "epochs=2", "--detach")
    job = made.stdout.split()[0]
    followed = running("logs", job, "--follow")
    assert followed.returncode == 0, followed.stderr
    lines = followed.stdout.splitlines()
    assert sum(line.startswith("[epoch] ") for line in lines) == 2
    assert running("logs", job).stdout == followed.stdout
    assert running("logs", job, "--tail", "1").stdout == f"{lines[-1]}\n"
    assert running("logs", job, "--search", "EPOCH] 1").stdout.startswith("[epoch] 1 step")
    (told,) = [json.loads(line) for line in running("logs", job, "-f", "-n", "1", "--json").stdout.splitlines()]
    assert (told["attempt"], told["lines"]) == (1, lines[-1:])
    assert running("logs", job, "--attempt", "2").stdout == ""
    refused = running("logs", job, "--follow", "--search", "x")
    assert (refused.returncode, "exclude each other" in refused.stderr) == (2, True)
