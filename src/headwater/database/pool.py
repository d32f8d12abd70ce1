"""Open connections to PostgreSQL.

Every connection reads and writes `json` and `jsonb` as Python values with exact numbers (see `jsontext`), and carries a
time limit for statements, so that a forgotten condition cannot hold a lock for hours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg

from headwater import jsontext
from headwater.database import faults
from headwater.errors import ConfigurationError, UnavailableError

STATEMENT_LIMIT_SECONDS = 30.0
CONNECT_LIMIT_SECONDS = 5.0
START_LIMIT_SECONDS = 30.0
"""How long `open_pool` waits for a server that is still starting."""
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0
_JSONB_FORMAT = b"\x01"

_REFUSED = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)


async def open_pool(
    url: str,
    *,
    size: int = 8,
    start_limit_seconds: float = START_LIMIT_SECONDS,
    statement_limit_seconds: float = STATEMENT_LIMIT_SECONDS,
) -> Any:
    """Open a pool of at most `size` connections; waits for a server that is still starting.

    Returns an `asyncpg.Pool` (the driver has no types). Raises UnavailableError when no connection succeeds within
    `start_limit_seconds`, ConfigurationError when the server refuses the user, the password or the database name.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + start_limit_seconds
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return await _open_pool(url, size, statement_limit_seconds)
        except UnavailableError:
            if loop.time() + pause > deadline:
                raise
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


async def _open_pool(url: str, size: int, statement_limit_seconds: float) -> Any:
    with faults.translated(), _refusals():
        return await asyncpg.create_pool(
            url,
            # No floor: after an outage connections come back when they are asked for, not in the background.
            min_size=0,
            init_size=1,
            max_size=size,
            timeout=CONNECT_LIMIT_SECONDS,
            init=_prepare,
            server_settings=_server_settings(statement_limit_seconds),
        )


async def open_connection(url: str, *, statement_limit_seconds: float = STATEMENT_LIMIT_SECONDS) -> Any:
    """Open one connection outside of any pool, for LISTEN and for migrations. Tries once; errors as `open_pool`."""
    with faults.translated(), _refusals():
        connection = await asyncpg.connect(
            url, timeout=CONNECT_LIMIT_SECONDS, server_settings=_server_settings(statement_limit_seconds)
        )
        await _prepare(connection)
        return connection


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn a refused user, password or database name into a ConfigurationError without repeating the URL."""
    try:
        yield
    except _REFUSED as fault:
        raise ConfigurationError(f"PostgreSQL refused the connection: {fault}; correct database_url") from None
    except ValueError:  # the driver's ClientConfigurationError, and what int() says of a port
        raise ConfigurationError(
            "database_url is not a PostgreSQL URL; write postgresql://user:password@host:port/database"
        ) from None


def _server_settings(statement_limit_seconds: float) -> dict[str, str]:
    return {
        "application_name": "headwater",
        "statement_timeout": str(round(statement_limit_seconds * 1000)),
        "idle_in_transaction_session_timeout": str(round(max(statement_limit_seconds, 1.0) * 2000)),
        "TimeZone": "UTC",
    }


async def _prepare(connection: Any) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_encode_jsonb, decoder=_decode_jsonb, format="binary"
    )
    await connection.set_type_codec(
        "json", schema="pg_catalog", encoder=jsontext.encode, decoder=jsontext.decode, format="binary"
    )


def _encode_jsonb(value: Any) -> bytes:
    return _JSONB_FORMAT + jsontext.encode(value)


def _decode_jsonb(data: bytes) -> Any:
    return jsontext.decode(bytes(data[1:]))
