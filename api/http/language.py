"""The language of an answer: the reader's choice, or else the browser's; programs read English.

Flask-Babel translates with the catalogues in api/translations. They are read as .po files, so nothing has to be
compiled before the service starts. A text without a translation stays English.
"""

from __future__ import annotations

import functools
import io
import json
from gettext import NullTranslations
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from flask import Flask, g, has_request_context, request
from flask_babel import Babel, Domain
from jinja2 import pass_context
from jinja2.runtime import Context

from models.messages import Message

CATALOGUES = Path(__file__).parents[1] / "translations"
COOKIE = "ganforge_language"
SESSION_COOKIE = "ganforge_session"
ENGLISH = "en"
SHARED = "/s/"  # where the addresses of shared pages begin
NAMES = {ENGLISH: "English", "zh-Hant": "繁體中文", "zh-Hans": "简体中文"}
# Beside their own names, for machines without a font for these.
LATIN_NAMES = {"zh-Hant": "Chinese (Traditional)", "zh-Hans": "Chinese (Simplified)"}
# What browsers send for the two scripts of Chinese.
SCRIPTS = {"zh-tw": "zh-Hant", "zh-hk": "zh-Hant", "zh-mo": "zh-Hant", "zh-hant": "zh-Hant", "zh": "zh-Hans"}


def locale(language: str) -> str:
    """Return the name of a language's catalogue: `zh-Hant` is `zh_Hant` there."""
    return language.replace("-", "_")


@functools.cache
def catalogue(language: str) -> NullTranslations:
    """Return the translations of a language; read once. English has none."""
    path = CATALOGUES / locale(language) / "LC_MESSAGES" / "messages.po"
    if not path.exists():
        return Translations()
    compiled = io.BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=locale(language)))
    compiled.seek(0)
    return Translations(compiled)


class Catalogues(Domain):  # type: ignore[misc]
    """Flask-Babel's domain, from the .po files."""

    def get_translations(self) -> NullTranslations:
        """Return the translations for this request; English where nobody reads."""
        return catalogue(current())


class Languages(Babel):  # type: ignore[misc]
    """Flask-Babel with that domain."""

    @functools.cached_property
    def domain_instance(self) -> Catalogues:
        """Return the one domain there is."""
        return Catalogues()


def current() -> str:
    """Return the language of this request; English outside of one."""
    return str(g.get("language", ENGLISH)) if has_request_context() else ENGLISH


def gettext(text: str) -> str:
    """Return a text of ours in the reader's language."""
    return catalogue(current()).gettext(text)


def tell(message: Message) -> str:
    """Return a message in the reader's language."""
    language = current()
    return str(message) if language == ENGLISH else message.put(catalogue(language))


def say(english: Message | str | None, text: object = None) -> str:
    """Return what was stored as English with its code and parameters in the reader's language.

    The English is shown where there is no code, as in rows of earlier versions, or where this version does not know it.
    """
    if isinstance(english, Message):
        return tell(english)
    # A template hands over an undefined value where an event of an earlier version has no code.
    if not isinstance(text, dict) or (language := current()) == ENGLISH:
        return english or ""
    return _said(language, json.dumps(text)) or english or ""


@functools.lru_cache(4096)
def _said(language: str, text: str) -> str | None:
    """Return a stored message in a language. Pages show the same few again and again."""
    message = Message.of(json.loads(text))
    return None if message is None else message.put(catalogue(language))


def choose() -> str:
    """Return the language of this request: the reader's choice, or the first that the browser asks for.

    What a script of a page asks of the API is answered in the page's language: it comes with a session's cookie and
    without a key.
    """
    of_a_page = SESSION_COOKIE in request.cookies and "Authorization" not in request.headers
    if not of_a_page and request.path != "/dashboard" and not request.path.startswith(("/dashboard/", SHARED)):
        return ENGLISH
    chosen = request.cookies.get(COOKIE)
    if chosen in NAMES:
        return str(chosen)
    for wanted in request.accept_languages.values():
        tag = wanted.lower()
        if tag.startswith("en"):
            return ENGLISH
        if tag.startswith("zh"):
            return SCRIPTS.get(tag) or SCRIPTS.get(tag.rpartition("-")[0], "zh-Hans")
    return ENGLISH


def install(app: Flask) -> None:
    """Let the application answer in the reader's language."""
    app.before_request(_begin)
    settings = {"default_translation_directories": str(CATALOGUES), "locale_selector": lambda: locale(current())}
    Languages(app, configure_jinja=False, **settings)
    # Flask-Babel's own functions look for context, domain and catalogue with every text, which takes four times as
    # long; a page has hundreds.
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
    app.jinja_env.filters["say"] = say
    app.jinja_env.filters["translated"] = gettext


def _begin() -> None:
    g.language = choose()
