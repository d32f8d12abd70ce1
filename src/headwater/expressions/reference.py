"""The reference of the functions as Markdown, made from their declarations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from headwater.expressions.functions import CHAPTERS
from headwater.expressions.functions.registry import Example, Function
from headwater.expressions.values import NOTHING


def function_reference() -> str:
    """All functions by chapter: signature, kind of the result, text and examples."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    for chapter, functions in CHAPTERS.items():
        yield from (f"### {chapter}", "")
        for spec in functions:
            yield from _function(spec)


def _function(spec: Function) -> Iterator[str]:
    aliases = f", also {', '.join(f'`{name}`' for name in spec.aliases)}" if spec.aliases else ""
    yield from (f"#### `{spec.signature}`", "", f"Gives: {spec.kind}{aliases}.", "")
    yield from (spec.summary, "")
    if spec.examples:
        yield "```"
        yield from map(_example, spec.examples)
        yield from ("```", "")


def _example(example: Example) -> str:
    given = f"   for {_json(dict(example.fields))}" if example.fields else ""
    return f"{example.expression}  →  {_json(example.result)}{given}"


def _json(value: Any) -> str:
    if value is NOTHING:
        return "no value"
    return json.dumps(value, ensure_ascii=False, default=_instant)


def _instant(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    raise TypeError(f"{type(value).__name__} has no text in the reference")
