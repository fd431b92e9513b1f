"""Pause, resume, retry, change, bulk, queues, workers and audit, as a person types them."""

from __future__ import annotations

import json
import re

import httpx
import pytest

from tests.ganforge.conftest import Commands
from tests.waiting import until

SMALL = ["--set", "width=4", "--set", "batch_size=512"]


def _submit(running: Commands, *more: str) -> str:
    made = running("train", "mlp_gan", *SMALL, "--detach", *more)
    assert made.returncode == 0, made.stderr
    return made.stdout.split()[0]


def _job(running: Commands, job_id: str) -> dict:
    with running.client() as client:
        return dict(client.job(job_id))


def test_a_running_job_is_paused_resumed_and_canceled(running: Commands) -> None:
    job_id = _submit(running, "--set", "epochs=100000")
    until(lambda: _job(running, job_id)["progress"]["step"] > 0, 60, "its first step")
    paused = running("pause", job_id)
    assert (paused.returncode, paused.stdout) == (0, f"{job_id} is paused\n")
    assert running("pause", job_id).stdout == f"{job_id} is paused\n"
    assert re.fullmatch(rf"{job_id} is (queued, number 1 in cpu|running)\n", running("resume", job_id).stdout)
    step = _job(running, job_id)["progress"]["step"]
    until(lambda: _job(running, job_id)["progress"]["step"] > step, 60, "its going on")
    assert running("cancel", job_id).returncode == 0
    refused = running("pause", job_id)
    assert refused.returncode == 4
    assert "cannot pause a job that is canceled; possible actions: retry" in refused.stderr


def test_a_retry_is_watched_to_its_end_with_the_changes(running: Commands) -> None:
    job_id = _submit(running, "--set", "epochs=1")
    with running.client() as client:
        client.wait(job_id)
        again = running("retry", job_id, "--set", "epochs=2", "--checkpoint", "latest", "--detach", "--json")
        job = json.loads(again.stdout)
        assert (job["parent"], job["params"]["epochs"]) == (job_id, 2)
        assert job["source"] == {"job": job_id, "checkpoint": "latest"}
        assert client.wait(job["id"])["state"] == "succeeded"
    watched = running("retry", job_id)
    assert watched.returncode == 0, watched.stderr
    assert watched.stdout.splitlines()[-1] == "succeeded"
    refused = running("retry", job_id, "--set", "width=8", "--checkpoint", "latest")
    assert refused.returncode == 4
    assert "invalid `width`: " in refused.stderr
    assert "start from scratch" in refused.stderr


def test_a_paused_queue_keeps_jobs_waiting_which_many_orders_change(running: Commands) -> None:
    assert running("queues", "pause", "cpu").stdout.startswith("cpu is paused; ")
    first, second = (_submit(running, "--label", "batch=x", "--name", name) for name in ("first", "second"))
    assert re.search(r"^ *cpu +paused +2 ", running("queues", "list").stdout, re.MULTILINE)
    assert running("change", second, "--order", "first").stdout == (f"Position updated: {second}, number 1 in cpu\n")
    told = running("change", first[-8:], "--priority", "5", "--name", "").stdout
    assert told == f"Priority, name updated: {first}, number 1 in cpu\n"
    changed = _job(running, first)
    assert (changed["priority"], changed["name"], changed["position"]) == (5, None, 1)
    assert running("change", first).returncode == 2

    wrong = running("bulk", "cancel", "--label", "batch=x", "-n", "3")
    assert wrong.returncode == 4
    assert "the filter matches 2 jobs, not 3" in wrong.stderr
    done = running("bulk", "reprioritize", "--label", "batch=x", "-n", "2", "--priority", "5")
    assert done.stdout == "1 of 2 jobs changed\n"
    done = running("bulk", "cancel", "--label", "batch=x", "-n", "2", "--json")
    assert json.loads(done.stdout) == {"matched": 2, "changed": 2, "unchanged": 0, "problems": []}
    assert running("queues", "resume", "cpu").stdout == "cpu is open; 0 jobs wait\n"

    told = running("audit", "--subject", first, "--json")
    assert [line["action"] for line in json.loads(told.stdout)["items"]] == ["job.cancel", "job.change", "job.create"]
    assert re.search(r"^ *cpu +queue\.resume +admin ", running("audit", "--limit", "1").stdout, re.MULTILINE)


def test_a_worker_is_drained_and_let_work_again(running: Commands) -> None:
    (worker,) = [one for one in json.loads(running("workers", "--json").stdout)["items"] if one["state"] == "live"]
    assert running("workers", "drain", worker["name"]).stdout == f"{worker['id']} is draining\n"
    assert re.search(rf"^ *{worker['id']} .* draining ", running("workers", "list").stdout, re.MULTILINE)
    assert running("workers", "undrain", worker["id"][-8:]).stdout == f"{worker['id']} is live\n"


@pytest.mark.parametrize("limit", ["0", "1"])
def test_a_key_has_the_quotas_it_was_made_with(running: Commands, limit: str) -> None:
    made = json.loads(running("keys", "create", f"few-{limit}", "--queued", limit, "--json").stdout)
    assert made["quotas"] == {"queued": int(limit), "running": None, "stored_bytes": None}


def test_retention_of_a_project_is_tried_set_listed_and_deleted(running: Commands) -> None:
    rules = ("--checkpoints-after", "7", "--keep-checkpoints", "2", "--failed-after", "30")
    tried = running("retention", "set", "digits", *rules, "--dry-run")
    assert tried.stdout.startswith("jobs into the trash: 0 objects of 0 jobs, 0 B\n")
    assert running("retention", "list").stdout == "No retention policies.\n"
    assert json.loads(running("retention", "set", "digits", *rules, "--dry-run", "--json").stdout)["grids"]["jobs"] == 0
    policy = running("retention", "set", "digits", *rules).stdout.strip()
    listed = running("retention", "list").stdout
    assert policy in listed
    assert "checkpoints after 7 d, failed jobs after 30 d; 2 checkpoints stay" in listed
    assert json.loads(running("retention", "--json").stdout)["items"][0]["keep_checkpoints"] == 2
    assert running("retention", "set", "digits").returncode == 2  # no rules
    assert running("retention", "delete", "digits").stdout == f"{policy} is deleted\n"
    assert running("retention", "list").stdout == "No retention policies.\n"


def test_jobs_are_deleted_listed_in_the_trash_and_restored(running: Commands) -> None:
    first, second = (_submit(running, "--queue", "gpu", "--label", "trash=x") for _ in range(2))
    refused = running("delete", first)
    assert refused.returncode == 1
    assert "cancel it first" in refused.stderr
    assert running("bulk", "cancel", "--label", "trash=x", "-n", "2").returncode == 0
    assert running("delete", first, second).stdout == f"{first} is in the trash\n{second} is in the trash\n"
    listed = [job["id"] for job in json.loads(running("trash", "--json").stdout)["items"]]
    assert listed[:2] == [second, first]
    assert running("restore", first).stdout == f"{first} is restored\n"
    assert running("delete", first, "--for-good").stdout == f"{first} is deleted for good\n"
    gone = running("restore", first)
    assert (gone.returncode, "not found" in gone.stderr) == (1, True)
    assert f"{len(listed) - 1} jobs are deleted for good" in running("trash", "--empty", str(len(listed) - 1)).stdout
    assert running("trash").stdout == "The trash is empty.\n"
    held = running("storage")
    assert held.returncode == 0
    assert "The trash holds 0 B in 0 objects of 0 jobs" in held.stdout
    assert json.loads(running("storage", "--json").stdout)["trash"]["jobs"] == 0


def test_a_job_is_shared_by_a_link_until_it_is_revoked(running: Commands) -> None:
    job_id = _submit(running, "--queue", "jetson")
    made = running("share", job_id, "--days", "1")
    assert made.returncode == 0, made.stderr
    address = made.stdout.strip()
    assert httpx.get(address).status_code == 200
    (listed,) = json.loads(running("share", job_id, "--list", "--json").stdout)["items"]
    assert re.search(rf"^ *{listed['id']} .* ago +in 2[34] h", running("share", job_id, "--list").stdout, re.MULTILINE)
    other = running("share", job_id).stdout.strip()
    assert running("share", job_id, "--revoke", listed["id"][-12:]).stdout == f"{listed['id']} is revoked\n"
    assert [httpx.get(one).status_code for one in (address, other)] == [404, 200]
    assert running("share", job_id, "--revoke", "all").stdout == f"All links of {job_id} are revoked\n"
    assert httpx.get(other).status_code == 404
    assert running("share", job_id, "--list").stdout == "No links.\n"
    gone = running("share", job_id, "--revoke", "ffff")
    assert (gone.returncode, f"`ganforge share {job_id} --list` lists them" in gone.stderr) == (4, True)
    assert running("share", job_id, "--list", "--revoke", "all").returncode == 2
    for days in ("91", "0", "nan"):
        refused = running("share", job_id, "--days", days)
        assert (refused.returncode, "Invalid value for '--days'" in refused.stderr) == (2, True)
    running("cancel", job_id)


def test_a_job_is_submitted_with_project_and_notes_which_lists_and_its_page_show(running: Commands) -> None:
    notes = "# Why\nto *see*"
    job_id = _submit(running, "--queue", "jetson", "--project", "shown", "--notes", notes)
    job = _job(running, job_id)
    assert (job["project"], job["notes"]) == ("shown", notes)
    assert re.search(rf"^ *{job_id} .* shown ", running("jobs", "--project", "shown").stdout, re.MULTILINE)
    shown = running("show", job_id).stdout
    assert re.search("^ *project +shown *$", shown, re.MULTILINE)
    assert re.search("^ *queue +jetson, number [0-9]+ *$", shown, re.MULTILINE)
    assert re.search("^ *width +4 *$", shown, re.MULTILINE)
    assert shown.endswith(f"\n{notes}\n")
    running("cancel", job_id)


def test_jobs_are_found_starred_and_kept_in_views(running: Commands) -> None:
    # Nobody serves this queue here: the job waits.
    job_id = _submit(running, "--queue", "jetson", "--name", "needle")
    assert running("change", job_id, "--notes", "*sharp*", "--project", "hay", "--star").returncode == 0
    job = _job(running, job_id)
    assert (job["notes"], job["project"], job["starred"]) == ("*sharp*", "hay", True)
    for asked in (
        ("-q", "sharp -params.width>4"),
        ("--project", "hay"),
        ("-q", "needle", "--starred", "--sort", "name"),
    ):
        found = json.loads(running("jobs", *asked, "--json").stdout)["items"]
        assert [one["id"] for one in found] == [job_id], asked
    refused = running("jobs", "-q", "recpie:x")
    assert (refused.returncode, "did you mean `recipe`" in refused.stderr) == (4, True)
    with running.client() as client:
        client.add_view("hay stack", {"q": "needle", "starred": True}, sort="name")
    assert "hay stack" in running("views").stdout
    assert [one["id"] for one in json.loads(running("jobs", "--view", "hay stack", "--json").stdout)["items"]] == [
        job_id
    ]
    assert running("views", "--delete", "hay stack").stdout == "hay stack is deleted\n"
    assert running("jobs", "--view", "hay stack").returncode == 2
    assert running("change", job_id, "--notes", "", "--no-star").returncode == 0
    assert (_job(running, job_id)["notes"], _job(running, job_id)["starred"]) == (None, False)
    assert running("bulk", "cancel", "-q", "needle", "-n", "1").stdout == "1 of 1 jobs changed\n"
