"""Connection transforms that only put the batch into the request, told from their tokens.

Most transforms say `request.body = { events = batch }`. Converting every output into Lua tables and back would cost more
than all other work on a request, so where a transform cannot look into the batch, or into the body, a token stands in for
it and the values are put in its place afterwards.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from headwater.errors import ConfigurationError
from headwater.playbooks.lua_tokens import Token, tokens


class Embedding(NamedTuple):
    """What a transform never looks into: the batch, and the body of the request as it comes."""

    batch: bool
    body: bool


def embedding_of(source: str) -> Embedding:
    """Analyse a transform; when in doubt it looks into everything."""
    try:
        found = [token for token in tokens(source) if token.kind not in ("space", "comment")]
    except ConfigurationError:
        return Embedding(False, False)
    if any(token.kind == "keyword" and token.text in ("function", "for", "while", "repeat") for token in found):
        return Embedding(False, False)
    uses = [_use_of_request(found, index) for index, token in enumerate(found) if _is_variable(found, index, "request")]
    if "other" in uses:
        return Embedding(False, False)
    batches = [index for index, _ in enumerate(found) if _is_variable(found, index, "batch")]
    return Embedding(all(_is_embedded(found, index) for index in batches), "body" not in uses)


def _text(found: list[Token], index: int) -> str:
    return found[index].text if 0 <= index < len(found) else ""


def _is_variable(found: list[Token], index: int, name: str) -> bool:
    return found[index].kind == "name" and found[index].text == name and _text(found, index - 1) not in (".", ":")


def _use_of_request(found: list[Token], index: int) -> str:
    """How `request` is used at an index: its `url`, its `headers`, its `body` set, handed back, or in another way."""
    if _text(found, index - 1) == "return" and _text(found, index + 1) in ("", ";"):
        return "return"
    field = _text(found, index + 2) if _text(found, index + 1) == "." else ""
    if field in ("url", "headers"):
        return field
    return "body" if field == "body" and _text(found, index + 3) == "=" else "other"


def _is_embedded(found: list[Token], index: int) -> bool:
    """Whether `batch` at an index is a whole value inside a constructor that becomes the body, or the body itself."""
    opening: list[int] = []
    for position in range(index):
        if found[position].kind == "operator" and found[position].text in ("{", "(", "["):
            opening.append(position)
        elif found[position].kind == "operator" and found[position].text in ("}", ")", "]") and opening:
            opening.pop()
    start = opening[0] if opening else index
    target = [_text(found, start - back) for back in (4, 3, 2, 1)]
    alone = _text(found, index - 1) in ("=", "{", ",", ";") and (
        _text(found, index + 1) in ("}", ",", ";", "", "return")
        or (not opening and _text(found, index + 1) == "request")
    )
    return alone and target == ["request", ".", "body", "="] and all(_text(found, place) == "{" for place in opening)


def put_in_place(value: Any, stand_ins: dict[str, Any]) -> Any:
    """A value with each stand-in replaced by what it stands for."""
    if type(value) is str:
        return stand_ins.get(value, value)
    if type(value) is dict:
        return {key: put_in_place(item, stand_ins) for key, item in value.items()}
    return [put_in_place(item, stand_ins) for item in value] if type(value) is list else value
