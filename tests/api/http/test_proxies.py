"""What a trusted proxy says about a request counts; what anybody else says does not."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from flask import Flask
from pydantic import ValidationError

from api.http.proxies import Proxies
from stores.infra.settings import Settings
from tests.api.conftest import Person

PROXY, STRANGER = "10.0.0.9", "203.0.113.5"
SAID = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "gan.example", "X-Forwarded-For": "198.51.100.7"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Return settings with a network of trusted proxies."""
    return settings.model_copy(update={"trusted_proxies": "10.0.0.0/24, ::1"})


@pytest.mark.parametrize(
    ("peer", "said", "client"),
    [
        (PROXY, "198.51.100.7", "198.51.100.7"),
        (PROXY, "6.6.6.6, 198.51.100.7", "198.51.100.7"),  # the left one was sent by the client
        (PROXY, "198.51.100.7, 10.0.0.3", "198.51.100.7"),  # a chain of proxies
        (PROXY, "198.51.100.7:4711", "198.51.100.7"),
        (PROXY, "[2001:db8::1]:4711", "2001:db8::1"),
        (PROXY, "2001:db8::1", "2001:db8::1"),
        ("::ffff:10.0.0.9", "198.51.100.7", "198.51.100.7"),
        ("::1", "198.51.100.7", "198.51.100.7"),
        (PROXY, "", PROXY),
        (PROXY, "unknown", PROXY),
        (PROXY, "198.51.100.7, <script>", PROXY),
        (STRANGER, "198.51.100.7", STRANGER),
        ("", "198.51.100.7", ""),
    ],
)
def test_the_client_is_the_first_from_the_right_that_is_no_proxy(peer: str, said: str, client: str) -> None:
    assert Proxies([ip_network("10.0.0.0/24"), ip_network("::1")]).client(peer, said) == client


def sign_in(app: Flask, who: Person, peer: str, **headers: str) -> tuple[int, str]:
    """Sign in from an address; return status and cookie."""
    answer = app.test_client().post(
        "/dashboard/login", data={"key": who.key}, headers=headers, environ_overrides={"REMOTE_ADDR": peer}
    )
    return answer.status_code, answer.headers.get("Set-Cookie", "")


def test_a_session_behind_a_proxy_with_tls_has_a_secure_cookie(app: Flask, alice: Person) -> None:
    status, cookie = sign_in(app, alice, PROXY, **SAID, Origin="https://gan.example")
    assert status == 303
    assert "Secure;" in cookie
    assert "Secure" not in sign_in(app, alice, PROXY, **SAID | {"X-Forwarded-Proto": "http"})[1]
    assert "Secure" not in sign_in(app, alice, PROXY, **SAID | {"X-Forwarded-Proto": "https, http"})[1]
    assert "Secure;" in sign_in(app, alice, PROXY, **SAID | {"X-Forwarded-Proto": "http, HTTPS"})[1]


def test_what_a_stranger_says_about_the_connection_changes_nothing(app: Flask, alice: Person) -> None:
    status, cookie = sign_in(app, alice, STRANGER, **SAID)
    assert status == 303
    assert "Secure" not in cookie
    assert sign_in(app, alice, STRANGER, **SAID, Origin="https://gan.example")[0] == 403


@pytest.mark.parametrize("host", ["a/b", "gan.example\\", "gan.example:x", "[", "a b", "<", "gan.example, "])
def test_a_host_that_is_none_is_not_taken_over(app: Flask, alice: Person, host: str) -> None:
    said = SAID | {"X-Forwarded-Host": host}
    assert sign_in(app, alice, PROXY, **said, Origin="http://localhost")[0] == 303


@pytest.mark.parametrize("wrong", ["nowhere", "10.0.0.1/99", "10.0.0.1;10.0.0.2"])
def test_a_setting_that_names_no_address_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError, match="trusted_proxies"):
        Settings(trusted_proxies=wrong)
