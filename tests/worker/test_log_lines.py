"""What a trainer writes, cut into lines, and what is masked in it."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from models import wire
from stores.infra.settings import Settings
from worker.log_lines import LINE_LENGTH, LineCutter, line_of
from worker.redaction import MASK, Redactor


def test_bytes_become_lines_wherever_they_are_cut():
    written = "one\r\ntwo é\rthree\n\nfour".encode()
    for size in (1, 2, 3, 100):
        cutter = LineCutter()
        lines = [
            line for at in range(0, len(written), size) for line in cutter.lines(written[at : at + size])
        ] + cutter.end()
        assert [line for line in lines if line] == ["one", "two é", "three", "four"], size
        assert cutter.end() == []


def test_a_line_without_an_end_takes_no_memory_and_what_is_no_text_is_replaced():
    cutter = LineCutter()
    for _ in range(100):
        assert cutter.lines(b"x" * 1_000_000) == []
    assert cutter.lines(b"\n") == ["x" * LINE_LENGTH]
    assert cutter.lines(b"a\xff\0b\n") == ["a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}b"]


SECRETS = {
    "GANFORGE_DATABASE_URL": "postgresql+psycopg://service:p%40ss-of-database@db/ganforge",
    "GANFORGE_S3_SECRET_KEY": "canary-s3-secret",
    "HF_TOKEN": "canary-of-another-program",
    "DEPLOY_PRIVATE_KEY": "-----BEGIN-----\nfirst-line-of-key\nsecond-line-of-key\n-----END-----",
    "HOME": "/home/somebody",
}


@pytest.mark.parametrize(
    ("secret", "context"),
    [
        ("p%40ss-of-database", "password {}"),
        ("p@ss-of-database", "password {}"),
        ("canary-s3-secret", "key={},"),
        ("canary-of-another-program", "{}"),
        ("second-line-of-key", "line\n{}\nline"),
        ("Fdx3Zw0gCA-kzWgZmUFw2YADRt1HlswpBQODBexUVFk", "Bearer gf_{}"),
        ("hunter2", "https://me:{}@example.org/path"),
    ],
)
def test_a_secret_never_stands_in_a_log(secret, context):
    settings = Settings(
        database_url=SecretStr(SECRETS["GANFORGE_DATABASE_URL"]),
        s3_secret_key=SecretStr(SECRETS["GANFORGE_S3_SECRET_KEY"]),
    )
    text = context.format(secret)
    masked = Redactor.of(settings, SECRETS).text(text)
    assert secret not in masked
    assert MASK in masked
    assert masked.count("\n") == text.count("\n")


def test_what_is_no_secret_stays():
    redactor = Redactor.of(Settings(s3_access_key=SecretStr("minioadmin")), SECRETS)
    text = "minioadmin at /home/somebody: https://example.org/a:b@c loss 0.5 ganforge gf_short"
    assert redactor.text(text) == text


def test_messages_of_a_trainer_are_masked_and_stand_in_the_log_as_lines():
    redactor = Redactor(["canary-secret"])
    text = wire.Text("verbatim", {"text": "with canary-secret"})
    alert = wire.Alert("collapse", "has canary-secret", 3, {"file": "canary-secret", "share": 0.5}, None, text)
    masked = redactor.message(alert)
    assert "canary" not in str(masked)
    assert (masked.code, masked.step, masked.params["share"]) == ("collapse", 3, 0.5)
    assert line_of(masked) == f"[alert] collapse: has {MASK}"
    assert line_of(wire.Memory(5)) is None
