"""The OpenAPI 3.1 document, made from the routes and from the same pydantic models that validate.

pydantic writes the schemas, all in one go, so that shared ones stand once under `components`; what remains is to say
which route takes and answers which of them.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from api.http.access import Access
from api.http.problems import CODES, MEDIA_TYPE
from api.http.routes import Route
from api.schemas.answers import Problem
from models.ids import id_pattern
from models.recipes import RECIPES

Json = dict[str, Any]
Model = type[Any]

_REF = "#/components/schemas/{model}"
_IDS = {
    "job_id": "job",
    "artifact_id": "art",
    "key_id": "key",
    "worker_id": "wrk",
    "webhook_id": "whk",
    "delivery_id": "dlv",
}
_PHRASES = {200: "Done", 201: "Made", 202: "Accepted", 204: "Nothing to say", 206: "A part", 303: "It is elsewhere"}
_RETRY: Json = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "string"}}}
_PROBLEM_HEADERS: dict[str, Json] = {
    "unauthenticated": {"WWW-Authenticate": {"schema": {"type": "string"}}},
    "rate_limited": _RETRY,
    "unavailable": _RETRY,
}
# What the server refuses before it knows whose request it is (api/serving): requests that are unreadable, slow or too
# large, and more connections than an address may have.
BY_SERVER = ("malformed", "timeout", "uri_too_long", "headers_too_large", "rate_limited")
INTRODUCTION = """A job service for generative adversarial networks. Send your key as `Authorization: Bearer gf_…`.
Errors are `application/problem+json` (RFC 9457). Lists come in pages: `?limit=20&cursor=…`."""


def document(routes: Sequence[Route]) -> Json:
    """Return the document."""
    schemas = _Schemas(routes)
    paths: Json = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "ganforge", "version": version("ganforge"), "description": INTRODUCTION},
        "paths": paths,
        "components": {
            "schemas": schemas.shared,
            "responses": {code: _problem(code, schemas) for code in CODES},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An access key."}},
        },
        "security": [{"key": []}],
        "tags": [{"name": name} for name in dict.fromkeys(route.tag for route in routes)],
    }


class _Schemas:
    """The schemas of all models that the routes name."""

    def __init__(self, routes: Iterable[Route]) -> None:
        models: dict[tuple[Model, JsonSchemaMode], None] = {(Problem, "serialization"): None}
        for recipe in RECIPES.values():
            models[recipe.params, "validation"] = None
        for route in routes:
            models[route.query, "validation"] = None
            for taken in (route.body, route.form):
                if taken is not None:
                    models[taken, "validation"] = None
            for answer in route.answers.values():
                if answer is not None:
                    models[answer, "serialization"] = None
        adapters = [(repr(model), mode, TypeAdapter(model)) for model, mode in models]
        self._refs, definitions = TypeAdapter.json_schemas(adapters, ref_template=_REF)
        self.shared: Json = definitions["$defs"]
        self._queries: dict[Model, Json] = {
            route.query: self.shared.pop(self._name(route.query), {}) for route in _once(routes)
        }
        self._document_params()

    def ref(self, model: Model, mode: JsonSchemaMode) -> Json:
        """Return the reference to a model's schema."""
        return self._refs[repr(model), mode]

    def query(self, model: Model) -> Json:
        """Return the whole schema of a model of query parameters."""
        return self._queries[model]

    def _name(self, model: Model) -> str:
        return str(self._refs[repr(model), "validation"]["$ref"]).rpartition("/")[2]

    def _document_params(self) -> None:
        """Describe the `params` of a training job, which depend on its recipe."""
        params = self.shared["TrainRequest"]["properties"]["params"]
        for loose in ("additionalProperties", "type"):
            params.pop(loose, None)
        params["anyOf"] = [self.ref(recipe.params, "validation") for recipe in RECIPES.values()]
        self.shared["TrainRequest"]["properties"]["recipe"]["enum"] = sorted(RECIPES)


def _once(routes: Iterable[Route]) -> Iterable[Route]:
    """Return one route for each model of a query."""
    return {route.query: route for route in routes}.values()


def _operation(route: Route, schemas: _Schemas) -> Json:
    summary, _, description = (inspect.getdoc(route.view) or "").partition("\n")
    operation: Json = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": summary.rstrip("."),
        "description": description.strip(),
        "parameters": [*_path(route), *_query(schemas.query(route.query)), *_headers(route)],
        "responses": {**_answers(route, schemas), **_problems(route)},
    }
    if route.body is not None:
        content = {"application/json": {"schema": schemas.ref(route.body, "validation")}}
        operation["requestBody"] = {"required": not route.body_optional, "content": content}
    if route.form is not None:
        content = {"multipart/form-data": {"schema": schemas.ref(route.form, "validation")}}
        operation["requestBody"] = {"required": True, "content": content}
    if route.access is Access.public:
        operation["security"] = []
    return operation


def _path(route: Route) -> Iterable[Json]:
    for name in route.parameters:
        schema = {"type": "string"} | ({"pattern": id_pattern(_IDS[name])} if name in _IDS else {"minLength": 1})
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query(schema: Json) -> Iterable[Json]:
    for name, found in schema.get("properties", {}).items():
        facts = {key: value for key, value in found.items() if key not in {"description", "title"}}
        parameter = {"name": name, "in": "query", "required": False, "schema": facts}
        yield parameter | ({"description": found["description"]} if "description" in found else {})


def _headers(route: Route) -> Iterable[Json]:
    for header in route.headers:
        yield {
            "name": header.name,
            "in": "header",
            "required": False,
            "description": header.description,
            "schema": dict(header.schema),
        }


def _answers(route: Route, schemas: _Schemas) -> Json:
    found: Json = {}
    for status, model in route.answers.items():
        content: Json = {}
        if model is not None:
            content["application/json"] = {"schema": schemas.ref(model, "serialization")}
        if status == 200:
            content |= {kind: {"schema": {"description": words}} for kind, words in route.media.items()}
        found[str(status)] = {"description": _PHRASES[status]} | ({"content": content} if content else {})
        if route.answer_headers.get(status):
            headers = route.answer_headers[status].items()
            found[str(status)]["headers"] = {
                name: {"description": words, "schema": {"type": "string"}} for name, words in headers
            }
    return found


def _problems(route: Route) -> Json:
    codes = {"validation", "internal", "unavailable", *BY_SERVER, *route.problems}
    if route.access is not Access.public:
        codes.add("unauthenticated")
    if route.access in {Access.change, Access.admin}:
        codes.add("forbidden")
    if route.parameters:
        codes.add("not_found")
    if route.body is not None or route.form is not None:
        codes |= {"too_large", "unsupported_media"}
    return {
        str(CODES[code][0]): {"$ref": f"#/components/responses/{code}"}
        for code in sorted(codes, key=lambda code: CODES[code][0])
    }


def _problem(code: str, schemas: _Schemas) -> Json:
    headers = {"headers": _PROBLEM_HEADERS[code]} if code in _PROBLEM_HEADERS else {}
    content = {MEDIA_TYPE: {"schema": schemas.ref(Problem, "serialization")}}
    return {"description": CODES[code][1].template, **headers, "content": content}
