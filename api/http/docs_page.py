"""The OpenAPI document, as JSON and as a page: descriptions as text, a request to copy for each operation."""

from __future__ import annotations

import functools
import json
import shlex
from typing import Any

from flask import Response, render_template, request
from markdown_it import MarkdownIt
from markupsafe import Markup

from api.http.access import Access
from api.http.routes import Call, Routes
from api.schemas.queries import Query
from stores.jobs.query.fields import FIELDS

routes = Routes("service")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).disable("image")
# What a first request of an operation may say; others take a file.
BODIES: dict[str, Any] = {
    "create_job": {"kind": "train", "recipe": "dcgan", "dataset": "mnist-10k", "params": {"epochs": 5}},
    "retry_job": {"checkpoint": "latest", "params": {"epochs": 10}},
    "change_job": {"name": "digits", "priority": 10, "labels": {"team": "a"}},
    "order_many": {"action": "pause", "filter": {"state": ["queued"], "label": ["team=a"]}, "expected": 3},
    "create_key": {"name": "laptop", "owner": "alice", "role": "user"},
    "create_view": {"name": "good ones", "filter": {"q": "best.fd_ratio<3"}, "sort": "fd_ratio"},
    "create_webhook": {"url": "https://example.com/hook", "events": ["job.succeeded", "job.failed"]},
    "share_job": {"expires_in_s": 604800},
}


@routes.add("GET", "/openapi.json", Access.public, answers={200: None}, media={"application/json": "OpenAPI 3.1."})
def show_document(call: Call[Query, None]) -> dict[str, Any]:
    """Show this interface as an OpenAPI document."""
    return call.service.document()


@routes.add("GET", "/docs", Access.public, answers={200: None}, media={"text/html": "A page."})
def show_docs(call: Call[Query, None]) -> Response:
    """Show this interface as a page."""
    document = call.service.document()
    page = render_template(
        "docs.html",
        document=document,
        said=said,
        said_in_line=said_in_line,
        example=functools.partial(example, request.host_url.rstrip("/")),
        terms={name: field.example for name, field in FIELDS.items()},
        theme=theme if (theme := request.cookies.get("ganforge_theme")) in {"light", "dark"} else "system",
    )
    return Response(page, mimetype="text/html", headers={"Content-Security-Policy": POLICY})


@functools.lru_cache(4096)
def said(text: str) -> Markup:
    """Return a description, which is Markdown, as HTML."""
    return Markup(_MARKDOWN.render(text))  # noqa: S704 - the service's own texts, and HTML in them is escaped


@functools.lru_cache(4096)
def said_in_line(text: str) -> Markup:
    """Return the first line of a description as HTML without a paragraph."""
    return Markup(_MARKDOWN.renderInline(text.partition("\n")[0]))  # noqa: S704 - as above


def example(address: str, method: str, path: str, operation: dict[str, Any]) -> str:
    """Return a request with curl, as it can be pasted into a shell once GANFORGE_API_KEY is set."""
    words = ["curl", *(["-X", method.upper()] if method != "get" else [])]
    if operation.get("security") != []:
        words.append('-H "Authorization: Bearer $GANFORGE_API_KEY"')
    taken = operation.get("requestBody", {})
    if "application/json" in taken.get("content", {}) and (taken.get("required") or operation["operationId"] in BODIES):
        body = BODIES.get(operation["operationId"])
        words.append("-H 'Content-Type: application/json'")
        words.append(f"-d {shlex.quote(json.dumps(body))}" if body else "-d @body.json")
    elif "multipart/form-data" in taken.get("content", {}):
        words.append("-F name=pets -F file=@pictures.zip")
    # An id in braces is for the reader to fill in, so the shell must not read it.
    target = f"{address}{path}"
    words.append(shlex.quote(target))
    return " ".join(words)
