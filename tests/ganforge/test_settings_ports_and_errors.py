"""Words, numbers and choices of the command line that need no service."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from ganforge.cli.output import complain, print_json, print_table, say
from ganforge.cli.submit import parse_settings
from ganforge.connection import find_connection
from ganforge.errors import ApiError, GanforgeError, StackError
from ganforge.follow import backoff
from ganforge.stack.home import Home
from ganforge.stack.settings import StackSettings


def test_settings_are_json_where_they_can_be_and_dots_go_one_level_down() -> None:
    given = ["epochs=5", "learning_rate=3e-4", "exact=false", "optimizer=adam", "grid_every.epochs=10", "images=null"]
    assert parse_settings(given) == {
        "epochs": 5,
        "learning_rate": 3e-4,
        "exact": False,
        "optimizer": "adam",
        "grid_every": {"epochs": 10},
        "images": None,
    }


def test_a_refusal_is_one_line_with_fields_choices_and_code() -> None:
    fields = [
        {"pointer": "/params/epochs", "detail": "must be at least 1"},
        {"pointer": "/name", "detail": "too\nlong"},
    ]
    body = {"code": "validation", "detail": "2 fields are not valid", "errors": fields}
    assert str(ApiError(422, body)) == ("invalid `epochs`: must be at least 1; `name`: too long [422 validation]")
    conflict = {"code": "conflict", "detail": "cannot cancel", "state": "succeeded", "allowed": []}
    assert str(ApiError(409, conflict)) == "cannot cancel [409 conflict]"
    crash = {"code": "internal", "detail": "something broke", "request_id": "req_1"}
    assert str(ApiError(500, crash)) == "something broke (request req_1) [500 internal]"


def test_the_admin_key_of_the_local_stack_goes_to_that_stack_alone(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    home.write_stack({"api": "http://127.0.0.1:8000"})
    home.admin_key_file.write_text("gf_secret\n")
    env = {"GANFORGE_HOME": str(tmp_path)}
    found = find_connection(environment=env)
    assert (found.url, found.key) == ("http://127.0.0.1:8000", "gf_secret")
    assert "gf_secret" not in repr(found)
    with pytest.raises(GanforgeError, match=r"no key for https://elsewhere\.example: set GANFORGE_API_KEY"):
        find_connection(environment={**env, "GANFORGE_URL": "https://elsewhere.example"})
    assert find_connection("https://elsewhere.example/", "gf_x", env).url == "https://elsewhere.example"


def test_a_taken_default_port_gives_way_to_the_next_free_one() -> None:
    free = StackSettings.read({}).choose_port()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", free))
        taken.listen()
        assert StackSettings.read({}).choose_port() > free


@pytest.mark.parametrize("port", ["abc", "0", "65536", "-1"])
def test_a_port_that_is_none_is_refused_by_name(port: str) -> None:
    with pytest.raises(StackError, match=rf"GANFORGE_PORT is '{port}'; it must be a number from 1 to 65535"):
        StackSettings.read({"GANFORGE_PORT": port})


def test_data_roots_reach_the_service_as_absolute_paths() -> None:
    given = os.pathsep.join(["data", "/srv/data", ""])
    assert StackSettings.read({"GANFORGE_DATA_ROOTS": given}).data_roots == os.pathsep.join(
        [str(Path.cwd() / "data"), "/srv/data"]
    )


@pytest.mark.parametrize("first", [0.5, 5.0, 30.0])  # the default, the limit, and a service's own wish beyond it
def test_the_wait_between_tries_grows_to_5_seconds_unless_the_service_asks_for_more(first: float) -> None:
    assert min(first, 5.0) / 2 <= backoff(first, 0, None) <= min(first, 5.0)
    assert all(2.5 <= backoff(first, failures, None) <= 5.0 for failures in range(4, 11) for _ in range(100))
    assert backoff(first, 10, 20.0) == 20.0


@pytest.mark.parametrize("control", ["\x1b", "\x07", "\r", "\x7f", "\x9b", "\u202e", "\u2066"])
def test_no_control_character_reaches_a_terminal(control: str, capsys: pytest.CaptureFixture[str]) -> None:
    name = f"a{control}]0;title"
    say(name)
    complain(name)
    print_table(("job", "name"), [(name, name)], "")
    print_json([name])
    shown = capsys.readouterr()
    assert control not in shown.out + shown.err
    assert shown.out.count("a\N{REPLACEMENT CHARACTER}]0;title") == 3
    assert json.loads(shown.out[shown.out.rindex("[") :]) == [name]
