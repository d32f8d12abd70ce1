"""Which failures of PostgreSQL pass by themselves.

The driver raises many classes; callers only need to know whether the same call may succeed later. Everything that is
not listed here (a constraint, a syntax error, a wrong type) stays what it is: a fault in the call or in our code.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from headwater.errors import TransientError, UnavailableError

UNREACHABLE: tuple[type[Exception], ...] = (
    OSError,  # refused, reset, name not found; TimeoutError is one too
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)
"""The server cannot be reached, is starting, is stopping or is full."""

CONTENDED: tuple[type[Exception], ...] = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
)
"""The server is there, but this statement lost against another one or ran into its time limit."""


@contextmanager
def translated() -> Iterator[None]:
    """Turn passing faults of the driver into ours. Wrap database calls only: any OSError inside counts as unreachable.

    Raises UnavailableError when the server cannot be reached, TransientError when the statement should be tried again.
    """
    try:
        yield
    except UNREACHABLE as fault:
        raise UnavailableError(_unreachable(fault)) from fault
    except CONTENDED as fault:
        raise TransientError(f"PostgreSQL gave up on a statement: {type(fault).__name__}; try again") from fault
    except asyncpg.InterfaceError as fault:
        # The driver has no class of its own for "this connection is closed"; its subclasses are faults in the call.
        if type(fault) is not asyncpg.InterfaceError:
            raise
        raise UnavailableError(_unreachable(fault)) from fault


def _unreachable(fault: Exception) -> str:
    return f"PostgreSQL cannot be reached ({type(fault).__name__}); check that it runs and that database_url is right"
