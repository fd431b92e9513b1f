"""The words of the pages: English in the templates, other languages from catalogues (gettext), chosen by the reader or
else by the browser."""

from __future__ import annotations

import functools
import io
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Any

from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask, g, has_request_context, request
from jinja2 import pass_context
from jinja2.runtime import Context

from api.dashboard.told import told

HERE = Path(__file__).parent
COOKIE = "ganforge_language"
NAMES = {"en": "English", "zh-Hant": "繁體中文", "zh-Hans": "简体中文"}
# What browsers send for the two scripts of Chinese.
SCRIPTS = {"zh-tw": "zh-Hant", "zh-hk": "zh-Hant", "zh-mo": "zh-Hant", "zh-hant": "zh-Hant", "zh": "zh-Hans"}


def languages() -> dict[str, str]:
    """Return the languages there are, with their own names."""
    return NAMES


@functools.cache
def catalogue(language: str) -> NullTranslations:
    """Return the words of a language; read once."""
    path = HERE / "catalogues" / f"{language}.po"
    if not path.exists():
        return NullTranslations()
    compiled = io.BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language.replace("-", "_")))
    compiled.seek(0)
    return GNUTranslations(compiled)


@functools.cache
def script_words(language: str) -> dict[str, str]:
    """Return what the scripts say, in a language: every text in a call of `t`. English is what they hold already."""
    if language == "en":
        return {}
    found = {
        message
        for script in sorted((HERE / "static").glob("*.js"))
        for _, message, _, _ in extract_from_file("javascript", script, keywords={"t": None})
        if isinstance(message, str)
    }
    return {message: catalogue(language).gettext(message) for message in sorted(found)}


def gettext(text: str) -> str:
    """Return a text in the reader's language; in English where nobody reads."""
    return catalogue(g.language if has_request_context() else "en").gettext(text)


def said(text: str | None) -> str:
    """Return a text of the API in the reader's language: what it says of recipes, or tells of what happened."""
    if not text:
        return ""
    words = catalogue(g.language).gettext(text)
    return told(text, g.language) if words == text else words


def choose() -> str:
    """Return the language of this request: the reader's choice, or the first that the browser asks for."""
    chosen = request.cookies.get(COOKIE)
    if chosen in NAMES:
        return str(chosen)
    for wanted in request.accept_languages.values():
        tag = wanted.lower()
        if tag.startswith("en"):
            return "en"
        if tag.startswith("zh"):
            return SCRIPTS.get(tag) or SCRIPTS.get(tag.rpartition("-")[0], "zh-Hans")
    return "en"


def install(app: Flask) -> None:
    """Let templates of the application speak the reader's language."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda text: catalogue(g.language).gettext(text),
        lambda one, many, count: catalogue(g.language).ngettext(one, many, count),
        newstyle=True,
    )
    counted: Any = app.jinja_env.globals["ngettext"]

    @pass_context
    def ngettext(context: Context, one: str, many: str, count: int, **parts: Any) -> Any:
        return counted(context, one, many, count, **{"num": f"{count:,}", **parts})

    app.jinja_env.globals["ngettext"] = ngettext
    app.jinja_env.filters["said"] = said
    app.jinja_env.globals["script_words"] = lambda: script_words(g.language)
