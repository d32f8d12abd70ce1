"""An event as a command that sends it again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from headwater import jsontext
from headwater.events import Record

_OURS = frozenset({"messageId", "receivedAt", "sentAt", "originalTimestamp"})
"""What the collector writes, and the id by which it would know the event as a repeat."""
NO_KEY = "YOUR_WRITE_KEY"
NO_TOKEN = "YOUR_API_KEY"  # noqa: S105  # stands for one


def curl_command(record: Record, collector_url: str, write_key: str | None) -> str:
    """The command; what it sends counts as a new event, at the time of the old one."""
    sent = {key: value for key, value in record.data.items() if key not in _OURS}
    if record.meta.kind == "stream":
        return _command(f"{collector_url}/collect/json/{record.meta.source}", f"authorization: {NO_TOKEN}", None, sent)
    key = NO_KEY if write_key is None else write_key
    return _command(f"{collector_url}/v1/{record.data.get('type', 'track')}", None, key, sent)


def _command(url: str, header: str | None, user: str | None, sent: Mapping[str, Any]) -> str:
    options = ["-H", "content-type: application/json"]
    options += [] if header is None else ["-H", header]
    options += [] if user is None else ["-u", f"{user}:"]
    body = jsontext.encode(sent).decode("utf-8", "replace")
    return f"{shlex.join(['curl', url, *options])} \\\n  -d {shlex.quote(body)}"
