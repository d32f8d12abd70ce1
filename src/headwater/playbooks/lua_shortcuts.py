"""Bodies that need no interpreter: one `return` of paths, `or`, and a few helpers, run as Python with the same result.

Kits hash an email, take a time in seconds or hand a field on in hundreds of bodies; going into Lua for them costs more
than the work. A shortcut only handles the plain case, text or nothing where text belongs. Anything else raises
`NotPlain`, and the caller runs the body in Lua, which then gives the value or the error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from headwater.errors import ConfigurationError
from headwater.playbooks import layouts
from headwater.playbooks.lua_tokens import Token, tokens
from headwater.playbooks.scalars import WHITE_SPACE

Shortcut = Callable[[dict[str, Any]], Any]


class NotPlain(Exception):  # noqa: N818  # a signal, not an error
    """The event holds something that only Lua can judge."""


def shortcut_of(body: str) -> Shortcut | None:
    """The body as a Python function of the event, or None when it says more than the plain form allows."""
    try:
        found = [token for token in tokens(body) if token.kind not in ("space", "comment")]
    except ConfigurationError:
        return None
    if found and found[-1].text == ";":
        found.pop()
    if not found or found[0].text != "return":
        return None
    reader = _Reader(found[1:])
    expression = reader.alternatives()
    return expression if expression is not None and reader.at_end() else None


class _Reader:
    """Reads `path or path`, `HELPER(…)` and quoted text; gives None at anything else."""

    def __init__(self, found: list[Token]) -> None:
        self._found = found
        self._at = 0

    def at_end(self) -> bool:
        return self._at == len(self._found)

    def _next(self) -> Token:
        return self._found[self._at] if self._at < len(self._found) else Token("operator", "")

    def _take(self, text: str) -> bool:
        if self._next().text != text:
            return False
        self._at += 1
        return True

    def alternatives(self) -> Shortcut | None:
        first = self._single()
        if first is None:
            return None
        parts = [first]
        while self._take("or"):
            following = self._single()
            if following is None:
                return None
            parts.append(following)
        return parts[0] if len(parts) == 1 else _first_true(tuple(parts))

    def _single(self) -> Shortcut | None:
        token = self._next()
        self._at += 1
        if token.kind == "quoted" and "\\" not in token.text:
            text = token.text[1:-1]
            return lambda _event: text
        if token.kind == "name" and token.text == "input":
            return _path(tuple(self._segments()))
        if token.kind == "name" and token.text in _HELPERS and self._take("("):
            return self._epoch_of_date_time(token.text) or self._argument(_HELPERS[token.text])
        return None

    def _argument(self, helper: Callable[[str], Any], closing: int = 1) -> Shortcut | None:
        inner = self.alternatives()
        if inner is None or not all(self._take(")") for _ in range(closing)):
            return None
        return _applied(helper, inner)

    def _epoch_of_date_time(self, name: str) -> Shortcut | None:
        """`SECONDS_…(TO_DATE_TIME(…))`, which kits write often, without the text in between; None, and nothing read, else."""
        start = self._at
        if name in _EPOCHS and self._take("TO_DATE_TIME") and self._take("("):
            found = self._argument(_EPOCHS[name], closing=2)
            if found is not None:
                return found
        self._at = start
        return None

    def _segments(self) -> Iterator[str]:
        while self._next().text == "." and self._at + 1 < len(self._found) and self._found[self._at + 1].kind == "name":
            yield self._found[self._at + 1].text
            self._at += 2


def _path(segments: tuple[str, ...]) -> Shortcut | None:
    if not segments:
        return None

    def read(event: dict[str, Any]) -> Any:
        value: Any = event
        for segment in segments:
            if type(value) is dict:
                value = value.get(segment)
            elif value is not None:
                raise NotPlain
        if type(value) is str or value is None:
            return value
        raise NotPlain

    return read


def _first_true(parts: tuple[Shortcut, ...]) -> Shortcut:
    def choose(event: dict[str, Any]) -> Any:
        for part in parts:
            value = part(event)
            if value is not None:  # text is true in Lua, also the empty one
                return value
        return None

    return choose


def _applied(helper: Callable[[str], Any], inner: Shortcut) -> Shortcut:
    def apply(event: dict[str, Any]) -> Any:
        value = inner(event)
        if value is None:
            return None
        if type(value) is not str:
            raise NotPlain
        return helper(value)

    return apply


def _in_time(convert: Callable[[layouts.Instant], Any]) -> Callable[[str], Any]:
    def helper(text: str) -> Any:
        try:
            return convert(layouts.parse_time(text))
        except ValueError:
            raise NotPlain from None

    return helper


_HELPERS: dict[str, Callable[[str], Any]] = {
    "LOWER": str.lower,
    "UPPER": str.upper,
    "TRIM": lambda text: text.strip(WHITE_SPACE),
    "TO_STRING": str,
    "TO_SHA256_HASH": lambda text: hashlib.sha256(text.encode("utf-8", "replace")).hexdigest(),
    "TO_MD5_HASH": lambda text: hashlib.md5(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest(),
    "TO_DATE_TIME": _in_time(lambda instant: layouts.format_time(instant, layouts.RFC3339)),
    "SECONDS_SINCE_EPOCH_FROM_RFC3999": _in_time(lambda instant: instant.seconds),
    "MILLISECONDS_SINCE_EPOCH_FROM_RFC3999": _in_time(lambda instant: instant.milliseconds),
}
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799
"""Of the years 1 and 9999: TO_DATE_TIME writes no others."""


def _written_seconds(instant: layouts.Instant) -> int:
    if not _FIRST_SECOND <= instant.seconds <= _LAST_SECOND:
        raise ValueError
    return instant.seconds


_EPOCHS: dict[str, Callable[[str], Any]] = {
    "SECONDS_SINCE_EPOCH_FROM_RFC3999": _in_time(_written_seconds),
    "MILLISECONDS_SINCE_EPOCH_FROM_RFC3999": _in_time(lambda instant: _written_seconds(instant) * 1000),
}
"""Of a text that TO_DATE_TIME wrote: the fraction is cut off then."""
