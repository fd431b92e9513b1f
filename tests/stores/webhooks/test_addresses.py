"""Where webhooks may lead: forms of addresses that are refused at sight, and what counts as the public internet."""

from __future__ import annotations

import pytest

from stores.webhooks.addresses import BadUrlError, http_target, is_public, mailbox, shown


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",  # noqa: S104
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:db8::1",
        "2001:10::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fe80::1%eth0",
        "2606:4700::1111%eth0",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
        "100::1",
        "not an address",
    ],
)
def test_an_address_that_is_not_public_is_known(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"]
)
def test_an_address_of_the_public_internet_is_known(address):
    assert is_public(address)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://example.org/hook", "only where the operator sets GANFORGE_WEBHOOK_PRIVATE=1"),
        ("ftp://example.org", "must begin with https://"),
        ("file:///etc/passwd", "must begin with https://"),
        ("example.org", "must begin with https://"),
        ("https://", "must be an address"),
        ("https:///hook", "must be an address"),
        ("https://alice:secret@example.org", "user name or password"),
        ("https://example.org@127.0.0.1/", "user name or password"),
        ("https://example.org\\@127.0.0.1/", "must be an address"),
        ("https://example.org/#part", "part after #"),
        ("https://example.org/a b", "must be an address"),
        ("https://example.org/\r\nX: y", "must be an address"),
        ("https://exämple.org/", "must be an address"),
        ("https://example.org:0/", "must be an address"),
        ("https://example.org:65536/", "must be an address"),
        ("https://example.org:1a/", "must be an address"),
        ("https://[::1", "must be an address"),
        ("https://[1:2]/", "must be an address"),
        ("https://example.org/" + "a" * 2048, "must be an address"),
        ("https://localhost/", "private network (localhost)"),
        ("https://api.localhost./", "private network (api.localhost.)"),
        ("https://127.0.0.1/", "private network (127.0.0.1)"),
        ("https://127.1/", "private network (127.0.0.1)"),
        ("https://2130706433/", "private network (127.0.0.1)"),
        ("https://0x7f.0.0.1/", "private network (127.0.0.1)"),
        ("https://017700000001/", "private network (127.0.0.1)"),
        ("https://[::ffff:169.254.169.254]/", "private network (::ffff"),
        ("https://[fe80::1]/", "private network (fe80::1)"),
    ],
)
def test_an_address_that_leads_nowhere_good_is_refused_at_sight(url, words):
    with pytest.raises(BadUrlError) as caught:
        http_target(url, private=False)
    assert words in str(caught.value)


def test_an_address_is_taken_apart():
    target = http_target("https://Hooks.Example.org:8443/a/b?c=d&e=%20", private=False)
    assert (target.scheme, target.host, target.port, target.path) == (
        "https",
        "hooks.example.org",
        8443,
        "/a/b?c=d&e=%20",
    )
    assert target.authority == "hooks.example.org:8443"
    assert http_target("https://example.org", private=False).authority == "example.org"
    assert http_target("https://example.org?a=b", private=False).path == "/?a=b"
    assert http_target("https://[2606:4700::1111]/", private=False).authority == "[2606:4700::1111]"


def test_private_addresses_are_taken_where_the_operator_allows_them():
    assert http_target("http://127.0.0.1:9/x", private=True).port == 9
    with pytest.raises(BadUrlError):
        http_target("ftp://127.0.0.1/x", private=True)


@pytest.mark.parametrize(
    "url",
    [
        "mailto:",
        "mailto:alice",
        "alice@example.org",
        "mailto:alice@example",
        "mailto:alice@example.org,bob@example.org",
        "mailto:alice@example.org?cc=bob@example.org",
        "mailto:alice@example.org\nBcc: bob@example.org",
        "mailto:a..b@example.org",
        "mailto:" + "a" * 65 + "@example.org",
    ],
)
def test_what_is_not_one_mailbox_is_refused(url):
    with pytest.raises(BadUrlError):
        mailbox(url, frozenset())


def test_mail_goes_only_to_domains_that_the_operator_names():
    assert mailbox("mailto:alice@Example.org", frozenset({"example.org"})) == "alice@Example.org"
    with pytest.raises(BadUrlError):
        mailbox("mailto:alice@example.com", frozenset({"example.org"}))


def test_the_secret_part_of_a_slack_address_is_not_shown():
    assert shown("https://hooks.slack.com/services/T0/B0/secret") == "https://hooks.slack.com/…"
