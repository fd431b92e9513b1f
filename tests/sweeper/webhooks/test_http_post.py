"""One try over HTTP: what is sent, what counts as arrived, and every way that must not lead into a private network."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest
from standardwebhooks import WebhookVerificationError

from stores.webhooks.deliveries import Parcel, Result
from stores.webhooks.secrets import new_secret
from sweeper.webhooks import http_post
from sweeper.webhooks.http_post import HttpPost
from sweeper.webhooks.network import resolve
from tests.receiver import Receiver, receiving

JOB = {"id": "job_1", "kind": "train", "recipe": "dcgan", "name": "<digits> & more", "error": None}
BODY = json.dumps({"type": "job.succeeded", "timestamp": "2026-01-31T12:00:00.000000Z", "data": {"job": JOB}})
SECRET = new_secret()


def parcel(url: str, *, format_: str = "standard", body: str = BODY, tries: int = 1) -> Parcel:
    """Return a message for a receiver."""
    return Parcel("dlv_1", "whk_1", "msg_1", body, tries, "alice", url, format_, SECRET, False)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Return a receiver on this machine."""
    with receiving() as made:
        yield made


@pytest.fixture
def post() -> HttpPost:
    """Return a sender that may reach this machine."""
    return HttpPost(private=True)


def test_a_message_arrives_as_a_receiver_verifies_it(receiver, post):
    result = post.send(parcel(receiver.url("/hook?a=b")))
    assert (result.fault, result.status, result.answer) == (None, 200, "thanks")
    (got,) = receiver.got
    assert got.path == "/hook?a=b"
    assert got.verified(SECRET) == json.loads(BODY)
    assert got.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert got.headers["content-type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        got.verified(new_secret())


def test_every_try_has_the_same_id_and_body_and_a_signature_of_its_own(receiver, post):
    receiver.says(500)
    first, second = (post.send(parcel(receiver.url(), tries=n)) for n in (1, 2))
    assert [first.fault.code, second.fault.code] == ["delivery_status"] * 2
    assert receiver.got[0].id == receiver.got[1].id == "msg_1"
    assert receiver.got[0].body == receiver.got[1].body


def test_slack_gets_one_sentence_without_its_own_markup(receiver, post):
    assert post.send(parcel(receiver.url(), format_="slack")).fault is None
    assert json.loads(receiver.got[0].body) == {"text": "Job &lt;digits&gt; &amp; more (dcgan, job_1) succeeded."}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(receiver, post, status):
    with receiving() as other:
        receiver.says(status, Location=other.url())
        result = post.send(parcel(receiver.url()))
        assert (result.status, result.fault.code) == (status, "delivery_redirected")
        assert other.got == []


def test_a_receiver_that_is_gone_is_told_from_one_that_fails(receiver, post):
    receiver.says(410)
    assert post.send(parcel(receiver.url())).gone
    receiver.says(404)
    result = post.send(parcel(receiver.url()))
    assert (result.gone, result.fault.code) == (False, "delivery_status")


def test_a_busy_receiver_says_how_long_to_wait(receiver, post):
    receiver.says(429, Retry_After="120")
    assert post.send(parcel(receiver.url())).retry_after_s == 120
    receiver.says(503, Retry_After="Wed, 21 Oct 2026 07:28:00 GMT")
    assert post.send(parcel(receiver.url())).retry_after_s == 0


def test_the_first_kilobyte_of_an_answer_is_kept_as_text(receiver, post):
    receiver.says(200, b"\xff\0" + b"a" * 5000)
    answer = post.send(parcel(receiver.url())).answer
    assert answer == "\N{REPLACEMENT CHARACTER}" * 2 + "a" * 1022


def test_a_proxy_of_the_environment_is_not_used(receiver, post, monkeypatch):
    with receiving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url(""))
        assert post.send(parcel(receiver.url())).fault is None
        assert (len(receiver.got), proxy.got) == (1, [])


def refused(result: Result) -> str:
    """Return the code of the fault of a try that sent nothing."""
    assert (result.status, result.answer) == (None, None)
    return result.fault.code


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "::1",
        "fe80::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
    ],
)
def test_a_name_that_leads_into_a_private_network_gets_no_connection(address):
    asked = []
    post = HttpPost(private=False, resolver=lambda host, port: asked.append((host, port)) or [address])
    assert refused(post.send(parcel("https://hooks.example.org:8443/x"))) == "delivery_forbidden"
    assert asked == [("hooks.example.org", 8443)]


def test_one_private_address_among_public_ones_is_enough_to_refuse(receiver):
    post = HttpPost(private=False, resolver=lambda *_: ["8.8.8.8", "127.0.0.1"])
    assert refused(post.send(parcel(f"https://hooks.example.org:{receiver.port}/"))) == "delivery_forbidden"
    assert receiver.got == []


def test_the_real_resolver_finds_this_machine_behind_its_name():
    # The address has the form of a public name, as one in a zone of the attacker has.
    post = HttpPost(private=False, resolver=lambda _host, port: resolve("localhost", port))
    assert refused(post.send(parcel("https://rebound.example.org/"))) == "delivery_forbidden"


def test_a_name_is_resolved_once_and_a_changed_answer_changes_nothing(receiver):
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])
    post = HttpPost(private=True, resolver=lambda *_: next(answers))
    assert post.send(parcel(f"http://changing.example.org:{receiver.port}/")).fault is None
    assert next(answers) == ["127.0.0.2"]  # it was asked for once
    assert receiver.got[0].headers["host"] == f"changing.example.org:{receiver.port}"


@pytest.mark.parametrize("url", ["http://8.8.8.8/", "https://127.0.0.1/", "https://0x7f.1/", "https://[::1]/", "x"])
def test_an_address_that_was_allowed_before_is_checked_again(url):
    assert refused(HttpPost(private=False).send(parcel(url))) == "delivery_refused_address"


def test_a_name_that_does_not_exist_is_said_so():
    def unknown(*_: object) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    result = HttpPost(private=False, resolver=unknown).send(parcel("https://no.example.org/"))
    assert "no.example.org could not be resolved (Name or service not known)" in str(result.fault)


def test_nobody_there_is_no_crash(post):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        result = post.send(parcel(f"http://127.0.0.1:{taken.getsockname()[1]}/"))
    assert refused(result) == "delivery_broken"


def test_what_is_no_http_is_no_crash(post):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def garble() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"\0\1\2 not HTTP\r\n\r\n")

        threading.Thread(target=garble, daemon=True).start()
        assert refused(post.send(parcel(f"http://127.0.0.1:{server.getsockname()[1]}/"))) == "delivery_broken"


@pytest.mark.parametrize("what", ["silence", "drops"])
def test_a_slow_receiver_costs_the_time_of_one_try_at_most(what):
    post = HttpPost(private=True, limit_s=0.5)
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def dawdle() -> None:
            connection, _ = server.accept()
            with connection:
                while not over.wait(0.05):
                    if what == "drops":  # each byte comes in time, and the answer never ends
                        try:
                            connection.sendall(b"H")
                        except OSError:
                            return

        threading.Thread(target=dawdle, daemon=True).start()
        began = time.monotonic()
        result = post.send(parcel(f"http://127.0.0.1:{server.getsockname()[1]}/"))
        over.set()
    assert time.monotonic() - began < 3
    assert refused(result) in {"delivery_timed_out", "delivery_broken"}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Return files of a key and a certificate for hooks.example.org, which nobody has signed."""
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    subject = ["-subj", "/CN=hooks.example.org", "-addext", "subjectAltName=DNS:hooks.example.org"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run([*command, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    return cert, key


def test_the_certificate_must_be_that_of_the_name(certificate, monkeypatch):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    post = HttpPost(private=True, resolver=lambda *_: ["127.0.0.1"])
    http_post.trusted.cache_clear()
    with receiving(wrap=lambda plain: context.wrap_socket(plain, server_side=True)) as receiver:
        stranger = post.send(parcel(f"https://hooks.example.org:{receiver.port}/"))
        assert "certificate verify failed" in str(stranger.fault)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        http_post.trusted.cache_clear()
        assert post.send(parcel(f"https://hooks.example.org:{receiver.port}/")).fault is None
        other = post.send(parcel(f"https://other.example.org:{receiver.port}/"))
        assert "certificate verify failed" in str(other.fault)
    http_post.trusted.cache_clear()
    assert len(receiver.got) == 1
