"""What a reader chooses for this browser: language, theme, and the height of rows.

Each is a cookie, so that a page comes as it was chosen, without a script.
"""

from __future__ import annotations

import re

from flask import Flask, Request, g, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from api.http import access, language

HOME = "/dashboard"
# The forms of pages: never a page to go to.
FORMS = tuple(f"{HOME}/{name}" for name in ("login", "logout", "language", "appearance"))
YEAR_S = 31_536_000
# The first of each is the usual one, which needs no cookie.
CHOICES = {"theme": ("system", "light", "dark"), "rows": ("comfortable", "compact")}
DARK = {"system": "(prefers-color-scheme: dark)", "light": "not all", "dark": "all"}
_SHARED_PAGE = re.compile(rf"{language.SHARED}[A-Za-z0-9_-]+")


def mount(app: Flask) -> None:
    """Register these forms with the application."""
    app.add_url_rule(f"{HOME}/language", "choose_language", _choose_language, methods=["POST"])
    app.add_url_rule(f"{HOME}/appearance", "choose_appearance", _choose_appearance, methods=["POST"])


def chosen(request: Request) -> dict[str, str]:
    """Return the theme, the height of rows, and the media query (`dark`) under which the page is dark."""
    asked = {name: request.cookies.get(f"ganforge_{name}", "") for name in CHOICES}
    found = {name: asked[name] if asked[name] in values else values[0] for name, values in CHOICES.items()}
    return {"theme": found["theme"], "row_height": found["rows"], "dark": DARK[found["theme"]]}


def inside(where: str) -> str:
    """Return the address if it is a page of the dashboard; a link must not redirect people to another site."""
    ours = where == HOME or where.startswith((f"{HOME}/", f"{HOME}?"))
    return where if ours and "\\" not in where and where.isprintable() else HOME


def set_cookie(
    answer: BaseResponse, name: str, value: str, *, httponly: bool = False, max_age: int | None = None
) -> None:
    """Let the browser keep a value and send it to this site alone."""
    secure = request.is_secure
    answer.set_cookie(name, value, max_age=max_age, httponly=httponly, secure=secure, samesite="Lax", path="/")


def _choose_language() -> BaseResponse:
    g.operation = "choose_language"
    answer = _back()
    if (wanted := request.form.get("language", "")) in language.NAMES:
        set_cookie(answer, language.COOKIE, wanted, max_age=YEAR_S)
    return answer


def _choose_appearance() -> BaseResponse:
    g.operation = "choose_appearance"
    answer = _back()
    for name, values in CHOICES.items():
        if (wanted := request.form.get(name)) in values:
            set_cookie(answer, f"ganforge_{name}", str(wanted), max_age=YEAR_S)
    return answer


def _back() -> BaseResponse:
    """Return to the page whose form was sent."""
    access.refuse_other_sites(request)
    where = request.form.get("next", "")
    shared = where == "/docs" or _SHARED_PAGE.fullmatch(where)
    return redirect(where if shared else inside(where), 303)
