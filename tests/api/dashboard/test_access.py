"""Pages open to whom the API would answer, and to nobody else."""

from __future__ import annotations

import re

import pytest

from api.app import NOUNS as API
from api.dashboard import site
from api.dashboard.pages import Page, Visit
from api.http.access import Access
from api.http.problems import ProblemError
from api.http.routes import Route, RouteTable
from api.schemas.queries import PageQuery
from api.v1.queues import list_workers

ROUTES = RouteTable(route for noun in API for route in noun.routes.all)
PAGES = [page for noun in site.NOUNS for page in noun.pages.all]
FORBIDDEN = 403


def filled(path: str, finished) -> str:
    """Put the ids of a finished job into a path."""
    return re.sub(r"{(\w+)}", lambda name: {"artifact_id": finished.grid}.get(name[1], finished.id), path)


def refuses(person, route: Route, finished) -> bool:
    """Whether the API refuses this person. Requests that change something are empty, which the door does not mind."""
    return person.ask(route.method, filled(route.path, finished)).status_code == FORBIDDEN


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
@pytest.mark.parametrize("role", ["carol", "alice", "admin"])
def test_a_page_opens_to_whom_the_api_would_answer(request, enter, finished, role: str, page: Page):
    person = request.getfixturevalue(role)
    routes = [ROUTES.of(view) for view in page.asks]
    answer = enter(person).client.get(filled(page.path, finished))
    assert (answer.status_code == FORBIDDEN) is any(refuses(person, route, finished) for route in routes)


@pytest.mark.parametrize("role", ["carol", "alice", "admin"])
def test_pages_offer_what_the_api_permits(app, request, finished, role: str):
    person = request.getfixturevalue(role)
    who = app.extensions["ganforge"].stores.accounts.keys.authenticate(person.key)
    for noun in API:
        for route in noun.routes.all:
            if route.access is not Access.public:
                offered = ROUTES.may(who, route.method, route.path)
                assert offered is not refuses(person, route, finished), f"{route.method} {route.path}"


def test_a_page_cannot_ask_what_its_reader_may_not(app, alice):
    service = app.extensions["ganforge"]
    sessions = service.stores.accounts.sessions
    session = sessions.find(sessions.open(service.stores.accounts.keys.authenticate(alice.key)))
    with app.test_request_context() as context:
        visit = Visit(service, session, PageQuery(), context.request, ROUTES)
        with pytest.raises(ProblemError) as refused:
            visit.ask(list_workers, PageQuery())
    assert refused.value.code == "forbidden"
