"""A vendor for benchmarks: counts records and their latency, answers as Lytics does. Run as a process of its own."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import cast

import orjson
import uvloop

_OK = orjson.dumps({"status": 200, "message": "success", "data": {"message_count": 0, "rejected_count": 0}})
_REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"


class Statistics:
    """What arrived since the last look."""

    def __init__(self) -> None:
        self.records = 0
        self.latencies: list[float] = []
        self.first = 0.0
        self.last = 0.0

    def take(self, body: bytes) -> None:
        """Count one request's records; those that carry the time of sending give a latency."""
        now = time.time()
        records = orjson.loads(body)
        if isinstance(records, dict):
            records = [records]
        if not self.records:
            self.first = now
        self.last = now
        self.records += len(records)
        for record in records:
            sent = record.get("properties_sent")
            if sent is not None:
                self.latencies.append(now - float(sent))

    def report(self) -> bytes:
        """Everything as JSON; starts over."""
        ordered = sorted(self.latencies)
        report = {"records": self.records, "seconds": self.last - self.first}
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            report[name] = 1000 * ordered[int(len(ordered) * share)] if ordered else 0.0
        self.__init__()  # type: ignore[misc]  # the constructor says what empty means
        return orjson.dumps(report)


class Connection(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self, statistics: Statistics) -> None:
        self._statistics = statistics
        self._buffer = bytearray()
        self._needed = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class does not inherit from it

    def data_received(self, data: bytes) -> None:
        """Answer every complete request in the buffer."""
        self._buffer += data
        while len(self._buffer) >= self._needed:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._buffer[:end]).lower()
            mark = head.find(b"content-length:")
            length = int(head[mark + 15 :].split(b"\r\n", 1)[0]) if mark >= 0 else 0
            self._needed = end + 4 + length
            if len(self._buffer) < self._needed:
                return
            body = bytes(self._buffer[end + 4 : self._needed])
            del self._buffer[: self._needed]
            self._needed = 0
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"get /statistics"):
            reply = self._statistics.report()
        else:
            self._statistics.take(body)
            reply = _OK
        self._transport.write(_REPLY % (len(reply), reply))


async def main() -> None:
    """Listen on a free port, print it, and stay."""
    statistics = Statistics()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(statistics), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
