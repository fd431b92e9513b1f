"""Access keys and addresses as people's shells and files hold them. No service is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganforge.connection import Connection, find_connection
from ganforge.errors import GanforgeError
from ganforge.stack.home import Home
from tests.ganforge.conftest import Commands

NOBODY = "http://127.0.0.1:9"


@pytest.mark.parametrize("blank", ["\r", "\n", "\r\n", " ", "\t"])
def test_blanks_around_a_key_are_dropped(blank: str, tmp_path: Path) -> None:
    env = {"GANFORGE_HOME": str(tmp_path), "GANFORGE_URL": f"{NOBODY}{blank}"}
    assert find_connection(environment={**env, "GANFORGE_API_KEY": f"{blank}gf_x{blank}"}) == Connection(NOBODY, "gf_x")
    assert find_connection(key=f"gf_x{blank}", environment=env).key == "gf_x"
    home = Home(tmp_path)
    home.write_stack({"api": NOBODY})
    home.admin_key_file.write_bytes(f"gf_x{blank}".encode())
    assert find_connection(environment={"GANFORGE_HOME": str(tmp_path)}).key == "gf_x"


@pytest.mark.parametrize("key", ["“gf_secret”", "gf_secret\rX: y", "gf secret", "gf_secret\x1b[0m", "gf_secret\udc80"])
def test_a_key_that_no_header_can_hold_is_refused_unseen(ganforge: Commands, key: str) -> None:
    result = ganforge("queues", "list", GANFORGE_URL=NOBODY, GANFORGE_API_KEY=key)
    assert result.returncode == 4
    assert result.stdout == ""
    assert result.stderr.startswith("ganforge: the access key in GANFORGE_API_KEY holds a character that no key has")
    assert result.stderr.count("\n") == 1
    assert "secret" not in result.stderr


def test_a_key_file_that_is_no_text_is_named_in_one_line(ganforge: Commands) -> None:
    home = Home(ganforge.home)
    home.prepare()
    home.write_stack({"api": NOBODY})
    home.admin_key_file.write_bytes(b"\xff\xfesecret")
    result = ganforge("jobs")
    assert (result.returncode, result.stderr) == (
        4,
        f"ganforge: {home.admin_key_file} can't be read (it is not text): set GANFORGE_API_KEY\n",
    )


@pytest.mark.parametrize("address", ["http://me:secret@127.0.0.1:9", "http://secret@127.0.0.1:9/", "gf_secret"])
def test_a_secret_in_the_address_is_refused_unseen(address: str, tmp_path: Path) -> None:
    with pytest.raises(GanforgeError, match="GANFORGE_URL") as refused:
        find_connection(address, "gf_x", {"GANFORGE_HOME": str(tmp_path)})
    assert "secret" not in str(refused.value)
