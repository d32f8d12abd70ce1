"""One HTTP request as the handlers see it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qsl

from headwater.collect.budget import Lease
from headwater.errors import InputError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

QUERY_FIELDS_LIMIT = 2000
EXCERPT_BYTES = 2048
"""How much of a refused body is kept."""


class Door(NamedTuple):
    """How one route treats its callers.

    `name` labels counters and refusals. `style` chooses the wording of errors: the tracking union, Lytics' envelope, or
    the pixel, whose callers always get an image. `kind` is the event type that the route names. The two statuses answer
    a missing or unknown write key, and a disabled source: some mobile SDKs stop for good on 401, 403 and 404.
    """

    name: str
    style: Literal["tracking", "lytics", "pixel"] = "tracking"
    kind: str | None = None
    unknown_key_status: int = 401
    disabled_status: int = 400


class Request:
    """What the server handed over, plus what was learned on the way (`source_id`, `excerpt`) for a possible refusal.

    `headers` has lower-case names; of a repeated header the last one counts. `client` is the caller's address after
    trusted proxies, `behind_proxy` whether one of them is the peer. `received_ms` and `received_at` are the moment of arrival.
    """

    __slots__ = (
        "behind_proxy",
        "client",
        "door",
        "excerpt",
        "headers",
        "lease",
        "parameters",
        "query_string",
        "receive",
        "received_at",
        "received_ms",
        "scheme",
        "source_id",
    )

    def __init__(
        self,
        door: Door,
        parameters: tuple[str, ...],
        headers: dict[bytes, bytes],
        query_string: bytes,
        client: str,
        scheme: str,
        behind_proxy: bool,
        receive: Receive,
        lease: Lease,
        received_ms: int,
        received_at: str,
    ) -> None:
        self.door = door
        self.parameters = parameters
        self.headers = headers
        self.query_string = query_string
        self.client = client
        self.scheme = scheme
        self.behind_proxy = behind_proxy
        self.receive = receive
        self.lease = lease
        self.received_ms = received_ms
        self.received_at = received_at
        self.source_id = ""
        self.excerpt = b""

    def header(self, name: bytes) -> str:
        """A header as text, "" when absent."""
        return self.headers.get(name, b"").decode("latin-1")

    def origin_server(self) -> tuple[str, str]:
        """Scheme and host that the client asked, as a trusted proxy tells them, else as this server saw them."""
        scheme, host = self.scheme, self.header(b"host")
        if self.behind_proxy:
            scheme = _nearest(self.header(b"x-forwarded-proto")) or scheme
            host = _nearest(self.header(b"x-forwarded-host")) or host
        return scheme, host

    def query_pairs(self) -> list[tuple[str, str]]:
        """The query's names and values in order. Raises InputError when there are too many."""
        return parse_pairs(self.query_string)

    def query(self, name: str) -> str | None:
        """The first value of a query parameter, None when absent."""
        if not self.query_string:
            return None
        return next((value for key, value in self.query_pairs() if key == name), None)


def _nearest(listed: str) -> str:
    """The last item of a list that every proxy on the way added to."""
    return listed.rpartition(",")[2].strip()


def parse_pairs(text: bytes) -> list[tuple[str, str]]:
    """Read `name=value&…` text; bytes that are no UTF-8 become U+FFFD. Raises InputError when there are too many."""
    try:
        return parse_qsl(
            text.decode("utf-8", "replace"), keep_blank_values=True, errors="replace", max_num_fields=QUERY_FIELDS_LIMIT
        )
    except ValueError:
        raise InputError(f"more than {QUERY_FIELDS_LIMIT} parameters", code="too_many_parameters") from None
