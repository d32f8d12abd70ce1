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
    # Pipelines
    "GET /pipelines": VIEWER,
    "GET /new/pipeline": EDITOR,
    "POST /new/pipeline": EDITOR,
    "GET /pipelines/{pipeline}": VIEWER,
    "GET /pipelines/{pipeline}/sources": VIEWER,
    "GET /pipelines/{pipeline}/sources/test": VIEWER,
    "GET /pipelines/{pipeline}/sources/live": VIEWER,
    "POST /pipelines/{pipeline}/write-keys": EDITOR,
    "POST /pipelines/{pipeline}/write-keys/remove": EDITOR,
    "GET /pipelines/{pipeline}/settings": EDITOR,
    "POST /pipelines/{pipeline}/settings": EDITOR,
    "POST /pipelines/{pipeline}/delete": EDITOR,
    "POST /pipelines/{pipeline}/attach": EDITOR,
    "GET /pipelines/{pipeline}/integrations/{integration}/deploy": VIEWER,
    "POST /pipelines/{pipeline}/integrations/{integration}/deploy": EDITOR,
    "POST /pipelines/{pipeline}/integrations/{integration}/roll-back": EDITOR,
    "POST /pipelines/{pipeline}/integrations/{integration}/enabled": EDITOR,
    "POST /pipelines/{pipeline}/integrations/{integration}/detach": EDITOR,
}
