"""Read a request body: whole or in pieces, plain or gzip, never more than the limit.

Limits count unpacked bytes. A body that is refused half-way is read to its end by the server and thrown away, so that
the client gets the answer instead of a broken connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from headwater.collect.inflate import GZIP_MAGIC, Inflater
from headwater.collect.request import EXCERPT_BYTES, Message, Request
from headwater.errors import HeadwaterError, InputError

CHUNK_TIMEOUT_SECONDS = 30.0
"""How long a client may pause inside a body."""


class DisconnectedError(HeadwaterError):
    """The client went away before its body was complete; there is nobody to answer."""


class SlowBodyError(HeadwaterError):
    """The client paused too long inside its body; it may try again."""


def too_large(limit: int) -> InputError:
    """The error for a request over `limit` bytes."""
    return InputError(f"the request is larger than {limit} bytes; send less at a time", code="request_too_large")


async def read_body(request: Request, limit: int) -> bytes:
    """The whole unpacked body. Raises InputError over the limit or for bad gzip, UnavailableError without memory."""
    refuse_declared(request, limit)
    pieces: list[bytes] = []
    size = 0
    async for piece in read_pieces(request):
        size += len(piece)
        if size > limit:
            raise too_large(limit)
        request.lease.take(len(piece))
        pieces.append(piece)
        if not request.excerpt:
            request.excerpt = piece[:EXCERPT_BYTES]
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def read_pieces(request: Request) -> AsyncIterator[bytes]:
    """The unpacked body in pieces, none of them empty. Gzip is known by its header or by its first two bytes."""
    encoded = _is_gzip(request)
    inflater: Inflater | None = None
    first = more = True
    while more:
        message = await _receive(request)
        more = message.get("more_body", False)
        chunk = message.get("body", b"")
        if first and chunk:
            inflater = Inflater() if encoded or chunk.startswith(GZIP_MAGIC) else None
            first = False
        if inflater is None:
            if chunk:
                yield chunk
        else:
            for piece in inflater.feed(chunk):
                yield piece
    if inflater is not None:
        inflater.finish()


async def _receive(request: Request) -> Message:
    try:
        async with asyncio.timeout(CHUNK_TIMEOUT_SECONDS):
            message = await request.receive()
    except TimeoutError:
        raise SlowBodyError("the body did not arrive in time; send it again") from None
    if message["type"] == "http.disconnect":
        raise DisconnectedError("the client went away")
    return message


def _is_gzip(request: Request) -> bool:
    encoding = request.headers.get(b"content-encoding", b"").strip().lower()
    if encoding in (b"", b"identity"):
        return False
    if encoding in (b"gzip", b"x-gzip"):
        return True
    raise InputError("only gzip is understood", "Content-Encoding", "unsupported_encoding")


def refuse_declared(request: Request, limit: int) -> None:
    """Refuse a body whose Content-Length is over the limit before reading it. Raises InputError."""
    declared = request.headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared) > limit:
        raise too_large(limit)
