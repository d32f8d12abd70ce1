"""What becomes of JSON values on their way through Lua, for values that need not go there."""

from __future__ import annotations

from typing import Any

import orjson

NESTING_LIMIT = 64
"""Deepest nesting of what Lua may return."""


class NestingError(ValueError):
    """A value is nested more deeply than Lua may return it."""

    def __init__(self) -> None:
        super().__init__(f"nested more than {NESTING_LIMIT} levels deep")


def without_nulls(value: Any, depth: int = 1) -> Any:
    """A copy in which null members of objects and nulls at the end of lists are gone, as they are after Lua.

    Raises NestingError over the limit of nesting.
    """
    if type(value) is not dict and type(value) is not list:
        return value
    if depth > NESTING_LIMIT:
        raise NestingError
    if type(value) is dict:
        return {
            key: item if type(item) is not dict and type(item) is not list else without_nulls(item, depth + 1)
            for key, item in value.items()
            if item is not None
        }
    items = [
        item if type(item) is not dict and type(item) is not list else without_nulls(item, depth + 1) for item in value
    ]
    while items and items[-1] is None:
        items.pop()
    return items


def as_after_lua(value: Any) -> Any:
    """The value itself when it holds no null, else a copy without them."""
    try:
        return without_nulls(value) if b"null" in orjson.dumps(value) else value
    except TypeError:  # numbers that orjson cannot write
        return without_nulls(value)
