"""Rows of a bulk upload, cut from pieces of any size: CSV (RFC 4180, strict about quotes) and one JSON object a line."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from typing import Any, Protocol

from headwater.collect.documents import decode_document, repeated_key_error
from headwater.collect.stream_records import NAME_LIMIT_BYTES
from headwater.errors import InputError

BOM = b"\xef\xbb\xbf"


class UnreadableError(InputError):
    """What follows cannot be cut into rows any more; the upload ends here."""


class RowReader(Protocol):
    """Reads one form of rows. A bad row raises InputError, and reading may go on with the next line."""

    def line(self, line: bytes) -> dict[str, Any] | None:
        """The row that ends with this line, None where there is none."""

    def finish(self) -> dict[str, Any] | None:
        """A last row, or None. Raises InputError where the body ends inside a row."""


class LineSplitter:
    """Complete lines from pieces. Raises UnreadableError for a line over the limit, which would fill the memory."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = b""
        self._first = True

    def feed(self, piece: bytes) -> list[bytes]:
        """The lines that end in this piece, without line ends."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > self._limit:
            raise row_too_large(self._limit)
        if self._first and lines:
            self._first = False
            lines[0] = lines[0].removeprefix(BOM)
        return lines

    def finish(self) -> list[bytes]:
        """The last line, if it has no line end."""
        rest, self._rest = self._rest, b""
        return [rest.removeprefix(BOM) if self._first else rest] if rest else []


def row_too_large(limit: int) -> UnreadableError:
    """The error for a row over `limit` bytes."""
    return UnreadableError(f"a row is larger than {limit} bytes (is a quote left open?)", code="row_too_large")


class CsvRows:
    """CSV with a header line, or with the names given beforehand.

    Cells are text; an empty cell leaves its field out. `appended` fields stand in every row that lacks them.
    """

    def __init__(self, delimiter: str, names: tuple[str, ...], appended: Mapping[str, Any], limit: int) -> None:
        self._delimiter = delimiter
        self._names = _checked_names(names) if names else ()
        self._appended = appended
        self._limit = limit
        self._open = b""
        mark = re.escape(delimiter)
        field = rf'(?:"(?:[^"]|"")*+"|[^"{mark}]*+)'
        self._well_quoted = re.compile(rf"{field}(?:{mark}{field})*+", re.DOTALL)

    def line(self, line: bytes) -> dict[str, Any] | None:
        """A row, None for the header, an empty line, or a line inside of a quoted cell."""
        record = self._open + line
        if record.count(b'"') % 2:
            self._open = record + b"\n"
            if len(record) > self._limit:
                raise row_too_large(self._limit)
            return None
        self._open = b""
        record = record.removesuffix(b"\r")
        if not record:
            return None
        cells = self._cells(record)
        if not self._names:
            self._names = _checked_names(tuple(cells))
            return None
        if len(cells) != len(self._names):
            raise InputError(f"the row has {len(cells)} cells, the header {len(self._names)}", code="invalid_csv")
        row = {name: cell for name, cell in zip(self._names, cells, strict=True) if cell}
        return {**self._appended, **row}

    def _cells(self, record: bytes) -> list[str]:
        try:
            text = record.decode("utf-8")
        except UnicodeDecodeError:
            raise InputError("the row is not valid UTF-8", code="invalid_csv") from None
        if '"' not in text:
            return text.split(self._delimiter)
        if not self._well_quoted.fullmatch(text):
            raise InputError('a quote stands inside of an unquoted cell; write it as "" in quotes', code="invalid_csv")
        return next(csv.reader((text,), delimiter=self._delimiter, strict=True))

    def finish(self) -> dict[str, Any] | None:
        """Nothing is left, unless a quote was never closed."""
        if self._open:
            raise InputError("the last row ends inside of a quoted cell", code="invalid_csv")
        return None


def _checked_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Header names, trimmed. Raises UnreadableError: without a header no row means anything."""
    trimmed = tuple(name.strip() for name in names)
    for position, name in enumerate(trimmed):
        if not name:
            raise UnreadableError(f"column {position + 1} has no name", "headers", "invalid_header")
        if name in trimmed[:position]:
            raise UnreadableError(f"the name {name!r} stands twice", "headers", "invalid_header")
        if len(name.encode("utf-8")) > NAME_LIMIT_BYTES:
            raise UnreadableError(
                f"column {position + 1} has a name over {NAME_LIMIT_BYTES} bytes", "headers", "invalid_header"
            )
    return trimmed


class JsonRows:
    """One JSON object a line, or one object over the whole body."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._by_line: bool | None = None
        self._whole = b""

    def line(self, line: bytes) -> dict[str, Any] | None:
        """A row, None for an empty line or a part of an object that goes on."""
        if not line.strip():
            return None
        if self._by_line is None:
            self._by_line = self._is_complete(line)
        if self._by_line:
            return _object(line)
        self._whole += line + b"\n"
        if len(self._whole) > self._limit:
            raise row_too_large(self._limit)
        return None

    def finish(self) -> dict[str, Any] | None:
        """The one object of a body that is not made of lines."""
        return _object(self._whole) if self._whole else None

    def _is_complete(self, first: bytes) -> bool:
        if first.lstrip().startswith(b"["):
            message = "a list is not taken in bulk; send one object a line, or the list to /collect/json/{stream}"
            raise UnreadableError(message, code="invalid_body")
        # A pretty-printed object starts with a line that no object can end with.
        return first.rstrip().endswith(b"}") or not first.lstrip().startswith(b"{")


def _object(text: bytes) -> dict[str, Any]:
    document = decode_document(text)
    if document.repeated:
        raise repeated_key_error(document.repeated[0])
    if not isinstance(document.value, dict):
        raise InputError("the row must be a JSON object", code="invalid_record")
    return document.value
