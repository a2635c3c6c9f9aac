"""OpenAPI document and a page to read it, both made from the table of endpoints."""

import html
import json
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from pyheketi.api.answers import Answer
from pyheketi.api.endpoint import Endpoint
from pyheketi.api.meanings import meanings
from pyheketi.api.waiting import MOST
from pyheketi.wire.base import WireModel, models_in

_REFERENCE = "#/components/schemas/{model}"
_ID: dict[str, Any] = {
    "name": "id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[A-Fa-f0-9]+$"},
}
_PREFER: dict[str, Any] = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": f"wait=N (RFC 7240): answer when the job ends, after N seconds at most; {MOST} are granted",
    "schema": {"type": "string"},
    "example": "wait=10",
}
_APPLIED: dict[str, Any] = {
    "description": "wait=N, the seconds granted, where the answer was waited for",
    "schema": {"type": "string", "pattern": "^wait=[0-9]+$"},
}

_FAILURES = {
    400: "The request is wrong",
    401: "No valid token, or one of a user who may not do this",
    403: "A token of a user who may not do this",
    404: "No such object",
    409: "The state of the object forbids it",
    413: "The body is too large",
    422: "The body cannot be read",
    429: "Too many operations at the same time; Retry-After tells when to come back",
    500: "It cannot be done, for want of space, say; the text tells why",
    503: "The server is stopping, or changes are disabled for maintenance",
}
"""What may go wrong with any request, told as text."""


def document(endpoints: Iterable[Endpoint], version: str) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    from pydantic.json_schema import models_json_schema  # noqa: PLC0415  # few ask

    endpoints = tuple(endpoints)
    models = {model for each in endpoints for model in (each.request, each.answer) if model}
    references, definitions = models_json_schema(
        [(model, "validation") for model in sorted(models, key=lambda model: model.__qualname__)],
        ref_template=_REFERENCE,
    )
    schemas = {model: reference for (model, _), reference in references.items()}
    paths: dict[str, dict[str, Any]] = {}
    for each in endpoints:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "pyheketi", "version": version, "description": "GlusterFS volumes on demand."},
        "paths": paths,
        "components": {
            "schemas": _with_null(_explained(definitions.get("$defs", {}), models)),
            "securitySchemes": {"jwt": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
        "security": [{"jwt": []}],
    }


def _explained(schemas: dict[str, Any], models: Iterable[type[WireModel]]) -> dict[str, Any]:
    """Return schemas that tell what fields mean."""
    for model in _with_inner(models):
        properties = schemas.get(model.__name__, {}).get("properties", {})
        for name, meaning in meanings(model).items():
            if name in properties:
                properties[name]["description"] = meaning
    return schemas


def _with_inner(models: Iterable[type[WireModel]]) -> set[type[WireModel]]:
    """Return models with those of their fields."""
    found, left = set[type[WireModel]](), list(models)
    while left:
        model = left.pop()
        if model not in found:
            found.add(model)
            left += [each for field in model.model_fields.values() for each in models_in(field.annotation)]
    return found


def _with_null(models: dict[str, Any]) -> dict[str, Any]:
    """Return schemas that tell that lists and maps which nobody gave are null, as Go writes them."""
    for model in models.values():
        for described in model.get("properties", {}).values():
            if described.get("type") in ("array", "object"):
                described["type"] = [described["type"], "null"]
    return models


def _operation(endpoint: Endpoint, schemas: dict[Any, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {"summary": endpoint.summary, "operationId": endpoint.handle.__name__}
    parameters = [_ID] if "{id}" in endpoint.path else []
    for name, meaning in endpoint.parameters.items():
        parameters.append({"name": name, "in": "query", "description": meaning, "schema": {"type": "string"}})
    if endpoint.wait:
        parameters.append(_PREFER)
    if parameters:
        described["parameters"] = parameters
    if endpoint.request:
        content = {"application/json": {"schema": schemas[endpoint.request]}}
        described["requestBody"] = {"required": not endpoint.optional_body, "content": content}
    success: dict[str, Any] = {"description": "Done"}
    if endpoint.status == 202:
        success = {
            "description": "Begun: ask the path in Location until it answers 303, 204 or 500",
            "headers": {"Location": {"schema": {"type": "string"}}},
        }
    if endpoint.answer:
        success["content"] = {"application/json": {"schema": schemas[endpoint.answer]}}
    text = {"text/plain": {"schema": {"type": "string"}}}
    failures = {str(status): {"description": why, "content": text} for status, why in _FAILURES.items()}
    described["responses"] = failures | {str(endpoint.status): success}
    if endpoint.path == "/queue/{id}":
        pending = {"X-Pending": {"schema": {"const": "true"}}}
        described["responses"] |= {
            "200": {"description": "Still at work", "headers": pending | {"Preference-Applied": _APPLIED}},
            "204": {"description": "Done"},
            "303": {"description": "Done; Location is the path of what was made"},
        }
    return described


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>pyheketi {version}: API</title>
<style>
:root {{ color-scheme: light dark; --line: #8884; --dim: #888; --accent: #2a7d4f }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
h1 {{ margin-bottom: 0 }} p {{ color: var(--dim); margin-top: .3rem }}
details {{ border: 1px solid var(--line); border-radius: .4rem; margin: .5rem 0; padding: .5rem .8rem }}
summary {{ cursor: pointer; display: grid; grid-template-columns: 5rem 17rem 1fr; gap: .6rem }}
code {{ font-family: ui-monospace, monospace; font-size: .9rem }}
h4 {{ margin: 1rem 0 .3rem }}
table {{ border-collapse: collapse; width: 100%; margin: .3rem 0 .6rem }}
td {{ border-top: 1px solid var(--line); padding: .2rem .6rem .2rem 0; vertical-align: top }}
td:first-child {{ width: 40% }} td:nth-child(2) {{ width: 18%; color: var(--dim) }}
b {{ color: var(--accent) }}
@media (max-width: 40rem) {{ summary {{ grid-template-columns: 1fr }} }}
</style>
<h1>pyheketi {version}</h1>
<p>The REST interface. The same as a document for programs: <a href="openapi.json">openapi.json</a>.
Unless the server runs with <code>--disable-auth</code>, every request needs a token
(<code>Authorization: bearer …</code>),
except this page, its document, and <code>/hello</code>.</p>
{entries}
</html>
"""


def page(described: dict[str, Any], version: str) -> str:
    """Return the documentation as HTML, with no script and nothing loaded from elsewhere."""
    entries = [
        f"<details><summary><b>{method.upper()}</b><code>{html.escape(path)}</code>"
        f"<span>{html.escape(operation['summary'])}</span></summary>{_details(operation, described)}</details>"
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    ]
    return _PAGE.format(version=html.escape(version), entries="\n".join(entries))


def _details(operation: dict[str, Any], described: dict[str, Any]) -> str:
    parts = []
    request = operation.get("requestBody", {})
    if schema := _schema(request):
        parts.append(f"<h4>Request body{'' if request['required'] else ', may be absent'}</h4>")
        parts.append(_table(schema, described))
    parts.append("<h4>Answers</h4>")
    for status, answer in operation["responses"].items():
        parts.append(f"<div><code>{status}</code> {html.escape(answer['description'])}</div>")
        if schema := _schema(answer):
            parts.append(_table(schema, described))
    return "".join(parts)


def _schema(message: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = message.get("content", {}).get("application/json", {}).get("schema", {})
    return found


def _table(schema: dict[str, Any], described: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{html.escape(name)}</code><td>{html.escape(kind)}<td>{html.escape(meaning)}"
        for name, kind, meaning in _fields(schema, described)
    )
    return f"<table>{rows}</table>" if rows else ""


def _fields(schema: dict[str, Any], described: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield name, type and meaning of every field, those of objects within after the object's name."""
    for name, field in _resolve(schema, described).get("properties", {}).items():
        items = field.get("items", {})
        inner = _resolve(items or field, described)
        kind = inner.get("type", "anything")
        kind = str(kind[0] if isinstance(kind, list) else kind)
        yield (
            f"{prefix}{name}",
            f"list of {kind}s" if items else kind,
            " ".join(field.get("description", "").replace("``", "").split()),
        )
        yield from _fields(inner, described, f"{prefix}{name}{'[]' if items else ''}.")


def _resolve(schema: dict[str, Any], described: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rsplit("/", 1)[-1]
    found: dict[str, Any] = described["components"]["schemas"].get(name, schema)
    return found


def open_pages(endpoints: Iterable[Endpoint], version: str) -> dict[str, Callable[[], Answer]]:
    """Return what gives the answers to GET that need no token, by path. The interface is described when asked for."""
    hello = Answer(200, b"Hello from Heketi", {"Content-Type": "text/plain; charset=UTF-8"})
    endpoints = tuple(endpoints)
    described = cache(lambda: document(endpoints, version))

    def as_json() -> Answer:
        return Answer(200, json.dumps(described()).encode(), {"Content-Type": "application/json"})

    def as_page() -> Answer:
        return Answer(200, page(described(), version).encode(), {"Content-Type": "text/html; charset=utf-8"})

    return {"hello": lambda: hello, "openapi.json": cache(as_json), "docs": cache(as_page)}
