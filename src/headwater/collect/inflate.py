"""Gzip, unpacked piece by piece, so that a small body cannot become a large one unnoticed (RFC 1952)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from headwater.errors import InputError

GZIP_MAGIC = b"\x1f\x8b"
PIECE_BYTES = 256 * 1024
"""Most that one step unpacks."""

_GZIP_WINDOW = 31
_SMALL_MEMBER_BYTES = 256
_SMALL_MEMBERS_LIMIT = 1000
"""A gzip file may be a chain of members. Thousands of tiny ones are no data, only work."""


class Inflater:
    """Unpacks one gzip body that arrives in chunks. Raises InputError for anything that is not gzip."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP_WINDOW)
        self._member_bytes = 0
        self._small_members = 0
        self._started = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what `chunk` unpacks to, in pieces of at most PIECE_BYTES."""
        while chunk:
            if self._member.eof:
                chunk = chunk.lstrip(b"\0")  # padding after the last member is allowed
                if not chunk:
                    return
                self._next_member()
            self._started = True
            try:
                piece = self._member.decompress(chunk, PIECE_BYTES)
            except zlib.error:
                raise InputError(
                    "Content-Encoding is gzip, but the body is not valid gzip", code="invalid_gzip"
                ) from None
            self._member_bytes += len(piece)
            if piece:
                yield piece
            chunk = self._member.unused_data if self._member.eof else self._member.unconsumed_tail

    def finish(self) -> None:
        """Raises InputError where the body ended too early."""
        if not self._started or not self._member.eof:
            raise InputError("the gzip body ends before its data does", code="invalid_gzip")

    def _next_member(self) -> None:
        self._small_members += self._member_bytes < _SMALL_MEMBER_BYTES
        if self._small_members > _SMALL_MEMBERS_LIMIT:
            raise InputError("the gzip body is a chain of very small members", code="invalid_gzip")
        self._member = zlib.decompressobj(_GZIP_WINDOW)
        self._member_bytes = 0
