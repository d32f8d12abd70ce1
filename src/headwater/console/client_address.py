"""The network address of whoever asks: for limits, sessions and the audit log."""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection

from headwater.console.ports import console_of


def client_address(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The peer's address; behind a proxy (`console.public_url` is set) the one that the proxy added last.

    Entries before the last one are the client's own claim, so they do not count.
    """
    peer = connection.client.host if connection.client else ""
    forwarded = connection.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return forwarded[:100] if forwarded and console_of(connection).public_url else peer
