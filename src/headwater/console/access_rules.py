"""Who may open which page: one table of all routes. A route that is not in it lets nobody in.

The key is method and path as the route declares it. `PUBLIC` asks for no session; the others name the weakest role.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Rule = Literal["public", "viewer", "editor", "admin"]

PUBLIC: Rule = "public"
VIEWER: Rule = "viewer"
EDITOR: Rule = "editor"
ADMIN: Rule = "admin"

RULES: Mapping[str, Rule] = {
    # Signing in and out
    "GET /sign-in": PUBLIC,
    "POST /sign-in": PUBLIC,
    "GET /welcome/{secret}": PUBLIC,
    "POST /welcome/{secret}": PUBLIC,
    "POST /sign-out": VIEWER,
    "POST /theme": PUBLIC,
    "GET /static/{name}": PUBLIC,
    "GET /{anything}": PUBLIC,
    # Home
    "GET /": VIEWER,
    "GET /home/live": VIEWER,
    "GET /refused": VIEWER,
}
