"""The archive over S3's protocol: a stand-in on loopback that keeps objects and checks that requests are signed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

import pytest
from archive_bench import Bench, event, stream_record

from headwater.archive.stores import Store, open_store
from headwater.archive.verification import verify
from headwater.errors import UnavailableError
from headwater.settings import ArchiveSettings, Settings

BUCKET = "/bucket/"


class _Objects(BaseHTTPRequestHandler):
    """PUT, HEAD, GET with ranges, DELETE and the list of objects, as Amazon S3 documents them."""

    protocol_version = "HTTP/1.1"
    kept: dict[str, bytes]

    def do_PUT(self) -> None:
        self.kept[self._name()] = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(200, b"", {"ETag": '"1"'})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.kept.pop(self._name(), None)
        self._answer(204, b"")

    def do_GET(self) -> None:
        if "list-type" in self.path:
            self._answer(200, self._list())
        elif self._name() not in self.kept:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        else:
            self._answer_range(self.kept[self._name()])

    def _answer_range(self, content: bytes) -> None:
        asked = self.headers.get("Range")
        headers = {"ETag": '"1"', "Last-Modified": "Mon, 23 Nov 2026 10:00:00 GMT"}
        if asked is None:
            return self._answer(200, content, headers)
        first, last = (int(number) for number in asked.removeprefix("bytes=").split("-"))
        part = content[first : last + 1]
        headers["Content-Range"] = f"bytes {first}-{first + len(part) - 1}/{len(content)}"
        return self._answer(206, part, headers)

    def _list(self) -> bytes:
        entries = "".join(
            f"<Contents><Key>{escape(name)}</Key><Size>{len(content)}</Size><ETag>1</ETag>"
            "<LastModified>2026-11-23T10:00:00.000Z</LastModified></Contents>"
            for name, content in sorted(self.kept.items())
        )
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>".encode()

    def _name(self) -> str:
        return unquote(urlsplit(self.path).path).removeprefix(BUCKET)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        if "Credential=key-id/" not in self.headers.get("Authorization", ""):
            status, body, headers = 403, b"<Error><Code>AccessDenied</Code></Error>", None
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing to say."""


@pytest.fixture
def objects(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """What is in the bucket; the environment leads there."""
    kept: dict[str, bytes] = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Objects,), {"kept": kept}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    yield kept
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def store(objects: dict[str, bytes], tmp_path: Path) -> Store:
    settings = ArchiveSettings(url="s3://bucket/headwater")
    return open_store(Settings(data_folder=str(tmp_path), archive=settings))


async def test_an_archive_in_a_bucket_is_whole(bench: Bench, objects: dict[str, bytes]) -> None:
    """Written below the prefix, read in order and by number, and checked, all over HTTP."""
    await bench.append([event(1, source="a.b c"), stream_record(2), event(3)])
    await bench.archive(3)
    assert {name.split("/")[0] for name in objects} == {"headwater"}
    assert [record.payload for record in await bench.read()] == await bench.log_payloads(1, 3)
    assert set(await bench.reader.fetch([2])) == {2}
    report = await verify(bench.pool, bench.store)
    assert (report.problems, report.stray, report.rows) == ((), (), 3)


async def test_refused_credentials_are_a_passing_fault(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the setting, never the key."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another-id")
    refused = open_store(Settings(archive=ArchiveSettings(url="s3://bucket/headwater")))
    with pytest.raises(UnavailableError, match=r"archive\.url") as raised:
        refused.open("name.parquet")
    assert "another-id" not in str(raised.value)
