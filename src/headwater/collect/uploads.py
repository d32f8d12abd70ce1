"""The Lytics upload doors: a few records as JSON, or a file of any length, read and stored piece by piece."""

from __future__ import annotations

from typing import Any

from headwater.collect.accounts import admit_upload
from headwater.collect.body import read_pieces, refuse_declared, too_large
from headwater.collect.collector import Collector
from headwater.collect.documents import Document, read_document, repeated_key_error
from headwater.collect.refusals import item_excerpt, refuse
from headwater.collect.replies import LISTED_ERRORS_LIMIT, Reply, lytics_error, lytics_reply
from headwater.collect.request import Request
from headwater.collect.rows import CsvRows, JsonRows, LineSplitter, RowReader, UnreadableError
from headwater.collect.stream_records import Upload, stream_name, stream_record
from headwater.collect.upload_options import UploadOptions, upload_options
from headwater.errors import InputError
from headwater.log.records import EncodedRecord, encode_stream_record

APPEND_BYTES = 2 * 1024 * 1024
"""Records are handed to the log in parts of about this size."""

APPEND_RECORDS = 1000
BULK_BUFFER_BYTES = 4 * 1024 * 1024
"""What a bulk upload counts against the bytes in flight, however long it is: one part, its rows, and one piece."""

_KEPT_REFUSALS = 100
_CSV_TYPES = frozenset({"text/csv", "application/csv"})
_JSON_TYPES = frozenset(
    {"application/json", "application/x-ndjson", "application/ndjson", "application/jsonl", "application/json-lines"}
)
_ROW_LIMIT_FACTOR = 4
"""A row's text may be this much longer than its record: quotes, blanks and escapes are not counted there."""


class _Records:
    """The work on one upload: what is ready for the log, and the counts of what was taken and refused."""

    def __init__(self, collector: Collector, request: Request, upload: Upload, options: UploadOptions) -> None:
        self._collector = collector
        self._request = request
        self._upload = upload
        self._options = options
        self._ready: list[EncodedRecord] = []
        self._ready_bytes = 0
        self.accepted = 0
        self.rejected = 0
        self.errors: list[dict[str, Any]] = []

    async def add(self, position: int, record: Any) -> None:
        """Take one record. Raises InputError for a bad one."""
        meta, data = stream_record(record, self._upload, position)
        if self._options.dryrun:
            self.accepted += 1
            return
        encoded = encode_stream_record(self._upload.stream, meta, data, self._collector.partitions)
        self._ready.append(encoded)
        self._ready_bytes += len(encoded.payload)
        if self._ready_bytes >= APPEND_BYTES or len(self._ready) >= APPEND_RECORDS:
            await self.flush()

    async def flush(self) -> None:
        """Make durable what is ready."""
        ready, self._ready, self._ready_bytes = self._ready, [], 0
        await self._collector.append(self._request, ready)
        self.accepted += len(ready)

    def refuse(self, position: int, record: Any, error: InputError) -> None:
        """Count a bad record; the first ones are listed in the answer and kept."""
        self.rejected += 1
        if len(self.errors) < LISTED_ERRORS_LIMIT:
            self.errors.append({"index": position, "message": str(error), "field": error.field, "code": error.code})
        if self.rejected <= _KEPT_REFUSALS:
            refuse(self._collector, self._request, error, self._upload.stream, item_excerpt(record))
        else:
            self._collector.metrics.refused(error.code)

    def document(self, content_type: str) -> dict[str, Any]:
        """The counts and options, as Lytics answers them."""
        self._collector.metrics.received(self._request.door.name, self.accepted + self.rejected)
        document: dict[str, Any] = {
            "message_count": self.accepted,
            "rejected_count": self.rejected,
            "content-type": content_type,
            "droperrors": self._options.droperrors,
            "dryrun": self._options.dryrun,
            "timestamp_field": self._options.timestamp_field,
            "filename": self._options.filename,
        }
        return {**document, "errors": self.errors} if self.errors else document


def _upload(collector: Collector, request: Request, options: UploadOptions) -> Upload:
    (stream,) = request.parameters
    request.source_id = stream_name(stream)
    return Upload(
        stream=stream,
        received_at=request.received_at,
        request_ip=request.client,
        limits=collector.record_limits,
        timestamp_field=options.timestamp_field,
        idempotency_key=options.idempotency_key,
    )


async def post_json(collector: Collector, request: Request) -> Reply:
    """One object or a list of them. Good records are kept whatever stands beside them."""
    admit_upload(collector, request)
    options = upload_options(request)
    records = _Records(collector, request, _upload(collector, request, options), options)
    document = await read_document(request, collector.settings.lytics_request_limit_bytes)
    if isinstance(document.value, dict):
        if document.repeated:
            raise repeated_key_error(document.repeated[0])
        await records.add(0, document.value)
    elif isinstance(document.value, list):
        await _add_all(records, document)
    else:
        raise InputError("the body must be a JSON object or a list of objects", code="invalid_body")
    await records.flush()
    data = records.document("application/json")
    if records.rejected and not records.accepted:
        first = records.errors[0]
        return lytics_error(400, first["code"], first["message"], first["field"], data=data)
    return lytics_reply(data)


async def _add_all(records: _Records, document: Document) -> None:
    broken = {repeated.path[0]: repeated_key_error(repeated) for repeated in reversed(document.repeated)}
    for position, record in enumerate(document.value):
        try:
            if position in broken:
                raise broken[position]
            await records.add(position, record)
        except InputError as error:
            records.refuse(position, record, error)


async def post_bulk(collector: Collector, request: Request) -> Reply:
    """CSV or JSON rows of any number, in bounded memory. Rows before a fault that ends the upload stay stored."""
    admit_upload(collector, request)
    options = upload_options(request)
    limit = collector.settings.bulk_limit_bytes
    refuse_declared(request, limit)
    request.lease.take(BULK_BUFFER_BYTES)
    bulk = _Bulk(
        _Records(collector, request, _upload(collector, request, options), options),
        options,
        collector.record_limits.size_bytes,
    )
    content_type = request.header(b"content-type").partition(";")[0].strip().lower()
    size = 0
    try:
        async for piece in read_pieces(request):
            size += len(piece)
            if size > limit:
                raise too_large(limit)
            await bulk.feed(piece, content_type)
        await bulk.finish()
    except InputError as error:
        return await bulk.stopped(error, content_type)
    return lytics_reply(bulk.records.document(bulk.content_type or content_type))


class _Bulk:
    """A bulk upload on its way: pieces in, rows out, bad rows counted or the end of it."""

    def __init__(self, records: _Records, options: UploadOptions, event_limit: int) -> None:
        self.records = records
        self.content_type = ""
        self._options = options
        self._row_limit = event_limit * _ROW_LIMIT_FACTOR
        self._splitter = LineSplitter(self._row_limit)
        self._reader: RowReader | None = None
        self._position = 0

    async def feed(self, piece: bytes, content_type: str) -> None:
        """Take a piece. Raises InputError where the upload has to stop."""
        if self._reader is None:
            self._reader = self._choose_reader(piece, content_type)
        for line in self._splitter.feed(piece):
            await self._add_line(self._reader, line)

    async def finish(self) -> None:
        """Take what no line end follows, and store the rest. Raises InputError where the upload has to stop."""
        if self._reader is None:
            raise InputError("the body is empty; send CSV or JSON rows", code="empty_body")
        for line in self._splitter.finish():
            await self._add_line(self._reader, line)
        try:
            last = self._reader.finish()
            if last is not None:
                await self.records.add(self._position, last)
        except InputError as error:
            self._bad_row(error)
        await self.records.flush()

    async def stopped(self, error: InputError, content_type: str) -> Reply:
        """The answer to an upload that ends early: what was good before is stored and counted."""
        await self.records.flush()
        self.records.refuse(self._position, None, error)
        data = self.records.document(self.content_type or content_type)
        status = 413 if error.code == "request_too_large" else 400
        message = f"stopped at row {self._position + 1}: {error}"
        return lytics_error(status, error.code, message, error.field, data=data)

    async def _add_line(self, reader: RowReader, line: bytes) -> None:
        try:
            row = reader.line(line)
            if row is None:
                return
            await self.records.add(self._position, row)
        except InputError as error:
            self._bad_row(error)
        self._position += 1

    def _bad_row(self, error: InputError) -> None:
        if not self._options.droperrors or isinstance(error, UnreadableError):
            raise error
        self.records.refuse(self._position, None, error)

    def _choose_reader(self, piece: bytes, content_type: str) -> RowReader:
        csv = content_type in _CSV_TYPES
        if not csv and content_type not in _JSON_TYPES:
            csv = not piece.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"["))
        if csv:
            self.content_type = content_type if content_type in _CSV_TYPES else "text/csv"
            return CsvRows(self._options.delimiter, self._options.headers, self._options.appended, self._row_limit)
        self.content_type = content_type if content_type in _JSON_TYPES else "application/x-ndjson"
        return JsonRows(self._row_limit)
