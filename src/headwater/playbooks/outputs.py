"""What a compiled integration gives back: outputs, drops, flags and requests, all values."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

Headers = tuple[tuple[str, str], ...]
"""Header names, as written in the kit, with their values."""


class Clock(msgspec.Struct, frozen=True):
    """Time and chance from outside: `now_ns` gives nanoseconds since 1970, `new_uuid` a random identifier."""

    now_ns: Callable[[], int]
    new_uuid: Callable[[], str]


SYSTEM_CLOCK = Clock(time.time_ns, lambda: str(uuid.uuid4()))
"""The real clock and real chance."""


def fixed_clock(moment: datetime, identifier: str) -> Clock:
    """A clock that stands still at an aware moment and always gives the same identifier: for tests and previews."""
    nanoseconds = round(moment.timestamp() * 1000) * 1_000_000
    return Clock(lambda: nanoseconds, lambda: identifier)


class Output(msgspec.Struct, frozen=True, gc=False):
    """One object for the vendor. `body` may share parts with the event: treat it as frozen.

    `section` is the connection section that carries it ("default", an event name, or the kind of a connection that is
    not HTTP), `headers` what its request will have, before authentication.
    """

    body: dict[str, Any]
    section: str
    headers: Headers

    @property
    def batch_key(self) -> tuple[str, Headers]:
        """Outputs with the same key may share a request."""
        return (self.section, self.headers)


class Drop(msgspec.Struct, frozen=True, gc=False):
    """The event is not for this integration. `reason` for people, `where` the rule that decided."""

    reason: str
    where: str


class Flag(msgspec.Struct, frozen=True, gc=False):
    """An evaluation failed; the event was sent without its result. `where` names the rule, `key` its output key if any."""

    where: str
    message: str
    key: str = ""


class Prepared(msgspec.Struct, frozen=True, gc=False):
    """What became of an event: `outputs` to send, or `drop` with the reason; `flags` either way."""

    outputs: tuple[Output, ...]
    drop: Drop | None = None
    flags: tuple[Flag, ...] = ()


class HttpRequest(msgspec.Struct, frozen=True):
    """A request ready to be sent. `body` None means no body at all."""

    method: str
    url: str
    headers: Headers
    body: bytes | None

    def header(self, name: str) -> str | None:
        """The value of a header, its name in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def with_header(self, name: str, value: str) -> HttpRequest:
        """The same request with a header set, replacing one of the same name in any case."""
        return msgspec.structs.replace(self, headers=replaced_header(self.headers, name, value))


def replaced_header(headers: Headers, name: str, value: str) -> Headers:
    """Headers with one set; an earlier one of the same name, in any case, goes."""
    kept = tuple(pair for pair in headers if pair[0].lower() != name.lower())
    return (*kept, (name, value))
