"""What the doors need from the rest: a log to append to, the sources, and a place for what was refused."""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from headwater.log.records import EncodedRecord


class LogWriter(Protocol):
    """Makes records durable."""

    def append(self, records: Sequence[EncodedRecord]) -> Awaitable[None]:
        """Return when every record is durable. Duplicates are absorbed. Raises UnavailableError after a bounded time."""


class Refusal(NamedTuple):
    """One thing that was not accepted, and why.

    `source` is the pipeline id or the stream, "" while unknown; `reason` is a short code; `field` the dotted path of
    the offending field; `excerpt` the start of what was sent, write keys blotted out; `received_at` RFC 3339 UTC.
    """

    source: str
    route: str
    reason: str
    message: str
    field: str
    excerpt: bytes
    received_at: str
    request_ip: str


class RefusalLog(Protocol):
    """Keeps refusals for people to look at, within a size limit."""

    def keep(self, refusal: Refusal) -> None:
        """Take note without waiting; never raises."""


class Source(Protocol):
    """Where events of one write key belong."""

    @property
    def pipeline_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def write_key(self) -> str: ...
    @property
    def enabled(self) -> bool: ...
    @property
    def allowed_origins(self) -> tuple[str, ...]: ...
    @property
    def partial_batch_status(self) -> int: ...
    @property
    def tag(self) -> Mapping[str, Any]:
        """What the browser tag does on this source's pages."""


class TokenGrant(Protocol):
    """What the holder of an API token may do."""

    @property
    def scopes(self) -> Collection[str]: ...


class Sources(Protocol):
    """The sources and tokens that are known at this moment."""

    @property
    def ready(self) -> bool:
        """Whether the tables are loaded; until then nobody may be told that a key is unknown."""

    @property
    def account_ids(self) -> Collection[str]: ...

    @property
    def link_key(self) -> bytes:
        """Signs ids that one page hands to another; the same in every process of the install."""

    def by_write_key(self, key: str) -> Source | None: ...

    def token(self, raw: str) -> TokenGrant | None: ...
