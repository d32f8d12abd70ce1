"""Names of the objects that events are stored in: a folder for each hour, and a name that the records decide.

The same records always get the same name, whatever order they come in. A batch that is sent again because its answer was
lost therefore overwrites its object instead of storing the events twice.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime

from headwater import jsontext
from headwater.errors import ConfigurationError
from headwater.events import Record

PREFIX_LIMIT_BYTES = 512
"""An object's name may have 1,024 bytes in every store; hour, digest and suffix need less than half of them."""
_DIGEST_CHARACTERS = 32
"""128 bits: two batches never meet."""

PieceId = tuple[str, str, int]
"""Source and id of a record, and the number of the output among those of the record."""


def hour_of(record: Record) -> str:
    """The hour in UTC that an event belongs to, as `yyyy/mm/dd/hh`: by its `timestamp`, else by its arrival."""
    written = record.data.get("timestamp")
    if isinstance(written, str):
        try:
            return _folder(datetime.fromisoformat(written))
        except (ValueError, OverflowError):
            pass  # a stream record may hold any text under that name
    return _folder(datetime.fromisoformat(record.meta.received_at))


def _folder(moment: datetime) -> str:
    utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return f"{utc.year:04}/{utc.month:02}/{utc.day:02}/{utc.hour:02}"


def digest(integration: str, ids: Iterable[PieceId]) -> str:
    """What a set of outputs of one integration is called: the same for the same set, in any order."""
    return hashlib.sha256(jsontext.encode([integration, sorted(ids)])).hexdigest()[:_DIGEST_CHARACTERS]


def clean_prefix(prefix: str) -> str:
    """A prefix without needless slashes: "" or one that ends in a slash.

    Raises ConfigurationError for what a store would refuse or read as another folder.
    """
    parts = [part for part in prefix.split("/") if part]
    if any(part in {".", ".."} or any(unicodedata.category(sign)[0] == "C" for sign in part) for part in parts):
        raise ConfigurationError("holds '.', '..' or a control character as part of a name; remove it", "prefix")
    clean = "".join(f"{part}/" for part in parts)
    if len(clean.encode()) > PREFIX_LIMIT_BYTES:
        raise ConfigurationError(f"is longer than {PREFIX_LIMIT_BYTES} bytes; shorten it", "prefix")
    return clean
