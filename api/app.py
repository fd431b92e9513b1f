"""The Flask application. Building it opens no connection."""

from __future__ import annotations

import functools
import re
import time

import structlog
from flask import Flask, Response, g, request

from api.dashboard import site
from api.http import docs_page, problems
from api.http.access import Doorkeeper
from api.http.openapi import document
from api.http.parsing import refuse_unreadable
from api.http.proxies import BehindProxies, Proxies
from api.http.routes import RouteTable, mount
from api.http.shared_answer import SharedAnswer
from api.http.turns import Turns
from api.service import Service
from api.streaming import account_feed
from api.streaming.hub import Hub
from api.streaming.job_stream import Streams
from api.uploads.previews import PreviewMaker
from api.uploads.uploads import Importer
from api.v1 import (
    artifacts,
    audit,
    datasets,
    health,
    job_actions,
    job_events,
    job_log,
    jobs,
    keys,
    metrics,
    prometheus,
    queues,
    recipes,
    retention,
    shares,
    trash,
    usage,
    views,
    webhooks,
)
from models.ids import new_id
from stores.container import open_stores
from stores.infra.settings import Settings

log = structlog.get_logger("api.access")

BODY_LIMIT = 1_000_000
NOUNS = (
    health,
    prometheus,
    docs_page,
    recipes,
    datasets,
    jobs,
    job_actions,
    job_events,
    job_log,
    metrics,
    artifacts,
    trash,
    retention,
    shares,
    views,
    account_feed,
    queues,
    usage,
    keys,
    webhooks,
    audit,
)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
# The token of a shared page is a secret, and logs are read by others.
_LINK = re.compile(r"^/s/[^/]*")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


def create_app(settings: Settings | None = None) -> Flask:
    """Return the API. Without settings they are read from the environment."""
    settings = settings or Settings()
    stores = open_stores(settings)
    routes = [route for noun in NOUNS for route in noun.routes.all]
    importer = Importer(stores)
    service = Service(
        settings=settings,
        stores=stores,
        door=Doorkeeper(settings, stores.accounts.keys, stores.accounts.sessions),
        hub=Hub(stores.events.bus, stores.events, stores.accounts.keys, stores.accounts.sessions),
        streams=Streams(settings.max_streams, settings.streams_per_key, prometheus.STREAMS),
        importer=importer,
        looks=PreviewMaker(stores, importer.spool),
        turns=Turns(),
        readiness=SharedAnswer(lambda: health.check(stores), health.FRESH_S),
        row_figures=SharedAnswer(lambda: prometheus.row_figures(stores), prometheus.FRESH_S),
        document=functools.cache(lambda: document(routes)),
    )
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False  # whose answers would be empty
    app.extensions["ganforge"] = service
    app.wsgi_app = BehindProxies(app.wsgi_app, Proxies(settings.proxies))  # type: ignore[method-assign]
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False
    problems.register(app, site.answers)
    app.before_request(_begin)
    app.before_request(lambda: problems.refuse_what_the_server_refuses(request))
    app.after_request(_end)
    for route in routes:
        mount(app, service, route)
    site.install(app, service, RouteTable(routes))
    # After the pages have begun, because they may have to show the refusal.
    app.before_request(lambda: refuse_unreadable(request))
    return app


def _begin() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else new_id("req")
    g.started = time.perf_counter()
    structlog.contextvars.bind_contextvars(service="api", request_id=g.request_id)


def _end(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    seconds = time.perf_counter() - g.started
    operation = g.get("operation", "none")
    prometheus.REQUESTS.labels(operation, response.status_code).inc()
    prometheus.SECONDS.labels(operation).observe(seconds)
    if problem := g.get("problem"):
        prometheus.PROBLEMS.labels(problem).inc()
    path = _LINK.sub("/s/…", request.path)
    log.info("request", method=request.method, path=path, status=response.status_code, ms=round(seconds * 1000, 1))
    structlog.contextvars.unbind_contextvars("request_id")
    return response
