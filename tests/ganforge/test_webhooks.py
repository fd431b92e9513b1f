"""`ganforge webhooks` against the whole stack: the sweeper of it sends."""

from __future__ import annotations

import json

from tests.ganforge.conftest import Commands
from tests.waiting import until


def test_a_webhook_is_made_tested_paused_and_deleted_by_commands(running: Commands) -> None:
    made = running(
        "webhooks", "create", "https://192.0.2.1/hook", "--event", "job.failed", "--filter", "label=team:a", "--json"
    )
    # A documentation address is not public.
    assert made.returncode == 4
    assert "private network (192.0.2.1)" in made.stderr
    made = running("webhooks", "create", "https://hook.invalid/", "--filter", "label=team:a")
    webhook, secret = made.stdout.split()
    assert secret.startswith("whsec_")
    (listed,) = json.loads(running("webhooks", "--json").stdout)["items"]
    assert (listed["id"], listed["filter"], listed["events"]) == (
        webhook,
        {"label": ["team:a"]},
        ["job.succeeded", "job.failed"],
    )
    delivery = running("webhooks", "test", webhook).stdout.strip()

    def tried() -> str:
        (row,) = json.loads(running("webhooks", "deliveries", webhook, "--json").stdout)["items"]
        return row["attempts"] and row["attempts"][0]["error"]

    assert "hook.invalid could not be resolved" in until(tried, 60, "the first try")
    assert "could not be resolved" in running("webhooks", "deliveries", webhook).stdout.replace("\n", " ")
    assert running("webhooks", "redeliver", webhook, delivery).stdout == f"{delivery} is pending\n"
    assert running("webhooks", "change", webhook, "--event", "job.alert").stdout.startswith(f"{webhook}: job.alert to")
    replaced = running("webhooks", "rotate", webhook).stdout.strip()
    assert replaced.startswith("whsec_")
    assert replaced != secret
    assert running("webhooks", "pause", webhook).stdout == f"{webhook} is paused\n"
    assert running("webhooks", "test", webhook).stderr.startswith("ganforge: this webhook is paused")
    assert running("webhooks", "resume", webhook).stdout == f"{webhook} is active\n"
    assert running("webhooks", "delete", webhook).returncode == 0
    assert running("webhooks", "list").stdout == "No webhooks.\n"
    assert running("webhooks", "create", "https://hook.invalid/", "--filter", "team=a").returncode == 2
