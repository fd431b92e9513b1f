"""People who look at pages: signed in, each in a browser's place."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import Client, TestResponse

from tests.api.conftest import Person

HTML = {"Accept": "text/html,application/xhtml+xml"}


@dataclass(frozen=True)
class Reader:
    """Somebody who is signed in."""

    client: Client

    def see(self, path: str, status: int = 200, **request: Any) -> str:
        """Return a page's text."""
        headers = {**HTML, **request.pop("headers", {})}
        answer = self.client.get(path, headers=headers, **request)
        assert answer.status_code == status, answer.text
        assert answer.mimetype == "text/html"
        return answer.text

    @property
    def csrf(self) -> str:
        """The token that pages carry."""
        found = re.search(r'name="csrf-token" content="([0-9a-f]{64})"', self.see("/dashboard"))
        assert found
        return html.unescape(found[1])

    def call(self, method: str, path: str, **request: Any) -> TestResponse:
        """Call the API as a script of a page does."""
        headers = {"X-CSRF-Token": self.csrf, **request.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, **request)


@pytest.fixture
def enter(app: Flask) -> Callable[[Person], Reader]:
    """Return a function that signs a person in."""

    def sign_in(person: Person) -> Reader:
        client = app.test_client()
        answer = client.post("/dashboard/login", data={"key": person.key})
        assert answer.status_code == 303, answer.text
        return Reader(client)

    return sign_in
