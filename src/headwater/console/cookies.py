"""The cookies of the console: who is signed in, and light or dark."""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

from headwater.console.accounts.sessions import LONGEST_SECONDS
from headwater.console.ports import console_of

SESSION = "headwater_session"
THEME = "headwater_theme"
THEMES = ("auto", "light", "dark")

_PENDING = "headwater_cookies"

Connection = ASGIConnection[Any, Any, Any, Any]


def set_session(connection: Connection, secret: str) -> None:
    """Keep the session's secret in the browser; scripts cannot read it, other sites cannot send it."""
    _set(connection, Cookie(SESSION, path="/", value=secret, max_age=round(LONGEST_SECONDS), httponly=True))


def end_session(connection: Connection) -> None:
    """Take the session's secret out of the browser."""
    _set(connection, Cookie(SESSION, path="/", value="", max_age=0, httponly=True))


def set_theme(connection: Connection, theme: str) -> None:
    """Keep the choice of light or dark for a year."""
    _set(connection, Cookie(THEME, path="/", value=theme, max_age=365 * 86_400, httponly=True))


def theme_of(connection: Connection) -> str:
    """Light, dark, or as the system has it."""
    theme = connection.cookies.get(THEME, THEMES[0])
    return theme if theme in THEMES else THEMES[0]


def pending(scope: Any) -> list[bytes]:
    """The `Set-Cookie` values that the request of this scope has gathered."""
    return [cookie.to_encoded_header()[1] for cookie in scope.get(_PENDING, ())]


def _set(connection: Connection, cookie: Cookie) -> None:
    cookie.samesite = "lax"
    cookie.secure = console_of(connection).public_url.startswith("https://")
    scope: Any = connection.scope
    scope.setdefault(_PENDING, []).append(cookie)
