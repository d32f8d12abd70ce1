"""Who may open which page: one table of all routes. A route that is not in it lets nobody in.

The key is method and path as the route declares it. `FILE` and `PUBLIC` ask for no session, and for a
file none is even looked up; the others name the weakest role.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Rule = Literal["file", "public", "viewer", "editor", "admin"]

FILE: Rule = "file"
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
    "GET /static/{name}": FILE,
    "GET /{anything}": PUBLIC,
    # Home
    "GET /": VIEWER,
    "GET /home/live": VIEWER,
    # Live
    "GET /live": VIEWER,
    "GET /live/stream": VIEWER,
    "GET /live/refused": VIEWER,
    "GET /live/examples": VIEWER,
    "POST /live/examples/{example}/delete": EDITOR,
    "GET /live/events/{sequence}": VIEWER,
    "GET /live/events/{sequence}/changes": VIEWER,
    "POST /live/events/{sequence}/example": EDITOR,
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
    # Integrations
    "GET /integrations": VIEWER,
    "GET /integrations/library": VIEWER,
    "GET /integrations/library/{kit}": VIEWER,
    "GET /integrations/library/{kit}/add": EDITOR,
    "POST /integrations/library/{kit}/add": EDITOR,
    "POST /integrations/lua-check": EDITOR,
    "GET /integrations/{integration}": VIEWER,
    "GET /integrations/{integration}/revisions/{number}": VIEWER,
    "GET /integrations/{integration}/connection": EDITOR,
    "POST /integrations/{integration}/connection": EDITOR,
    "POST /integrations/{integration}/deploy": EDITOR,
    "POST /integrations/{integration}/attach": EDITOR,
    "POST /integrations/{integration}/rename": EDITOR,
    "POST /integrations/{integration}/delete": EDITOR,
    "GET /integrations/{integration}/mapping": VIEWER,
    "POST /integrations/{integration}/mapping/draft": VIEWER,
    "POST /integrations/{integration}/mapping/preview": VIEWER,
    "POST /integrations/{integration}/mapping/save": EDITOR,
    # Deliveries
    "GET /deliveries": VIEWER,
    "GET /deliveries/stream": VIEWER,
    "GET /deliveries/attempts": VIEWER,
    "GET /deliveries/attempts/{attempt}": VIEWER,
    "GET /deliveries/dead": VIEWER,
    "POST /deliveries/dead/replay": EDITOR,
    "POST /deliveries/dead/discard": EDITOR,
    "GET /deliveries/dead/{letter}": VIEWER,
    "GET /deliveries/dead/{letter}/changes": VIEWER,
    "POST /deliveries/dead/{letter}/replay": EDITOR,
    "POST /deliveries/dead/{letter}/discard": EDITOR,
    "GET /deliveries/runs": VIEWER,
    "GET /deliveries/runs/{run}": VIEWER,
    "GET /deliveries/runs/{run}/changes": VIEWER,
    # Profiles
    "GET /profiles": VIEWER,
    "GET /profiles/found": VIEWER,
    "GET /profiles/{profile}": VIEWER,
    "GET /profiles/{profile}/timeline": VIEWER,
    "GET /profiles/{profile}/identity": VIEWER,
    "POST /profiles/{profile}/identity/preview": EDITOR,
    "POST /profiles/{profile}/identity/decide": EDITOR,
    "POST /profiles/{profile}/delete": ADMIN,
    "GET /deletions/{deletion}": ADMIN,
    # Audiences
    "GET /audiences": VIEWER,
    "GET /new/audience": EDITOR,
    "POST /new/audience": EDITOR,
    "POST /audiences/builder/edit": EDITOR,
    "POST /audiences/builder/look": EDITOR,
    "GET /audiences/builder/values": EDITOR,
    "GET /audiences/{audience}": VIEWER,
    "GET /audiences/{audience}/live": VIEWER,
    "GET /audiences/{audience}/members": VIEWER,
    "GET /audiences/{audience}/members/found": VIEWER,
    "GET /audiences/{audience}/why": VIEWER,
    "GET /audiences/{audience}/overlap": VIEWER,
    "GET /audiences/{audience}/overlap/shared": VIEWER,
    "GET /audiences/{audience}/edit": EDITOR,
    "POST /audiences/{audience}/edit": EDITOR,
    "POST /audiences/{audience}/delete": EDITOR,
    "GET /audiences/{audience}/activation": VIEWER,
    "POST /audiences/{audience}/announce": EDITOR,
    "POST /audiences/{audience}/send": EDITOR,
    "POST /audiences/{audience}/integrations/{integration}/end": EDITOR,
    "POST /audiences/{audience}/subscriptions": EDITOR,
    "POST /audiences/{audience}/subscriptions/{subscription}/end": EDITOR,
    # Schema
    "GET /schema": VIEWER,
    "GET /schema/ranks": VIEWER,
    "POST /schema/ranks": EDITOR,
    "GET /schema/aliases": VIEWER,
    "POST /schema/aliases": EDITOR,
    "GET /schema/blocked": VIEWER,
    "POST /schema/blocked": EDITOR,
    "GET /schema/versions": VIEWER,
    "GET /schema/versions/{version}": VIEWER,
    "GET /schema/fields/{field}": VIEWER,
    "POST /schema/fields/{field}": EDITOR,
    "POST /schema/fields/{field}/remove": EDITOR,
    "GET /new/field": EDITOR,  # of the schema
    "POST /new/field": EDITOR,  # of the schema
    "GET /schema/draft": VIEWER,
    "POST /schema/draft/publish": EDITOR,
    "POST /schema/draft/discard": EDITOR,
    "GET /schema/unmapped": VIEWER,
    "POST /schema/unmapped": EDITOR,
    # Settings
    "GET /settings": VIEWER,
    "POST /settings/password": VIEWER,
    "GET /settings/people": ADMIN,
    "POST /settings/people": ADMIN,
    "POST /settings/people/{person}/role": ADMIN,
    "POST /settings/people/{person}/link": ADMIN,
    "POST /settings/people/{person}/disabled": ADMIN,
    "POST /settings/links/{link}/end": ADMIN,
    "GET /settings/tokens": ADMIN,
    "POST /settings/tokens": ADMIN,
    "POST /settings/tokens/{token}/revoke": ADMIN,
    "GET /settings/secrets": VIEWER,
    "GET /settings/audit": VIEWER,
}
