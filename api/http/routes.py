"""Routes: path, access, parameters and answers in one declaration, used for requests and for the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from flask import Flask, Request, Response, g, request
from pydantic import BaseModel
from pydantic_core import to_json

from api.http.access import Access, allows
from api.http.parsing import read_body, read_query
from api.http.service import Service
from api.schemas.queries import Query
from stores.accounts.keys import Principal

Q = TypeVar("Q")
B = TypeVar("B")


@dataclass(frozen=True)
class Call(Generic[Q, B]):
    """A valid request, with everything a view may use."""

    service: Service
    who: Principal
    query: Q
    body: B
    request: Request


@dataclass(frozen=True)
class Reply:
    """An answer other than 200 with JSON."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


View = Callable[..., "Mapping[str, Any] | Reply | Response"]


@dataclass(frozen=True)
class Header:
    """A request header of a route."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True)
class Route:
    """One operation. `answers` are the models by status; None is an answer without JSON, described by `media`."""

    method: str
    path: str  # as in the OpenAPI document: /v1/jobs/{job_id}
    view: View
    tag: str
    access: Access
    answers: Mapping[int, type[Any] | None]
    query: type[Query] = Query
    body: type[BaseModel] | None = None
    body_optional: bool = False
    form: type[BaseModel] | None = None  # a multipart form with a file, which the view itself reads
    headers: tuple[Header, ...] = ()
    media: Mapping[str, str] = field(default_factory=dict)  # other content types of 200: type and what it is
    answer_headers: Mapping[int, Mapping[str, str]] = field(default_factory=dict)  # by status: name and meaning
    problems: tuple[str, ...] = ()  # codes beyond those that follow from the rest

    @property
    def name(self) -> str:
        """The name of the operation."""
        return self.view.__name__

    @property
    def parameters(self) -> list[str]:
        """The names of the path's parameters."""
        return re.findall(r"{(\w+)}", self.path)


class Routes:
    """The routes of one resource."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.all: list[Route] = []

    def add(self, method: str, path: str, access: Access, **facts: Any) -> Callable[[View], View]:
        """Return a decorator that registers a view for a path; `facts` are the other fields of Route."""

        def keep(view: View) -> View:
            self.all.append(Route(method=method, path=path, view=view, tag=self.tag, access=access, **facts))
            return view

        return keep


class RouteTable:
    """Every route of the API, by view and by address. The pages look up here what a person may do."""

    def __init__(self, routes: Iterable[Route]) -> None:
        listed = list(routes)
        self._by_view = {route.view: route for route in listed}
        self._by_address = {(route.method, route.path): route for route in listed}

    def of(self, view: View) -> Route:
        """Return the route that a view answers."""
        return self._by_view[view]

    def may(self, who: Principal, method: str, path: str) -> bool:
        """Return whether a caller's role lets them call the route with this method and path, as it is declared."""
        return allows(who, self._by_address[method, path].access)


def mount(app: Flask, service: Service, route: Route) -> None:
    """Add this route to the application."""

    def serve(**path: str) -> Response:
        g.operation = route.name
        who = service.door.admit(request, route.access)
        if route.body is not None:
            request.get_data()  # kept; its bytes may come slowly, and a turn is no place to wait for them
        # Who needs no key is known by the address, and has turns at each route: a look at the health waits for nothing.
        # No owner's name begins with this character.
        caller = f"\0{request.remote_addr} {route.name}" if who is None else who.owner
        with service.turns.taken(caller):
            query = read_query(request, route.query)
            body = None if route.body is None else read_body(request, route.body, optional=route.body_optional)
            # Public routes have no caller and do not use it.
            call = Call(service, who, query, body, request)  # type: ignore[arg-type]
            return respond(route.view(call, **path))

    rule = re.sub(r"{(\w+)}", r"<\1>", route.path)
    options: dict[str, Any] = {"methods": [route.method], "provide_automatic_options": False}
    app.add_url_rule(rule, endpoint=route.name, view_func=serve, **options)


def respond(result: Mapping[str, Any] | Reply | Response) -> Response:
    """Return a view's result as a response."""
    if isinstance(result, Response):
        return result
    reply = result if isinstance(result, Reply) else Reply(result)
    content = None if reply.body is None else to_json(reply.body, inf_nan_mode="null")
    response = Response(content, status=reply.status, mimetype="application/json")
    if reply.body is None:
        del response.headers["Content-Type"]  # an empty body has no type
    response.headers.update(reply.headers)
    return response
