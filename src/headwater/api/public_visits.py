"""Requests of browsers without a token: who is let in, how often, and what they carry away."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import PermissionDeniedException, TooManyRequestsException

from headwater.database.transactions import transaction
from headwater.profiles.public_access import rules
from headwater.profiles.public_access.rules import PublicAccess

RULES_SECONDS = 2.0
"""How long rules that were read are held."""
ADDRESS_LIMIT = 50_000
"""Addresses whose requests are counted; the one that asked longest ago is forgotten first."""
ACCOUNT_PARAMETERS = ("cid", "account_id")


class AddressLimit:
    """A bucket of requests for each address, holding one minute's worth."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def note(self, address: str, per_minute: int) -> float:
        """Count one request; returns the seconds to wait, 0 while the address is within its limit."""
        now, cost = self._clock(), 60.0 / per_minute
        used_up_until = max(self._full_at.pop(address, now), now) + cost
        wait = used_up_until - now - 60.0
        self._full_at[address] = used_up_until - cost if wait > 0 else used_up_until
        if len(self._full_at) > ADDRESS_LIMIT:
            self._full_at.popitem(last=False)
        return max(wait, 0.0)


class PublicVisits:
    """The gate of public access of one process."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._limit = AddressLimit()
        self._rules = PublicAccess()
        self._read_at = -math.inf

    async def admit(self, connection: ASGIConnection[Any, Any, Any, Any], account_ids: frozenset[str]) -> PublicAccess:
        """The rules that a request goes by. Raises PermissionDeniedException (403) or TooManyRequestsException (429)."""
        found = await self._current()
        named = [connection.query_params.get(name) for name in ACCOUNT_PARAMETERS]
        if account_ids.isdisjoint(named) or not found.admits(page_of(connection)):
            raise PermissionDeniedException(
                "public access needs the account's id in cid and a page of an allowed domain; others need a token"
            )
        wait = self._limit.note(connection.client.host if connection.client else "", found.requests_per_minute)
        if wait > 0:
            raise TooManyRequestsException("too many requests; wait", headers={"Retry-After": str(math.ceil(wait))})
        return found

    async def _current(self) -> PublicAccess:
        if time.monotonic() - self._read_at > RULES_SECONDS:
            async with transaction(self._pool, read_only=True) as connection:
                self._rules = await rules.rules(connection)
            self._read_at = time.monotonic()
        return self._rules


def page_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The page that asks: browsers set these headers themselves, scripts of a page cannot."""
    return connection.headers.get("origin") or connection.headers.get("referer") or ""


def asks_publicly(connection: ASGIConnection[Any, Any, Any, Any]) -> bool:
    """Whether a request without a token names an account."""
    return any(name in connection.query_params for name in ACCOUNT_PARAMETERS)
