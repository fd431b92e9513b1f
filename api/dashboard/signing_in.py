"""Signing in with a key, and signing out: forms that are sent without a script."""

from __future__ import annotations

from flask import Flask, g, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from api.dashboard.appearance import FORMS, HOME, inside, set_cookie
from api.dashboard.pages import LOGIN, render
from api.http import access
from api.http.problems import ProblemError
from api.http.service import Service


def mount(app: Flask, service: Service) -> None:
    """Register these forms with the application."""
    app.add_url_rule(LOGIN, "page_login", _ask, methods=["GET"])
    app.add_url_rule(LOGIN, "sign_in", lambda: _sign_in(service), methods=["POST"])
    app.add_url_rule("/dashboard/logout", "sign_out", lambda: _sign_out(service), methods=["POST"])


def _ask(problem: ProblemError | None = None, status: int = 200) -> BaseResponse:
    where = request.values.get("next", "")
    return render("login.html", None, status=status, next=inside(where), problem=problem, ended=bool(where))


def _sign_in(service: Service) -> BaseResponse:
    g.operation = "sign_in"
    access.refuse_other_sites(request)
    try:
        who = service.door.holder(request.form.get("key", "").strip(), request)
    except ProblemError as problem:
        return _ask(problem, 401 if problem.code == "unauthenticated" else 429)
    # Without its cookie, nobody could end the earlier session.
    service.stores.accounts.sessions.end(request.cookies.get(access.COOKIE, ""))
    where = inside(request.form.get("next", ""))
    answer = redirect(HOME if where.startswith(FORMS) else where, 303)
    set_cookie(answer, access.COOKIE, service.stores.accounts.sessions.open(who), httponly=True)
    return answer


def _sign_out(service: Service) -> BaseResponse:
    g.operation = "sign_out"
    service.door.session(request)  # other sites must not sign people out
    service.stores.accounts.sessions.end(request.cookies[access.COOKIE])
    answer = redirect(LOGIN, 303)
    answer.delete_cookie(access.COOKIE)
    return answer
