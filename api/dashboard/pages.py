"""Pages: address, access rule, template and context."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from flask import Flask, Request, Response, g, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from api.dashboard import appearance
from api.http.access import Access
from api.http.language import LATIN_NAMES, NAMES, tell
from api.http.parsing import read_query
from api.http.problems import CODES, ProblemError, translate
from api.http.routes import Call, RouteTable, View
from api.http.service import Service
from api.schemas.queries import Query
from stores.accounts.keys import Principal
from stores.accounts.sessions import Session

Q = TypeVar("Q", bound=Query)

LOGIN = "/dashboard/login"
# Names of projects that forms suggest.
MOST_PROJECTS = 100
# Images come from this service, or from the page itself (blob:) for a generated image that is being viewed.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; font-src 'self';"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class Visit(Generic[Q]):
    """A request for a page."""

    service: Service
    session: Session
    query: Q
    request: Request
    routes: RouteTable

    @property
    def who(self) -> Principal:
        """The person who made it."""
        return self.session.who

    @property
    def projects(self) -> list[str]:
        """The projects whose names forms suggest to this person."""
        return self.service.stores.queries.job_list.projects(self.who.reads, MOST_PROJECTS)

    def may(self, method: str, path: str) -> bool:
        """Return whether this person may call a route of the API, named as it is declared: /v1/jobs/{job_id}."""
        return self.routes.may(self.who, method, path)

    def ask(self, view: View, query: Query, *path: str) -> Any:
        """Return the answer of an API view to this person.

        Raises:
            ProblemError: 403, as the API answers who may not call it.
        """
        self.service.door.permit(self.who, self.routes.of(view).access)
        # Without the headers of the page's request: a browser's Range or Prefer is not meant for this view.
        bare = Request({name: value for name, value in self.request.environ.items() if not name.startswith("HTTP_")})
        return view(Call(self.service, self.who, query, None, bare), *path)


@dataclass(frozen=True)
class TemplateResponse:
    """A template and its context."""

    template: str
    context: Mapping[str, Any]


PageView = Callable[..., TemplateResponse | BaseResponse]


@dataclass(frozen=True)
class Page:
    """One page."""

    path: str  # as in /dashboard/jobs/{job_id}
    view: PageView
    asks: tuple[View, ...]  # views of the API; people who may call all of them may see the page
    query: type[Query]


class Pages:
    """The pages of one subject."""

    def __init__(self) -> None:
        self.all: list[Page] = []

    def add(self, path: str, *asks: View, query: type[Query] = Query) -> Callable[[Any], Any]:
        """Return a decorator that registers a page at an address, open to people who may call what it `asks`."""

        def keep(
            view: Callable[..., TemplateResponse | BaseResponse],
        ) -> Callable[..., TemplateResponse | BaseResponse]:
            self.all.append(Page(path, view, asks, query))
            return view

        return keep


def mount_page(app: Flask, service: Service, routes: RouteTable, page: Page) -> None:
    """Register this page with the application."""
    rules = [routes.of(view).access for view in page.asks]

    def serve(**path: str) -> BaseResponse:
        g.operation = f"page_{page.view.__name__}"
        try:
            session = enter(service, rules)
        except ProblemError as problem:
            if problem.code != "unauthenticated":
                raise
            return redirect(f"{LOGIN}?next={quote(request.full_path.rstrip('?'), safe='/')}", 303)
        with service.turns.taken(session.who.owner):
            visit = Visit(service, session, read_query(request, page.query), request, routes)
            shown = page.view(visit, **path)
            return shown if isinstance(shown, BaseResponse) else render(shown.template, session, **shown.context)

    rule = re.sub(r"{(\w+)}", r"<\1>", page.path)
    endpoint = f"page_{page.view.__name__}"
    app.add_url_rule(rule, endpoint=endpoint, view_func=serve, methods=["GET"], provide_automatic_options=False)


def enter(service: Service, rules: Iterable[Access]) -> Session:
    """Return the session of this request, if its role satisfies all rules.

    Raises:
        ProblemError: as the door of the API has it.
    """
    session = service.door.session(request)
    g.session = session  # before the access check: the error page of a signed-in person links to other pages
    for access in rules:
        service.door.permit(session.who, access)
    return session


def render(template: str, session: Session | None, *, status: int = 200, **context: Any) -> Response:
    """Return a page."""
    routes: RouteTable = g.routes

    def may(method: str, path: str) -> bool:
        return session is not None and routes.may(session.who, method, path)

    common = {
        "session": session,
        "may": may,
        "sees_all_owners": session is not None and session.who.reads is None,
        "language": g.language,
        "languages": NAMES,
        "latin_names": LATIN_NAMES,
        **appearance.chosen(request),
        "here": request.full_path.rstrip("?"),
    }
    page = render_template(f"dashboard/{template}", **common, **context)
    return Response(page, status=status, mimetype="text/html", headers={"Content-Security-Policy": POLICY})


def render_problem(error: Exception) -> Response:
    """Return an error as a page."""
    problem = translate(error)
    status, title = CODES[problem.code]
    g.problem = problem.code
    shown = render("problem.html", g.get("session"), status=status, title=tell(title()), problem=problem, code=status)
    shown.headers.update(problem.headers)
    return shown
