"""A request and its answer as people may see them with a dead letter: cut to a size, secrets masked."""

from __future__ import annotations

from typing import Any

from headwater.playbooks import HttpRequest
from headwater.routing.destination import Exchange
from headwater.routing.masking import Mask
from headwater.routing.outcomes import Reply

SHOWN_BYTES = 64 * 1024
"""How much of a request's body is kept with a dead letter."""


def shown_exchange(request: HttpRequest | None, reply: Reply | None, mask: Mask) -> Exchange:
    """What is kept of an attempt; None for a request that was never made or an answer that never came."""
    shown: dict[str, Any] = {}
    if request is not None:
        body = "" if request.body is None else request.body[:SHOWN_BYTES].decode("utf-8", "replace")
        shown = {
            "method": request.method,
            "url": mask.text(request.url),
            "headers": [[name, mask.header(name, value)] for name, value in request.headers],
            "body": mask.text(body),
        }
    if reply is None:
        return Exchange(shown, None)
    headers = {name: mask.text(value) for name, value in reply.headers.items() if name != "set-cookie"}
    body = mask.text(reply.body.decode("utf-8", "replace")).replace("\0", "\ufffd")
    return Exchange(shown, {"status": reply.status, "headers": headers, "body": body})
