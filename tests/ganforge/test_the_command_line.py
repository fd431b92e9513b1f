"""The command line against a running stack: what it prints, and with which code it ends."""

from __future__ import annotations

import hashlib
import json
import re
import signal
from pathlib import Path

import pytest

from ganforge.cli.output import done_words
from ganforge.client import Client
from ganforge.errors import DownloadError
from tests.ganforge.conftest import Commands
from tests.waiting import until

TINY = ["--set", "epochs=2", "--set", "width=4", "--set", "batch_size=512"]


@pytest.fixture(scope="module")
def trained(running: Commands) -> str:
    """Return the id of a job that a person trained and watched."""
    result = running("train", "mlp_gan", "--dataset", "mnist-10k", *TINY, "--name", "small", "--label", "team=a")
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert "running" in lines
    assert "saved loss.png" in lines
    assert lines[-1] == "succeeded"
    epochs = [line for line in lines if line.startswith("epoch ")]
    assert [line.split()[1] for line in epochs] == ["1/2", "2/2"]
    assert all(re.search(r"D loss \d.*G loss \d.*D\(real\) \d.*D\(fake\) \d.*images/s", line) for line in epochs)
    return re.match(r"job_\S+", lines[0])[0]


def test_jobs_lists_what_the_filters_ask_for(running: Commands, trained: str) -> None:
    shown = running("jobs", "--label", "team=a", "--state", "succeeded").stdout
    assert trained in shown
    assert re.search(r"name +created\b", shown)
    assert running("jobs", "--label", "team=b").stdout == "No jobs.\n"
    listed = json.loads(running("jobs", "--json", "--label", "team=a").stdout)["items"]
    assert [(job["id"], job["name"]) for job in listed] == [(trained, "small")]


def test_watching_a_finished_job_tells_it_again_and_ends_with_its_result(running: Commands, trained: str) -> None:
    result = running("watch", trained, "--json")
    assert result.returncode == 0
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["data"]["to"] == "succeeded"


def test_downloads_are_whole_and_damaged_ones_leave_no_file(running: Commands, trained: str, tmp_path: Path) -> None:
    result = running("download", trained, "--to", str(tmp_path), "--kind", "weights", "--json")
    files = [Path(item["file"]) for item in json.loads(result.stdout)["items"]]
    assert {file.name for file in files} == {"generator.safetensors", "discriminator.safetensors"}
    with running.client() as client:
        weights = list(client.artifacts(trained, kind="weights"))
        assert {hashlib.sha256(file.read_bytes()).hexdigest() for file in files} == {w["sha256"] for w in weights}

        plot = next(client.artifacts(trained, kind="loss_plot"))
        # By its id: other jobs of this service have the same plot.
        (stored,) = (running.home / "s3").rglob(f"{plot['id']}*")
        stored.write_bytes(b"x" * stored.stat().st_size)
        with pytest.raises(DownloadError, match=r"loss\.png came damaged"):
            client.download(plot, tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(file.name for file in files)


def test_a_sampling_job_draws_from_a_trained_one(running: Commands, trained: str, tmp_path: Path) -> None:
    result = running("sample", trained, "--checkpoint", "latest", "--set", "count=4")
    assert result.returncode == 0, result.stderr
    # `last` means the newest job that has networks, not the drawing just made.
    again = running("sample", "last", "--set", "count=4", "--json")
    assert again.returncode == 0, again.stderr
    assert running("jobs", "--limit", "1").stdout.count("100%") == 1
    drawn = running("download", "last", "--to", str(tmp_path), "--kind", "samples")
    assert drawn.returncode == 0
    assert Path(drawn.stdout.strip()).read_bytes().startswith(b"\x89PNG")


def test_an_evaluation_judges_a_trained_job_or_a_data_set(running: Commands, trained: str) -> None:
    asked = json.loads(running("evaluate", "last", "--count", "300", "--seed", "5", "--dry-run").stdout)
    assert (asked["kind"], asked["source"]) == ("evaluate", {"job": trained, "checkpoint": "best"})
    assert (asked["dataset"], asked["params"]["count"], asked["seed"]) == ("mnist-10k", 300, 5)
    result = running("evaluate", "--images", "mnist-10k", "--dataset", "mnist-10k", "--detach", "--json")
    made = json.loads(result.stdout)
    assert (made["source"], made["dataset"]) == ({"dataset": "mnist-10k"}, "mnist-10k")
    running("cancel", made["id"])
    assert made["id"] in running("jobs", "--kind", "evaluate", "--sort", "fd_ratio").stdout


def test_a_job_in_a_queue_without_a_worker_is_told_in_words(running: Commands) -> None:
    told = running("train", "mlp_gan", "--queue", "jetson", "--detach").stdout
    assert "is queued on jetson (no worker serves this queue)" in told
    job = told.split()[0]
    assert re.search("because +no worker serves this queue", running("show", job).stdout)
    running("cancel", job)


def test_a_progress_is_rounded_down() -> None:
    assert [done_words(share) for share in (None, 0.039, 0.999, 1.0)] == [None, "3%", "99%", "100%"]


def test_ctrl_c_leaves_the_job_running_and_cancel_ends_it_with_code_3_for_who_watches(running: Commands) -> None:
    job_id = running("train", "mlp_gan", "--set", "epochs=100000", "--detach").stdout.split()[0]
    watching = running.start("watch", job_id)
    assert watching.stdout is not None
    assert until(lambda: "running" in watching.stdout.readline(), 60, "the job's start")
    watching.send_signal(signal.SIGINT)
    output, _ = watching.communicate(timeout=60)
    assert watching.returncode == 130
    assert f"{job_id} goes on" in output

    staying = running.start("watch", job_id)
    result = running("cancel", job_id)
    assert (result.returncode, result.stdout) == (0, f"{job_id} is canceled\n")
    staying.communicate(timeout=60)
    assert staying.returncode == 3


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["train", "mlp_gan", "--set", "epochs=0"], 4, r"invalid `epochs`: must be .* \[422 validation\]"),
        (["train", "nonsense"], 4, r"invalid `recipe`: .*mlp_gan.* \[422 validation\]"),
        (["train", "mlp_gan", "--set", "epochs"], 2, r"--set 'epochs': write NAME=VALUE, such as --set epochs=5"),
        (["train", "mlp_gan", "--label", "x"], 2, r"--label 'x': write KEY=VALUE, such as --label team=a"),
        (["train"], 2, r"Missing argument .*\(see `ganforge train --help`\)"),
        (["evaluate"], 2, r"give either a training job or --images DATASET"),
        (["evaluate", "last", "--images", "mnist-10k"], 2, r"give either a training job or --images DATASET"),
        (
            ["evaluate", "--images", "mnist-10k"],
            4,
            r"`dataset`: .*name the data set of real images.* \[422 validation\]",
        ),
        (["watch", "digits"], 4, r"digits is no job's id: .* `ganforge jobs -q digits` searches names"),
        (["evaluate", "a8f"], 4, r"a8f is no job's id: give an id, its last digits \(4 or more\), or `last`; .*"),
        (["watch", "job_01980000-0000-7000-8000-000000000000"], 4, r".* \[404 not_found\]"),
        (["jobs", "--label", "x"], 2, r"Invalid value for '?--label'?: write KEY=VALUE, such as team=a, not 'x' .*"),
        (["retention", "set", "x"], 2, r"nothing would go: pass --checkpoints-after, --grids-after, .*"),
        (["nonsense"], 2, r"No such command 'nonsense'\. \(see `ganforge --help`\)"),
    ],
)
def test_every_mistake_is_one_readable_line(running: Commands, arguments: list[str], code: int, line: str) -> None:
    result = running(*arguments)
    assert result.returncode == code
    assert re.fullmatch(rf"ganforge: .*{line}\n", result.stderr), result.stderr


def test_without_a_service_the_line_says_how_to_start_one(ganforge: Commands) -> None:
    result = ganforge("jobs")
    assert result.returncode == 4
    assert re.fullmatch(r"ganforge: no service runs on .*: start one with `make up`, or set .*\n", result.stderr)
    refused = ganforge("jobs", GANFORGE_URL="http://127.0.0.1:9", GANFORGE_API_KEY="gf_x")
    assert refused.returncode == 4
    assert re.fullmatch(r"ganforge: no service answers at http://127.0.0.1:9 .*`make up`.*\n", refused.stderr)


def test_keys_are_made_used_and_revoked(running: Commands) -> None:
    made = json.loads(running("keys", "create", "visitor", "--role", "viewer", "--json").stdout)
    with running.client() as admin:
        url = admin.url
    with Client(url, made["key"]) as visitor:
        assert list(visitor.jobs()) == []
    assert made["id"] in running("keys", "list").stdout
    assert running("keys", "revoke", made["id"]).returncode == 0
    after = running("jobs", GANFORGE_URL=url, GANFORGE_API_KEY=made["key"])
    assert after.returncode == 4
    assert "[401 unauthenticated]" in after.stderr


def test_data_sets_and_recipes_are_listed(running: Commands) -> None:
    assert "mnist-10k" in running("datasets").stdout
    assert re.search(r"mlp_gan +gpu, jetson, cpu +laotou", running("recipes").stdout)
    shown = running("recipes", "mlp_gan").stdout
    assert "noise_dim" in shown
    assert "Preset laotou" in shown
