"""From outputs to the HTTP request that carries them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from headwater import jsontext
from headwater.errors import PermanentError
from headwater.playbooks.connection import FORM_TYPE, HttpSection
from headwater.playbooks.lua_engine import LuaBodyError
from headwater.playbooks.outputs import Headers, HttpRequest, Output
from headwater.playbooks.scalars import scalar_text, value_text
from headwater.playbooks.urls import encode_pairs, legal, with_query

Transform = Callable[[Any, Any], Any]


class TransformError(PermanentError):
    """The connection's transform failed; the same outputs will fail again."""


def build_request(section: HttpSection, outputs: Sequence[Output], transform: Transform | None) -> HttpRequest:
    """The request for outputs that share a batch key, before authentication.

    Raises TransformError when the section's transform fails.
    """
    headers = outputs[0].headers
    bodies = [output.body for output in outputs]
    body: Any = None if section.method == "GET" else bodies if section.sends_list else bodies[0]
    url = _get_url(section, bodies[0]) if section.method == "GET" else section.endpoint
    if transform is None:
        return _finished(section.method, url, headers, body)
    changed = _transformed(transform, url, headers, body, bodies)
    text = scalar_text(changed.get("url", url))
    body = changed.get("body")
    return _finished(
        section.method,
        url if text is None else text,
        _changed_headers(changed, headers),
        None if _is_empty(body) else body,
    )


def _get_url(section: HttpSection, body: dict[str, Any]) -> str:
    parameters = {key: value_text(value) for key, value in body.items() if value is not None}
    return with_query(section.endpoint, parameters, path_style=section.path_style_query)


def _transformed(
    transform: Transform, url: str, headers: Headers, body: Any, bodies: list[dict[str, Any]]
) -> dict[str, Any]:
    request = {"url": url, "headers": dict(headers), "body": body}
    try:
        changed = transform(request, bodies)
    except LuaBodyError as fault:
        raise TransformError(f"the connection's transform failed: {fault}; correct the body and replay") from None
    return changed if isinstance(changed, dict) else request


def _changed_headers(changed: dict[str, Any], headers: Headers) -> Headers:
    found = changed.get("headers")
    if not isinstance(found, dict):
        return headers if found is None else ()
    texts = {key: scalar_text(value) for key, value in found.items()}
    present = {key: " ".join(text.splitlines()) for key, text in texts.items() if text}
    kept = tuple((key, present.pop(key)) for key, _ in headers if key in present)
    return kept + tuple(sorted(present.items()))


def _is_empty(body: Any) -> bool:
    """Whether a transform left no body: nil, an empty table, the empty text."""
    return body is None or body == "" or (isinstance(body, dict | list) and not body)


def _finished(method: str, url: str, headers: Headers, body: Any) -> HttpRequest:
    if body is None or method == "GET":
        return HttpRequest(method, legal(url), headers, _get_body(method, body))
    content_type = next((value for key, value in headers if key.lower() == "content-type"), None)
    if content_type is None:
        headers = (*headers, ("Content-Type", "application/json"))
    return HttpRequest(method, legal(url), headers, _encoded(body, content_type))


def _get_body(method: str, body: Any) -> bytes | None:
    """A GET has no body, whatever a transform makes of it."""
    return None if method == "GET" or body is None else jsontext.encode(body)


def _encoded(body: Any, content_type: str | None) -> bytes:
    if isinstance(body, str):
        return body.encode("utf-8", "replace")
    if isinstance(body, dict) and content_type is not None and content_type.lower().startswith(FORM_TYPE):
        return encode_pairs((key, value_text(body[key])) for key in sorted(body) if body[key] is not None).encode()
    return jsontext.encode(body)
