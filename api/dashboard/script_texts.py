"""The texts of scripts in the reader's language. Every page contains them as JSON."""

from __future__ import annotations

import functools
from pathlib import Path

from babel.messages.extract import extract_from_file

from api.http.language import ENGLISH, catalogue, current
from models.messages import Alerts, Text

STATIC = Path(__file__).parent / "static"


@functools.cache
def texts(language: str) -> dict[str, dict[str, str]]:
    """Return the translations of every text in a call of `t`, and of alerts by code. English is in the scripts."""
    if language == ENGLISH:
        return {}
    found = {
        text
        for script in sorted(STATIC.glob("*.js"))
        for _, text, _, _ in extract_from_file("javascript", script, keywords={"t": None})
        if isinstance(text, str)
    }
    words = catalogue(language)
    alerts = {text.code: words.gettext(text.template) for text in vars(Alerts).values() if isinstance(text, Text)}
    return {"texts": {text: words.gettext(text) for text in sorted(found)}, "messages": alerts}


def for_reader() -> dict[str, dict[str, str]]:
    """Return the texts in the language of this request."""
    return texts(current())
