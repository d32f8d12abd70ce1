"""The functions of the language, by name. Names do not depend on letter case."""

from __future__ import annotations

import difflib
from types import MappingProxyType

from headwater.expressions.functions import collections, hashes, logic, numbers, text, times, user_agents, web
from headwater.expressions.functions.registry import Example, Function

CHAPTERS = MappingProxyType(
    {
        "Truth and choice": logic.FUNCTIONS,
        "Numbers and conversion": numbers.FUNCTIONS,
        "Text": text.FUNCTIONS,
        "Lists and maps": collections.FUNCTIONS,
        "Time": times.FUNCTIONS,
        "URLs, mail and networks": web.FUNCTIONS,
        "User agents": user_agents.FUNCTIONS,
        "Hashes and encodings": hashes.FUNCTIONS,
    }
)
"""The functions in the chapters of the reference."""

FUNCTIONS = MappingProxyType(
    {name: spec for chapter in CHAPTERS.values() for spec in chapter for name in (spec.name, *spec.aliases)}
)


def find_function(name: str) -> Function | None:
    """The function of this name, in any letter case; None if there is none."""
    return FUNCTIONS.get(name.lower())


def nearest_function(name: str) -> str | None:
    """The known name most like this one, for an error message."""
    close = difflib.get_close_matches(name.lower(), FUNCTIONS, n=1)
    return close[0] if close else None


__all__ = ["CHAPTERS", "FUNCTIONS", "Example", "Function", "find_function", "nearest_function"]
