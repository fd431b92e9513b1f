"""Odd environments, addresses, values and outputs: each ends in one readable line. No service is needed."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import cast

import pytest

from ganforge.client import Client
from ganforge.errors import GanforgeError
from models.views import Artifact
from tests.ganforge.conftest import Commands

FAR = {"GANFORGE_URL": "http://gan.invalid:8000", "GANFORGE_API_KEY": "gf_x"}
WORKER, JOB = "wrk_01890a5d-ac96-774b-bcce-b302099a8057", "job_01890a5d-ac96-774b-bcce-b302099a8057"
ANSWERS = {
    "/v1/workers": f'{{"data": [{{"id": "{WORKER}", "name": "{"a long name " * 20}", "queue": "cpu", "host": "h", '
    f'"state": "live", "job": "{JOB}", "last_seen": null}}], "next_cursor": null}}'.encode(),
    "/v1/queues": b'{"data": [{"name": "caf\\u00e9 \\u9f8d", "paused": false, "depth": 0, "running": 0, "workers": 1, '
    b'"oldest_wait_s": null}], "next_cursor": null}',
    "/v1/recipes": b"<html>a page of another server</html>",
    "/v1/datasets": b"[]",
    "/v1/keys": b"{}",
    "/v1/artifacts/damaged/content": b"{}",
}
# Paths whose answers claim to be gzip and are not.
DAMAGED = {"/v1/recipes/damaged", "/v1/artifacts/damaged/content?redirect=false", "/v1/jobs/damaged/events"}
ARTIFACT = cast("Artifact", {"id": "damaged", "name": "a.png", "bytes": 1, "sha256": ""})
FOREIGN_EVENTS = [
    "data: hello",
    "data: []",
    'data: "text"',
    "data: {}",
    f"data: {'[' * 100_000}",
    'data: {"seq": "1", "job": "job_1", "type": "log", "data": {}}',
    'data: {"seq": 1, "job": [], "type": "log", "data": {}}',
    'data: {"seq": 1, "job": "job_1", "type": "log", "data": null}',
    'id: caf\u00e9\ndata: {"seq": 1, "job": "job_1", "type": "log", "data": {}}',
]
ANSWERS |= {f"/v1/jobs/foreign-{n}/events": f"{event}\n\n".encode() for n, event in enumerate(FOREIGN_EVENTS)}


class _Service(BaseHTTPRequestHandler):
    """Answers a few requests as the service does, and others as another server at its address does."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        headers = {"Content-Type": "text/event-stream"} if path.endswith("/events") else {}
        if self.path in DAMAGED:
            self._answer(b"no gzip", {**headers, "Content-Encoding": "gzip"})
        else:
            self._answer(ANSWERS[path], headers)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b"no gzip", {"Content-Encoding": "gzip"})

    def _answer(self, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def service() -> Iterator[dict[str, str]]:
    server = HTTPServer(("127.0.0.1", 0), _Service)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield {"GANFORGE_URL": f"http://127.0.0.1:{server.server_port}", "GANFORGE_API_KEY": "gf_x"}
    server.shutdown()
    thread.join()
    server.server_close()


def _one_line(result: subprocess.CompletedProcess[str], code: int, part: str) -> None:
    assert result.returncode == code, result.stderr
    assert result.stderr.startswith("ganforge: "), result.stderr
    assert result.stderr.count("\n") == 1, result.stderr
    assert part in result.stderr


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"ALL_PROXY": "nonsense://127.0.0.1:9"}, "ALL_PROXY"),
        ({"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "localhost,::1,fd00::/8"}, "NO_PROXY"),
        ({"HTTPS_PROXY": "http://me:secret@[::1"}, "HTTPS_PROXY"),
        ({"GANFORGE_URL": "https://gan.invalid", "SSL_CERT_FILE": "/nonexistent.pem"}, "SSL_CERT_FILE"),
        ({"GANFORGE_URL": "https://gan.invalid", "SSL_CERT_FILE": os.devnull}, "SSL_CERT_FILE"),
        ({"GANFORGE_URL": "x"}, "GANFORGE_URL is 'x'"),
        ({"GANFORGE_URL": "http://x:99999"}, "GANFORGE_URL"),
        ({"GANFORGE_URL": "http://[::1"}, "GANFORGE_URL"),
        ({"GANFORGE_URL": "http://ü…。x"}, "GANFORGE_URL"),
        ({"GANFORGE_URL": "http://a..b"}, "GANFORGE_URL"),
        ({"GANFORGE_URL": f"http://{'a' * 70}.example"}, "GANFORGE_URL"),
        ({"GANFORGE_HOME": "~nobody-here/x"}, "GANFORGE_HOME"),
    ],
)
def test_a_broken_environment_is_one_line(ganforge: Commands, settings: dict[str, str], part: str) -> None:
    result = ganforge("queues", "list", **{**FAR, **settings})
    _one_line(result, 4, part)
    assert "secret" not in result.stderr


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_a_socks_proxy_is_used(ganforge: Commands, scheme: str) -> None:
    """The proxy is one that accepts the greeting (RFC 1928, 3) and hangs up when it has heard where to connect to."""
    asked: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        link, _ = listener.accept()
        with link:
            asked.append(link.recv(64))
            link.sendall(b"\x05\x00")
            asked.append(link.recv(256))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        port = listener.getsockname()[1]
        result = ganforge("queues", "list", **{**FAR, "ALL_PROXY": f"{scheme}://127.0.0.1:{port}", "NO_PROXY": ""})
        thread.join(60)
    assert asked[0][:1] == b"\x05"
    assert asked[1].startswith(b"\x05\x01\x00")
    _one_line(result, 4, "no service answers")


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", "[1, NaN]", "[" * 100_000])
def test_a_value_that_is_no_number_is_one_line(ganforge: Commands, value: str) -> None:
    _one_line(ganforge("train", "mlp_gan", "--set", f"x={value}", **FAR), 2, "--set x: ")


@pytest.mark.parametrize(
    "command",
    [
        ["train", "mlp_gan", "--name", "caf\udce9"],
        ["datasets", "add", __file__, "--name", "caf\udce9"],
        ["datasets", "show", "caf\udce9"],
        ["queues", "pause", "caf\udce9"],
        ["watch", "caf\udce9"],
    ],
)
def test_text_that_is_not_utf8_is_one_line(ganforge: Commands, service: dict[str, str], command: list[str]) -> None:
    _one_line(ganforge(*command, **service), 2, "an argument or a file's name is not UTF-8 text")


@pytest.mark.parametrize("command", [["recipes"], ["datasets"], ["keys", "list"]])
def test_another_server_at_the_address_is_one_line(
    ganforge: Commands, service: dict[str, str], command: list[str]
) -> None:
    _one_line(ganforge(*command, **service), 4, "not as this service does")


@pytest.mark.parametrize(
    "request_it",
    [
        lambda client, _: client.recipe("damaged"),
        lambda client, _: client.add_dataset(Path(__file__)),
        lambda client, folder: client.download(ARTIFACT, folder),
        lambda client, _: list(client.events("damaged")),
    ],
    ids=["a request", "an upload", "a download", "a stream"],
)
def test_a_damaged_gzip_body_is_one_readable_error(
    service: dict[str, str], tmp_path: Path, request_it: Callable[[Client, Path], object]
) -> None:
    with Client(service["GANFORGE_URL"], service["GANFORGE_API_KEY"]) as client, pytest.raises(GanforgeError):
        request_it(client, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", range(len(FOREIGN_EVENTS)))
def test_an_event_of_another_server_is_one_readable_error(service: dict[str, str], number: int) -> None:
    with (
        Client(service["GANFORGE_URL"], service["GANFORGE_API_KEY"]) as client,
        pytest.raises(GanforgeError, match=rf"/v1/jobs/foreign-{number}/events answered, but not as this service does"),
    ):
        list(client.events(f"foreign-{number}"))


def test_help_in_a_narrow_terminal_keeps_names_of_options_whole(ganforge: Commands) -> None:
    shown = ganforge("train", "--help", COLUMNS="40").stdout
    assert {"--max-runtime <int>", "--label KEY=VALUE"} <= {
        line.strip().partition("  ")[0] for line in shown.splitlines()
    }
    assert max(map(len, shown.splitlines())) <= 40


@pytest.mark.parametrize("command", [["queues", "list"], ["queues", "list", "--json"], ["--help"]])
@pytest.mark.parametrize("output", ["gone", "full", "closed"])
def test_an_output_that_takes_nothing_is_one_line(
    ganforge: Commands, service: dict[str, str], command: list[str], output: str
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ends = {"gone": ">&0", "full": ">/dev/full", "closed": ">&-"}
    try:
        result = subprocess.run(
            ["/bin/sh", "-c", f'exec "$@" {ends[output]}', "sh", sys.executable, "-m", "ganforge", *command],
            env={**ganforge.environment, **service},
            stderr=subprocess.PIPE,
            text=True,
            stdin=writer,
            check=False,
        )
    finally:
        os.close(writer)
    assert result.returncode == 4, result.stderr
    assert result.stderr.startswith("ganforge: ")
    assert result.stderr.count("\n") == 1, result.stderr


@pytest.mark.parametrize("command", [["queues", "list"], ["queues", "list", "--json"]])
def test_an_output_without_unicode_takes_every_name(
    ganforge: Commands, service: dict[str, str], command: list[str]
) -> None:
    result = ganforge(*command, **service, PYTHONIOENCODING="ascii", LC_ALL="C")
    assert (result.returncode, result.stderr) == (0, "")
    assert r"\u9f8d" in result.stdout


def test_a_folder_that_is_gone_is_one_line(ganforge: Commands, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    result = subprocess.run(
        ["/bin/sh", "-c", 'cd "$1" && rmdir "$1" && exec "$2" -P -m ganforge jobs', "sh", str(gone), sys.executable],
        env={**ganforge.environment, "GANFORGE_HOME": "", "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=False,
    )
    _one_line(result, 4, "GANFORGE_HOME")


@pytest.mark.parametrize("columns", ["20", "40", "80", "100", "200"])
def test_ids_are_whole_on_a_terminal_of_any_width(ganforge: Commands, service: dict[str, str], columns: str) -> None:
    master, slave = pty.openpty()
    settings = {**ganforge.environment, **service, "COLUMNS": columns, "TERM": "xterm"}
    with subprocess.Popen(
        [sys.executable, "-m", "ganforge", "workers", "list"], env=settings, stdout=slave, stderr=slave
    ) as process:
        os.close(slave)
        shown = b""
        with suppress(OSError):  # how the end of a terminal is told
            while piece := os.read(master, 65536):
                shown += piece
    os.close(master)
    assert process.returncode == 0, shown
    assert WORKER in shown.decode()
    assert JOB in shown.decode()


def test_ids_are_whole_in_a_pipe(ganforge: Commands, service: dict[str, str]) -> None:
    shown = ganforge("workers", "list", **service, COLUMNS="40").stdout
    assert WORKER in shown
    assert JOB in shown
