"""`ganforge webhooks` against the whole stack: the sweeper of it sends."""

from __future__ import annotations

import json
import re

from tests.ganforge.conftest import Commands
from tests.receiver import receiving


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
    tested = running("webhooks", "test", webhook)
    (delivery,) = json.loads(running("webhooks", "deliveries", webhook, "--json").stdout)["items"]
    assert (tested.returncode, tested.stdout) == (1, "")
    told = f"ganforge: {delivery['id']} did not arrive: the name hook.invalid could not be resolved "
    assert re.fullmatch(rf"{told}.* after [0-9]+ ms; it is tried again, for a day\n", tested.stderr), tested.stderr
    assert "could not be resolved" in running("webhooks", "deliveries", webhook).stdout.replace("\n", " ")
    again = running("webhooks", "redeliver", webhook, delivery["id"], "--no-wait")
    assert again.stdout == f"{delivery['id']} is pending\n"
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


def test_the_command_that_tests_a_webhook_says_what_the_receiver_answered(ganforge: Commands) -> None:
    ganforge.up(GANFORGE_WEBHOOK_PRIVATE="1")
    with receiving() as receiver:
        webhook = ganforge("webhooks", "create", receiver.url(), "--filter", "project=digits").stdout.split()[0]
        arrived = ganforge("webhooks", "test", webhook)
        (delivery,) = json.loads(ganforge("webhooks", "deliveries", webhook, "--json").stdout)["items"]
        assert re.fullmatch(rf"{delivery['id']} arrived: HTTP 200 after [0-9]+ ms\n", arrived.stdout)
        assert (arrived.returncode, arrived.stderr) == (0, "")
        receiver.says(500)
        refused = ganforge("webhooks", "redeliver", webhook, delivery["id"], "--json")
        told = json.loads(refused.stdout)
        assert (refused.returncode, told["id"], told["state"]) == (1, delivery["id"], "pending")
        assert [one["status"] for one in told["attempts"]] == [200, 500]
