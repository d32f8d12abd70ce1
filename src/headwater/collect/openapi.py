"""The OpenAPI document of the doors, made from the table of routes, so that the two cannot disagree."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from headwater import __version__
from headwater.collect.collector import Collector
from headwater.collect.replies import Reply, json_reply
from headwater.collect.request import Door, Request
from headwater.collect.routes import Route

PATH = "/openapi.json"

_OBJECT = {"type": "object"}
_EVENT = {
    "type": "object",
    "properties": {
        "writeKey": {"type": "string"},
        "type": {"type": "string"},
        "event": {"type": "string"},
        "userId": {"type": ["string", "number", "null"]},
        "anonymousId": {"type": ["string", "number", "null"]},
        "messageId": {"type": "string", "maxLength": 100},
        "timestamp": {"type": "string"},
        "sentAt": {"type": "string"},
        "properties": _OBJECT,
        "traits": _OBJECT,
        "context": _OBJECT,
        "integrations": _OBJECT,
    },
}
_BODIES: dict[str, dict[str, Any]] = {
    "event": {"application/json": {"schema": _EVENT}, "text/plain": {"schema": {"type": "string"}}},
    "batch": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["batch"],
                "properties": {
                    "batch": {"type": "array", "items": _EVENT},
                    "writeKey": {"type": "string"},
                    "sentAt": {"type": "string"},
                    "context": _OBJECT,
                    "integrations": _OBJECT,
                },
            }
        },
        "text/plain": {"schema": {"type": "string"}},
    },
    "any": {"application/json": {"schema": {}}},
    "records": {"application/json": {"schema": {"oneOf": [_OBJECT, {"type": "array", "items": _OBJECT}]}}},
    "rows": {"text/csv": {"schema": {"type": "string"}}, "application/x-ndjson": {"schema": {"type": "string"}}},
    "form": {
        "application/x-www-form-urlencoded": {"schema": {"type": "object", "properties": {"_js": {"type": "string"}}}}
    },
}

_STATUSES = {
    "tracking": ("400", "401", "403", "404", "408", "413", "429", "500", "503"),
    "lytics": ("400", "401", "403", "404", "408", "413", "429", "500", "503"),
    "pixel": (),
}
_ERROR = {"description": "Refused; `code` and `message` say why", "content": {"application/json": {"schema": _OBJECT}}}
_DESCRIPTIONS = {"200": "Accepted: what is not listed as refused is durable"}


def route(routes: Iterable[Route]) -> Route:
    """The route that serves the document of `routes`."""
    reply = json_reply(200, document(routes))

    async def serve(collector: Collector, request: Request) -> Reply:
        del collector, request
        return reply

    return Route("GET", PATH, serve, Door(PATH), "This document")


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """The OpenAPI 3.1 document."""
    paths: dict[str, dict[str, Any]] = {}
    for each in routes:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Headwater collector", "version": __version__},
        "paths": paths,
        "components": {
            "securitySchemes": {
                "writeKey": {"type": "http", "scheme": "basic", "description": "The write key as user name"},
                "token": {"type": "apiKey", "in": "header", "name": "Authorization"},
            }
        },
    }


def _operation(each: Route) -> dict[str, Any]:
    names = re.findall(r"{(\w+)}", each.path)
    text = {"type": "string"}
    operation: dict[str, Any] = {
        "summary": each.summary,
        "operationId": f"{each.method.lower()}{re.sub(r'[^A-Za-z0-9]+', '_', each.path)}",
        "parameters": [
            *(
                {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
                for name in names
            ),
            *({"name": name, "in": "query", "schema": text} for name in each.query),
        ],
        "responses": {"200": _success(each), **dict.fromkeys(_STATUSES[each.door.style], _ERROR)},
        "security": [{"token": []}] if each.path.startswith("/collect/") else [{"writeKey": []}, {}],
    }
    if each.body:
        operation["requestBody"] = {"content": _BODIES[each.body]}
    return operation


def _success(each: Route) -> dict[str, Any]:
    """What 200 holds. Batches may answer 207 instead where a source asks for it; that is not the rule."""
    if each.door.style == "pixel":
        return {"description": "Always an image", "content": {"image/gif": {}}}
    return {"description": _DESCRIPTIONS["200"]}
