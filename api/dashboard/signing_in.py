"""Signing in with a key, signing out, and choosing a language: the only forms that are sent without a script."""

from __future__ import annotations

import re

from flask import Flask, g, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from api.dashboard.pages import LOGIN, render
from api.http import access, language
from api.http.problems import ProblemError
from api.http.service import Service

HOME = "/dashboard"
FORMS = (LOGIN, f"{HOME}/logout", f"{HOME}/language")  # never the page to go to after signing in
YEAR_S = 31_536_000
_SHARED_PAGE = re.compile(rf"{language.SHARED}[A-Za-z0-9_-]+")


def mount(app: Flask, service: Service) -> None:
    """Register these forms with the application."""
    app.add_url_rule(LOGIN, "page_login", _ask, methods=["GET"])
    app.add_url_rule(LOGIN, "sign_in", lambda: _sign_in(service), methods=["POST"])
    app.add_url_rule("/dashboard/logout", "sign_out", lambda: _sign_out(service), methods=["POST"])
    app.add_url_rule("/dashboard/language", "choose_language", _choose_language, methods=["POST"])


def _ask(problem: ProblemError | None = None, status: int = 200) -> BaseResponse:
    where = request.values.get("next", "")
    return render("login.html", None, status=status, next=_inside(where), problem=problem, ended=bool(where))


def _sign_in(service: Service) -> BaseResponse:
    g.operation = "sign_in"
    access.refuse_other_sites(request)
    try:
        who = service.door.holder(request.form.get("key", "").strip(), request)
    except ProblemError as problem:
        return _ask(problem, 401 if problem.code == "unauthenticated" else 429)
    # Without its cookie, nobody could end the earlier session.
    service.stores.accounts.sessions.end(request.cookies.get(access.COOKIE, ""))
    where = _inside(request.form.get("next", ""))
    answer = redirect(HOME if where.startswith(FORMS) else where, 303)
    _set(answer, access.COOKIE, service.stores.accounts.sessions.open(who), httponly=True)
    return answer


def _sign_out(service: Service) -> BaseResponse:
    g.operation = "sign_out"
    service.door.session(request)  # other sites must not sign people out
    service.stores.accounts.sessions.end(request.cookies[access.COOKIE])
    answer = redirect(LOGIN, 303)
    answer.delete_cookie(access.COOKIE)
    return answer


def _choose_language() -> BaseResponse:
    g.operation = "choose_language"
    access.refuse_other_sites(request)
    where = request.form.get("next", "")
    answer = redirect(where if _SHARED_PAGE.fullmatch(where) else _inside(where), 303)
    if (chosen := request.form.get("language", "")) in language.NAMES:
        _set(answer, language.COOKIE, chosen, max_age=YEAR_S)
    return answer


def _set(answer: BaseResponse, name: str, value: str, *, httponly: bool = False, max_age: int | None = None) -> None:
    secure = request.is_secure
    answer.set_cookie(name, value, max_age=max_age, httponly=httponly, secure=secure, samesite="Lax", path="/")


def _inside(where: str) -> str:
    """Return the address if it is a page of the dashboard; a link must not redirect people to another site."""
    ours = where == HOME or where.startswith((f"{HOME}/", f"{HOME}?"))
    return where if ours and "\\" not in where and where.isprintable() else HOME
