"""The OpenAPI document, as JSON and as a page without network access, scripts or other files."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from flask import Response, render_template

from api.http.access import Access
from api.http.routes import Call, Routes
from api.schemas.queries import Query

routes = Routes("service")

STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h2 { margin-top: 3rem; text-transform: capitalize; border-bottom: 1px solid #8888 }
summary { cursor: pointer; padding: .35rem 0 }
code, pre { font: 14px/1.4 ui-monospace, monospace }
pre { overflow-x: auto; padding: .75rem; background: #8881; border-radius: .25rem; max-height: 30rem }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-top: 1px solid #8884 }
.method { display: inline-block; min-width: 4.5rem; font-weight: 700 }
.open { padding: 0 0 1rem 1.5rem }
"""
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; frame-ancestors 'none'; base-uri 'none'"


@routes.add("GET", "/openapi.json", Access.public, answers={200: None}, media={"application/json": "OpenAPI 3.1."})
def show_document(call: Call[Query, None]) -> dict[str, Any]:
    """Show this interface as an OpenAPI document."""
    return call.service.document()


@routes.add("GET", "/docs", Access.public, answers={200: None}, media={"text/html": "A page."})
def show_docs(call: Call[Query, None]) -> Response:
    """Show this interface as a page."""
    page = render_template("docs.html", document=call.service.document(), style=STYLE)
    return Response(page, mimetype="text/html", headers={"Content-Security-Policy": POLICY})
