"""The files of the archive: what the manifest says of each, and how they are named.

Names: `<day>/<kind>/<source>/<first sequence>-<last sequence>-<8 digits of the checksum>.parquet`. A name never means two
contents, so whoever writes late, after somebody else has taken over, overwrites nothing.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from headwater.events import RecordKind

LONGEST_FOLDER = 120
"""Characters of a source's folder; file systems take 255 bytes."""


class Place(NamedTuple):
    """Which records share a file: those received on one day (UTC) from one source."""

    day: date
    kind: RecordKind
    source: str


class Content(msgspec.Struct, frozen=True):
    """What is in a file: its rows are sorted by sequence, `sha256` is of the whole file, in hexadecimal."""

    first_sequence: int
    last_sequence: int
    first_stored_at: datetime
    last_stored_at: datetime
    rows: int
    bytes: int
    sha256: str


class ArchivedFile(msgspec.Struct, frozen=True):
    """One entry of the manifest. `path` is relative to the archive's root."""

    path: str
    place: Place
    content: Content


def entry(place: Place, content: Content) -> ArchivedFile:
    """The manifest's entry for a file of this content, with the name that it has to have."""
    name = f"{content.first_sequence:016}-{content.last_sequence:016}-{content.sha256[:8]}.parquet"
    return ArchivedFile(f"{_folder(place)}/{name}", place, content)


def _folder(place: Place) -> str:
    return f"{place.day.isoformat()}/{place.kind}/{_folder_of_source(place.source)}"


@lru_cache(maxsize=4096)
def _folder_of_source(source: str) -> str:
    """Letters, digits, - and _ as they are, any other byte as ~XX. The manifest has the name as it was."""
    escaped = quote(source, safe="", errors="surrogatepass").replace("~", "~7E").replace(".", "%2E").replace("%", "~")
    if 0 < len(escaped) <= LONGEST_FOLDER:
        return escaped
    digest = hashlib.blake2b(source.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{escaped[:40]}~{digest}"
