"""Registers the dashboard with the application."""

from __future__ import annotations

import hashlib
from functools import cache
from http import HTTPStatus
from pathlib import Path

import brotli
from flask import Flask, Response, g, redirect, request, send_from_directory
from flask_compress import Compress
from werkzeug.wrappers import Response as BaseResponse

from api.dashboard import (
    appearance,
    audit,
    compare,
    datasets,
    formats,
    job,
    job_tables,
    jobs,
    keys,
    new,
    overview,
    queues,
    ranking,
    script_texts,
    shared,
    signing_in,
    storage,
    usage,
    webhooks,
    workers,
)
from api.dashboard.pages import mount_page, render_problem
from api.http import language
from api.http.routes import RouteTable
from api.http.service import Service
from stores.schedule.waiting_line import EXACT, POSITION_CAP

HERE = Path(__file__).parent
STATIC = HERE / "static"
NOUNS = (
    overview,
    jobs,
    job,
    job_tables,
    compare,
    queues,
    usage,
    workers,
    keys,
    webhooks,
    audit,
    new,
    datasets,
    ranking,
    storage,
)
YEAR_S = 31_536_000
# Files that shrink.
PACKED = ("text/css", "text/javascript", "image/svg+xml")


def install(app: Flask, service: Service, routes: RouteTable) -> None:
    """Register all pages and static files."""
    language.install(app)
    formats.install(app)
    app.jinja_env.globals["static"] = static
    app.jinja_env.globals["exact_positions"] = EXACT
    app.jinja_env.globals["farthest_position"] = POSITION_CAP
    app.jinja_env.globals["script_texts"] = script_texts.for_reader
    app.config["COMPRESS_MIMETYPES"] = ["text/html", "application/json", *PACKED]
    # A single job is sent as it is; long lists and curves are worth the processor time.
    app.config["COMPRESS_MIN_SIZE"] = 4096
    app.config["COMPRESS_LEVEL"] = 4
    Compress(app)
    app.before_request(lambda: _begin(routes))
    app.add_url_rule("/", "home", lambda: redirect("/dashboard", 302))
    app.add_url_rule("/dashboard/", "home_with_a_slash", lambda: redirect("/dashboard", 302))
    app.add_url_rule("/dashboard/static/<version>/<path:name>", "static", _send)
    appearance.mount(app)
    signing_in.mount(app, service)
    shared.mount(app, service)
    for noun in NOUNS:
        for page in noun.pages.all:
            mount_page(app, service, routes, page)


def warm(app: Flask) -> None:
    """Prepare what the first view of each page would wait for: compiled templates, texts, the version of files."""
    for name in app.jinja_env.list_templates(filter_func=lambda name: name.startswith("dashboard/")):
        app.jinja_env.get_template(name)
    for tag in language.NAMES:
        script_texts.texts(tag)
    _version()


def answers(error: Exception) -> BaseResponse | None:
    """Return an error as a page if a person requested one; None for programs and for scripts of pages."""
    pages = request.path == "/dashboard" or request.path.startswith(("/dashboard/", language.SHARED))
    return render_problem(error) if pages and request.accept_mimetypes.accept_html else None


def static(name: str) -> str:
    """Return the address of a static file. It changes with the content, so browsers may cache it."""
    return f"/dashboard/static/{_version()}/{name}"


@cache
def _version() -> str:
    digest = hashlib.sha256()
    for path in sorted(STATIC.rglob("*")):
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _send(version: str, name: str) -> Response:
    g.operation = "static"
    # Scripts import each other by relative names, so the version is a folder. An old version gets the current file,
    # without caching.
    answer = send_from_directory(STATIC, name, max_age=YEAR_S if version == _version() else 0)
    # Read at once: a streamed file would not be compressed for clients that accept only gzip.
    answer.direct_passthrough = False
    answer.make_sequence()
    if answer.mimetype in PACKED and request.accept_encodings.quality("br") and answer.status_code == HTTPStatus.OK:
        answer.set_data(_packed((STATIC / name).resolve()))
        answer.content_encoding = "br"
        answer.vary.add("Accept-Encoding")
    answer.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable" if version == _version() else "no-cache"
    return answer


@cache
def _packed(file: Path) -> bytes:
    """Return a file as small as Brotli makes it: 14 % fewer bytes than at the level for answers made anew.

    By its resolved path: an address with more slashes or dots in it must not be kept as another file.
    """
    return bytes(brotli.compress(file.read_bytes()))


def _begin(routes: RouteTable) -> None:
    g.routes = routes
