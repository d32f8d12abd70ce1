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
    # Nearly every body arrives whole. There is no timer on its first part: it would be the dearest step of a small
    # request, and a client that sends nothing holds no more than one that stops inside its headers.
    first = await _receive(request)
    if not first.get("more_body", False) and not _is_gzip(request, first):
        body: bytes = first.get("body", b"")
        _hold(request, body, len(body), limit)
        return body
    pieces: list[bytes] = []
    size = 0
    async for piece in _pieces(request, first):
        size += len(piece)
        _hold(request, piece, size, limit)
        pieces.append(piece)
    return b"".join(pieces)


def _hold(request: Request, piece: bytes, size: int, limit: int) -> None:
    """Count a piece against the limits. `size` is the body's so far."""
    if size > limit:
        raise too_large(limit)
    request.lease.take(len(piece))
    if not request.excerpt:
        request.excerpt = piece[:EXCERPT_BYTES]


async def read_pieces(request: Request) -> AsyncIterator[bytes]:
    """The unpacked body in pieces, none of them empty. Gzip is known by its header or by its first two bytes."""
    async for piece in _pieces(request, await _receive(request)):
        yield piece


async def _pieces(request: Request, message: Message) -> AsyncIterator[bytes]:
    """The pieces of a body whose first part is `message`."""
    inflater: Inflater | None = None
    started = False
    while True:
        chunk: bytes = message.get("body", b"")
        if not started and chunk:
            started = True
            inflater = Inflater() if _is_gzip(request, message) else None
        if inflater is not None:
            for piece in inflater.feed(chunk):
                yield piece
        elif chunk:
            yield chunk
        if not message.get("more_body", False):
            break
        message = await _receive_more(request)
    if inflater is not None:
        inflater.finish()


async def _receive(request: Request) -> Message:
    message = await request.receive()
    if message["type"] == "http.disconnect":
        raise DisconnectedError("the client went away")
    return message


async def _receive_more(request: Request) -> Message:
    try:
        async with asyncio.timeout(CHUNK_TIMEOUT_SECONDS):
            return await _receive(request)
    except TimeoutError:
        raise SlowBodyError("the body did not arrive in time; send it again") from None


def _is_gzip(request: Request, first: Message) -> bool:
    """Whether the header says so, or the first two bytes do."""
    encoding = request.headers.get(b"content-encoding", b"").strip().lower()
    if encoding in (b"", b"identity"):
        return bool(first.get("body", b"").startswith(GZIP_MAGIC))
    if encoding in (b"gzip", b"x-gzip"):
        return True
    raise InputError("only gzip is understood", "Content-Encoding", "unsupported_encoding")


def refuse_declared(request: Request, limit: int) -> None:
    """Refuse a body whose Content-Length is over the limit before reading it. Raises InputError."""
    declared = request.headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared) > limit:
        raise too_large(limit)
