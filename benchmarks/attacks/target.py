"""What an attacker, or the innocent beside it, knows of a service: its address and a key of its own."""

from __future__ import annotations

import http.client
import io
import os
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

TIMEOUT_S = 60.0
BOUNDARY = "ganforge-attack"


@dataclass(frozen=True)
class Target:
    """Picklable, since attackers and innocents are processes of their own."""

    port: int
    key: str
    job: str = ""
    """A job of this key, where one was made for the attack."""
    address: str = "127.0.0.1"
    """Where its connections come from: attackers have an address of their own."""

    def link(self) -> http.client.HTTPConnection:
        """Return a connection that stays open."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S, source_address=(self.address, 0))

    def send(
        self, link: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, bytes]:
        """Send one request; return status and body."""
        given = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json", **headers}
        link.request(method, path, body, given)
        answer = link.getresponse()
        return answer.status, answer.read()

    def upload(self, link: http.client.HTTPConnection, name: str, archive: bytes) -> tuple[int, bytes]:
        """Upload an archive as a data set."""
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        return self.send(link, "POST", "/v1/datasets", form(name, archive), **{"Content-Type": kind})

    def attempt(self, counted: Counter[str], method: str, path: str, body: bytes | None = None) -> None:
        """Send one request over a connection of its own, and count how it was answered."""
        link = self.link()
        try:
            status, _ = self.send(link, method, path, body)
            counted[str(status)] += 1
        except (OSError, http.client.HTTPException) as error:
            counted[type(error).__name__] += 1
        finally:
            link.close()


def from_afar(run: Callable[[Target, float], Counter[str]], target: Target, seconds: float) -> Counter[str]:
    """Attack with what the service leaves of this machine, since attackers use machines of their own."""
    os.nice(19)
    return run(target, seconds)


def form(name: str, archive: bytes) -> bytes:
    """Return the multipart body of an upload."""
    return form_head(name) + archive + f"\r\n--{BOUNDARY}--\r\n".encode()


def form_head(name: str) -> bytes:
    """Return a multipart body up to the archive's first byte."""
    return (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="name"\r\n\r\n{name}\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="pictures.zip"\r\n\r\n'
    ).encode()


def zipped(files: dict[str, bytes]) -> bytes:
    """Return a zip of the files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def small_pictures(count: int = 16) -> bytes:
    """Return a zip of grey pictures, as an innocent owner uploads it."""
    files = {}
    for n in range(count):
        content = io.BytesIO()
        Image.new("L", (28, 28), n).save(content, "PNG")
        files[f"{n}.png"] = content.getvalue()
    return zipped(files)
