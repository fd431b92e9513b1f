"""Every command, in one walk: it prints JSON in one shape, takes ids by their last digits, and lists when alone."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator

import pytest
import typer

from ganforge.cli import main
from ganforge.cli.app import app
from tests.ganforge.conftest import Commands

# Commands of this machine, which ask no service and have nothing to tell in JSON.
OF_THIS_MACHINE = {"up", "demo", "datasets fetch"}
# Need a trained job or a file; their answers come from the functions that `train` and `datasets show` use.
ELSEWHERE = {"sample", "datasets add", "datasets delete", "webhooks redeliver"}
LISTS = [
    *("jobs", "views", "trash", "usage", "audit", "recipes"),
    *("datasets", "queues", "workers", "keys", "webhooks", "retention"),
    *("datasets list", "queues list", "workers list", "keys list", "webhooks list", "retention list"),
]
# In this order; KEY, JOB, HOOK and LINK stand for the last digits of what was made before.
CALLS = [
    *(("list", name) for name in LISTS),
    ("thing", "storage"),
    ("thing", "recipes compact"),
    ("thing", "datasets show mnist-10k"),
    ("thing", "keys create walk --role viewer"),
    ("thing", "keys revoke KEY"),
    ("thing", "webhooks create https://hook.invalid/walk"),
    ("thing", "webhooks change HOOK --event job.failed"),
    ("thing", "webhooks rotate HOOK"),
    ("thing", "webhooks pause HOOK"),
    ("thing", "webhooks resume HOOK"),
    ("thing", "webhooks test HOOK --no-wait"),
    ("list", "webhooks deliveries HOOK"),
    ("thing", "webhooks delete HOOK"),
    ("thing", "retention set walk --failed-after 400"),
    ("thing", "retention delete walk"),
    ("thing", "workers drain worker-cpu"),
    ("thing", "workers undrain worker-cpu"),
    ("thing", "queues pause gpu"),
    ("thing", "queues resume gpu"),
    ("thing", "evaluate --images mnist-10k -d mnist-10k --queue jetson --label walk=1 --detach"),
    ("thing", "train mlp_gan --queue jetson --label walk=1 --detach"),
    ("thing", "change JOB --name walk"),
    ("thing", "pause JOB"),
    ("thing", "resume JOB"),
    ("thing", "show JOB"),
    ("thing", "open JOB"),
    ("thing", "share JOB"),
    ("list", "share JOB --list"),
    ("thing", "share JOB --revoke LINK"),
    ("thing", "share JOB --revoke all"),
    ("list", "logs JOB"),
    ("list", "download JOB --list"),
    ("thing", "cancel JOB"),
    ("lines", "watch JOB"),
    ("list", "delete JOB"),
    ("list", "restore JOB"),
    ("thing", "retry JOB --dry-run"),
    ("thing", "retry JOB --detach"),
    ("thing", "bulk pause --starred --dataset mnist-10k --label walk=1 -n 0"),
    ("thing", "bulk cancel --label walk=1 --state queued -n 2"),
    ("thing", "bulk delete --label walk=1 -n 3"),
    ("thing", "bulk purge --label walk=1 -n 3"),
    ("thing", "trash --empty 0"),
]


def _commands(command: typer.core.TyperCommand | typer.core.TyperGroup, path: str = "") -> Iterator[tuple[str, set]]:
    inner = getattr(command, "commands", {})
    for name, one in inner.items():
        yield from _commands(one, f"{path} {name}".strip())
    if not inner:
        yield path, {option for parameter in command.params for option in parameter.opts}


@pytest.fixture
def command_line(running: Commands, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], int]:
    """Return what runs a command in this process, which is much cheaper than in one of its own."""
    for name in ("GANFORGE_URL", "GANFORGE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GANFORGE_HOME", str(running.home))
    return lambda line: main(shlex.split(line))


def test_every_command_takes_json_and_stands_in_the_walk() -> None:
    found = dict(_commands(typer.main.get_command(app)))
    assert {name for name, options in found.items() if "--json" not in options} == OF_THIS_MACHINE
    walked = {name for name in found for _, call in CALLS if f"{call} ".startswith(f"{name} ")}
    assert found.keys() - walked == OF_THIS_MACHINE | ELSEWHERE


def test_a_list_is_items_and_one_thing_is_that_thing(
    command_line: Callable[[str], int], capsys: pytest.CaptureFixture[str]
) -> None:
    made: dict[str, str] = {}
    for shape, call in CALLS:
        line = " ".join(made.get(word, word) for word in call.split())
        code = command_line(f"{line} --json")
        shown = capsys.readouterr()
        assert (code, shown.err) == (3 if shape == "lines" else 0, ""), (call, shown)
        if shape == "lines":
            assert all("seq" in json.loads(one) for one in shown.out.splitlines())
            continue
        told = json.loads(shown.out)
        assert isinstance(told, dict), call
        assert isinstance(told.get("items"), list) == (shape == "list"), call
        new = {"keys create": "KEY", "webhooks create": "HOOK", "train mlp_gan": "JOB", "share JOB": "LINK"}
        made |= {word: told["id"][-12:] for start, word in new.items() if shape == "thing" and call.startswith(start)}


@pytest.mark.parametrize("command", ["datasets", "queues", "workers", "keys", "webhooks"])
def test_a_group_alone_lists_as_its_list_does(
    command_line: Callable[[str], int], capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert command_line(command) == 0
    alone = capsys.readouterr().out
    assert command_line(f"{command} list") == 0
    assert [line.split()[:1] for line in capsys.readouterr().out.splitlines()] == [
        line.split()[:1] for line in alone.splitlines()
    ]
    assert command_line(f"{command} --json list") == 2
    assert f"ganforge {command} list … --json" in capsys.readouterr().err


def test_the_end_of_an_id_must_fit_one_thing(
    running: Commands, command_line: Callable[[str], int], capsys: pytest.CaptureFixture[str]
) -> None:
    with running.client() as client:
        first, second = (client.train("mlp_gan", "mnist-10k", queue="jetson", name=name) for name in ("one", "two"))
        begin = first["id"][4:12]
        assert command_line("cancel ffff --no-wait") == 4
        assert "no job's id ends with ffff; `ganforge jobs` lists them" in capsys.readouterr().err
        assert command_line(f"open …{second['id'][-6:]}") == 0
        assert capsys.readouterr().out == f"{client.url}/dashboard/jobs/{second['id']}\n"
        # Dozens of jobs share their beginning, which is no end of any.
        assert command_line(f"open {begin}") == 4
        assert command_line("workers drain nobody") == 4
        err = capsys.readouterr().err
        assert "no worker has the id, name or last digits nobody: there are wrk_" in err
        assert err.count("\n") == 2
        for name in ("twin", "twin"):
            client.create_key(name, role="viewer")
        assert command_line("keys revoke twin") == 4
        assert capsys.readouterr().err.count("(twin)") == 2
        every = client.keys()
        for key in [key for key in every if key["name"] == "twin"]:
            assert command_line(f"keys revoke {key['id'][-8:]}") == 0
        for job in (first, second):
            client.cancel(job["id"])


def test_parameters_are_listed_as_they_are_typed(
    command_line: Callable[[str], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command_line("recipes compact") == 0
    shown = capsys.readouterr().out
    assert "{'" not in shown
    assert not {"True", "False", "None"} & set(shown.split())
    assert any(line.split()[:2] == ["metrics_every.steps", "1"] for line in shown.splitlines()), shown
