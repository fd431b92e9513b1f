"""Every route and every page, called by every kind of caller. What each must answer follows from its declaration.

Routes and pages are taken from the application itself, so a new one is tested by being there. It fails here until the
tables below say what its body and the parameters of its path are.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask

from api.app import NOUNS
from api.dashboard import site
from api.http.access import COOKIE, SAFE, Access
from api.http.routes import Route, RouteTable
from models import layer_table
from models.layer_table import Layer, LayerTable, Network
from models.states import Role
from stores.accounts.sessions import Session
from stores.container import Stores
from tests.api.conftest import TRAIN, Bench, Person, Upload
from tests.api.uploads.archives import pictures, zipped

ROUTES = [route for noun in NOUNS for route in noun.routes.all]
TABLE = RouteTable(ROUTES)
PAGES = [page for noun in site.NOUNS for page in noun.pages.all]

# The parameters of paths that name things of an owner, here alice's. Everybody may name the others.
OWNED = {"job_id", "artifact_id", "dataset_id", "webhook_id", "delivery_id", "view_id", "key_id", "policy_id"}
# The bodies that routes require, by the name of the route.
BODIES: dict[str, dict[str, Any]] = {
    "create_job": TRAIN,
    "change_job": {"name": "mine"},
    "create_key": {"name": "new"},
    "create_webhook": {"url": "https://hooks.example.org", "events": ["job.failed"]},
    "change_webhook": {"events": ["job.alert"]},
    "create_view": {"name": "new"},
    "set_retention": {"project": "new", "grids_after_days": 3650},
    "order_many": {"action": "cancel", "filter": {"label": "team=none"}, "expected": 0},
}
# What the pages have beside those of `PAGES`: method, endpoint and address; the status for who isn't signed in, and
# for who is.
OTHERS = {
    ("GET", "home", "/"): (302, 302),
    ("GET", "home_with_a_slash", "/dashboard/"): (302, 302),
    ("GET", "static", "/dashboard/static/now/style.css"): (200, 200),
    ("GET", "page_login", "/dashboard/login"): (200, 200),
    ("GET", "shared_page", "/s/nothing"): (404, 404),
    ("GET", "shared_metrics", "/s/nothing/metrics"): (404, 404),
    ("GET", "shared_image", "/s/nothing/images/art_x"): (404, 404),
    ("POST", "choose_language", "/dashboard/language"): (303, 303),
    ("POST", "choose_appearance", "/dashboard/appearance"): (303, 303),
    ("POST", "sign_in", "/dashboard/login"): (401, 401),  # without a key
    ("POST", "sign_out", "/dashboard/logout"): (401, 303),  # the last one: it ends the session
}


@dataclass(frozen=True)
class World:
    """Things of alice's, and others that paths may name."""

    ids: dict[str, str]

    def filled(self, path: str) -> str:
        """Put the ids into a path of a route or a page."""
        return re.sub(r"{(\w+)}", lambda found: self.ids[found[1]], path)

    @property
    def owned(self) -> list[str]:
        """The addresses of alice's things."""
        kinds = {"jobs": "job_id", "datasets": "dataset_id", "webhooks": "webhook_id"}
        return [f"/v1/{kind}/{self.ids[name]}" for kind, name in kinds.items()]


@dataclass(frozen=True)
class Caller:
    """Somebody who calls: what the request carries, and who that is to the service."""

    name: str
    role: Role | None = None  # None: nobody whom the service lets in
    owner: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    cookie: str | None = None
    token: bool = True  # whether a session comes with the token of its page

    def sees(self, owner: str) -> bool:
        """Whether things of this owner are there for the caller."""
        return self.role is Role.admin or self.owner == owner

    def permits(self, access: Access) -> bool:
        """Whether the role suffices. It is restated here: the rule under test must not test itself."""
        roles = {Access.read: set(Role), Access.change: {Role.user, Role.admin}, Access.admin: {Role.admin}}
        return access is Access.public or self.role in roles[access]


MakeWorld = Callable[[str], World]


@pytest.fixture
def make_world(stores: Stores, alice: Person, bench: Bench, upload: Upload) -> MakeWorld:
    """Return a function that makes a finished job with one artifact of each kind that is shown and a link, a data set
    and a key.

    No other job may wait, because the next one that waits is claimed.
    """
    layers = LayerTable([Network("generator", "100", [Layer("Linear", "784", 79_184)], 79_184)])

    def make(name: str) -> World:
        job = alice.submit(name=name)["id"]
        claim = bench.claim()
        assert claim.job_id == job
        bench.metric(claim, 1, d_loss=0.7, g_loss=1.1)
        bench.artifact(claim, "checkpoint", "step-2.safetensors", b"weights", "application/octet-stream")
        bench.artifact(claim, "summary", "summary.json", layer_table.write(layers), "application/json")
        bench.artifact(claim, "report", "report.json", json.dumps({"steps": 2}).encode(), "application/json")
        grid = bench.artifact(claim, "grid", "epoch-1.png", b"picture", "image/png")
        bench.finish(claim)
        dataset = upload(alice, zipped(pictures(16)), name).json["id"]
        spare, _ = stores.accounts.keys.create(f"spare of {name}", "alice", Role.user)
        view = alice.post("/v1/views", json={"name": name}).json["id"]
        policy = alice.post("/v1/retention", json={"project": name, "grids_after_days": 3650}).json["id"]
        link = alice.post(f"/v1/jobs/{job}/share").json["id"]
        hook = alice.post("/v1/webhooks", json=BODIES["create_webhook"]).json["id"]
        delivery = alice.post(f"/v1/webhooks/{hook}/test").json["id"]
        named = {
            "share_id": link,
            "view_id": view,
            "policy_id": policy,
            "webhook_id": hook,
            "delivery_id": delivery,
            "queue": "cpu",
            "name": "mlp_gan",
            "worker_id": bench.worker,
            "key_id": spare["id"],
        }
        return World({"job_id": job, "artifact_id": grid, "dataset_id": dataset, **named})

    return make


Enter = Callable[[Role, str], tuple[Person, Session, str]]


@pytest.fixture
def enter(app: Flask, stores: Stores) -> Enter:
    """Return a function that makes a key and a session: the key's holder, the session, and its cookie."""

    def make(role: Role, owner: str) -> tuple[Person, Session, str]:
        key, secret = stores.accounts.keys.create(f"another of {owner}", owner, role)
        who = stores.accounts.keys.authenticate(secret)
        assert who is not None
        cookie = stores.accounts.sessions.open(who)
        session = stores.accounts.sessions.find(cookie)
        assert session is not None
        return Person(app.test_client(), secret, key["id"]), session, cookie

    return make


def body(route: Route) -> dict[str, Any]:
    """Return what a request to a route carries."""
    if route.form is not None:
        return {"data": {"name": "walked", "file": (io.BytesIO(zipped(pictures(16))), "pictures.zip")}}
    if route.body is None or (route.body_optional and route.name not in BODIES):
        return {}
    return {"json": BODIES[route.name]}


def in_turn() -> Iterator[tuple[str, Route]]:
    """Yield methods and routes; what deletes things comes last. HEAD is left out for event streams, which never end."""
    for route in sorted(ROUTES, key=lambda route: route.method == "DELETE"):
        if route.method == "GET" and set(route.media) != {"text/event-stream"}:
            yield "HEAD", route
        yield route.method, route


def refusal(route: Route, caller: Caller) -> tuple[int, str] | None:
    """Return status and code of the refusal that a caller must get, None for who is let in."""
    if route.access is Access.public:
        return None
    if caller.role is None:
        return 401, "unauthenticated"
    if not caller.permits(route.access) or (route.method not in SAFE and not caller.token):
        return 403, "forbidden"
    if OWNED.intersection(route.parameters) and not caller.sees("alice"):
        return 404, "not_found"
    return None


@dataclass(frozen=True)
class Walk:
    """Calls everything as one caller."""

    app: Flask
    world: World
    admin: Person

    def all(self, caller: Caller) -> list[tuple[object, ...]]:
        """Return what was answered wrongly. Pages come first: routes delete what they show."""
        before = self._owned()
        wrong = [(caller.name, *found) for walk in (self._pages, self._routes, self._others) for found in walk(caller)]
        if not (caller.sees("alice") and caller.permits(Access.change) and caller.token):
            assert self._owned() == before, caller.name
        return wrong

    def _owned(self) -> list[object]:
        return [self.admin.get(path).json for path in self.world.owned]

    def _call(self, caller: Caller, method: str, address: str, **request: Any) -> Any:
        client = self.app.test_client()  # as a client that has not called before
        if caller.cookie is not None:
            client.set_cookie(COOKIE, caller.cookie)
        return client.open(address, method=method, headers=caller.headers, **request)

    def _routes(self, caller: Caller) -> Iterator[tuple[object, ...]]:
        for method, route in in_turn():
            refused = refusal(route, caller)
            with self._call(caller, method, self.world.filled(route.path), **body(route)) as answer:
                status = answer.status_code
                if refused is None:
                    right = status in route.answers or (status == 409 and "conflict" in route.problems)
                else:
                    right = status == refused[0] and (method == "HEAD" or answer.json["code"] == refused[1])
                if not right:
                    yield method, route.path, status, refused

    def _pages(self, caller: Caller) -> Iterator[tuple[object, ...]]:
        for page in PAGES:
            answer = self._call(caller, "GET", self.world.filled(page.path))
            if caller.role is None or caller.cookie is None:
                right = answer.status_code == 303 and answer.headers["Location"].startswith("/dashboard/login?next=")
            elif not all(caller.permits(TABLE.of(view).access) for view in page.asks):
                right = answer.status_code == 403
            else:
                there = not OWNED.intersection(re.findall(r"{(\w+)}", page.path)) or caller.sees("alice")
                right = answer.status_code == (200 if there else 404)
            if not right:
                yield page.path, answer.status_code

    def _others(self, caller: Caller) -> Iterator[tuple[object, ...]]:
        for (method, endpoint, address), statuses in OTHERS.items():
            with self._call(caller, method, address) as answer:
                expected = statuses[caller.role is not None and caller.cookie is not None]
                if endpoint == "sign_out" and expected == 303 and not caller.token:
                    expected = 403
                if answer.status_code != expected:
                    yield method, address, answer.status_code, expected


def test_every_address_is_a_route_a_page_or_named_here(app: Flask) -> None:
    known = {route.name for route in ROUTES} | {f"page_{page.view.__name__}" for page in PAGES}
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == known | {endpoint for _, endpoint, _ in OTHERS}


def test_missing_and_invalid_credentials_are_refused_everywhere(
    app: Flask, stores: Stores, admin: Person, enter: Enter, make_world: MakeWorld
) -> None:
    walk = Walk(app, make_world("one"), admin)
    revoked, its_session, its_cookie = enter(Role.admin, "root")
    assert admin.ask("DELETE", f"/v1/keys/{revoked.key_id}").status_code == 204
    _, ended, ended_cookie = enter(Role.admin, "root")
    stores.accounts.sessions.end(ended_cookie)
    strangers = [
        Caller("nobody"),
        Caller("wrong key", headers={"Authorization": "Bearer gf_wrong"}),
        Caller("revoked key", headers={"Authorization": f"Bearer {revoked.key}"}),
        Caller("wrong session", headers={"X-CSRF-Token": "0" * 64}, cookie="made-up"),
        Caller("session of a revoked key", headers={"X-CSRF-Token": its_session.csrf}, cookie=its_cookie),
        Caller("ended session", headers={"X-CSRF-Token": ended.csrf}, cookie=ended_cookie),
    ]
    assert [wrong for caller in strangers for wrong in walk.all(caller)] == []


@pytest.mark.parametrize(
    ("role", "owner"),
    [
        (Role.viewer, "alice"),
        (Role.user, "alice"),
        (Role.viewer, "bob"),
        (Role.user, "bob"),
        (Role.admin, "root"),
    ],
)
def test_every_route_and_page_follows_its_access_rule(
    app: Flask, admin: Person, enter: Enter, make_world: MakeWorld, role: Role, owner: str
) -> None:
    # What is made comes first: the jobs that a walk submits wait.
    first, second = (Walk(app, make_world(name), admin) for name in ("one", "two"))
    person, _, cookie = enter(role, owner)
    _, foreign, other = enter(role, owner)
    _, session, good = enter(role, owner)
    wrong = first.all(Caller("no token", role, owner, {}, cookie, token=False))
    wrong += first.all(Caller("another's token", role, owner, {"X-CSRF-Token": foreign.csrf}, cookie, token=False))
    wrong += first.all(Caller("key", role, owner, {"Authorization": f"Bearer {person.key}"}))
    wrong += second.all(Caller("session", role, owner, {"X-CSRF-Token": session.csrf}, good))
    assert other != cookie
    assert wrong == []
