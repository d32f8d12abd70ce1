"""Rows of bulk uploads: the same rows however the bytes arrive."""

from __future__ import annotations

import csv
import io
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.collect.rows import CsvRows, JsonRows, LineSplitter, RowReader, UnreadableError
from headwater.errors import InputError


def read(pieces: list[bytes], reader: RowReader) -> list[dict[str, object]]:
    """All rows of the pieces."""
    splitter = LineSplitter(1000)
    lines = [line for piece in pieces for line in splitter.feed(piece)] + splitter.finish()
    rows = [row for line in lines if (row := reader.line(line)) is not None]
    last = reader.finish()
    return rows if last is None else [*rows, last]


def csv_rows(delimiter: str = ",", names: tuple[str, ...] = (), **appended: object) -> CsvRows:
    return CsvRows(delimiter, names, appended, 1000)


CELLS = st.text(st.sampled_from('ab",;\n\r\t \u00e9'), max_size=5)


@given(
    st.lists(st.tuples(CELLS, CELLS), max_size=5), st.sampled_from(",\t|;"), st.lists(st.integers(0, 80), max_size=4)
)
def test_what_a_csv_writer_writes_is_read_back(rows, delimiter, cuts):
    """Cells with quotes, delimiters and line ends survive, wherever the bytes are cut into pieces."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writerow(("first", "second"))
    writer.writerows(rows)
    text = out.getvalue().encode()
    places = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(places)]
    expected = [{name: cell for name, cell in zip(("first", "second"), row, strict=True) if cell} for row in rows]
    assert read(pieces, csv_rows(delimiter)) == expected


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        (b"a,b\n1,2\n", [{"a": "1", "b": "2"}]),
        (b"\xef\xbb\xbfa,b\r\n1,\r\n", [{"a": "1"}]),
        (b"a\n\n1\n", [{"a": "1"}]),
        (b" a , b \n1,2", [{"a": "1", "b": "2"}]),
    ],
)
def test_reads_plain_csv(text, rows):
    """Byte order mark, line ends, empty lines, blanks around names; an empty cell leaves its field out."""
    assert read([text], csv_rows()) == rows


def test_given_names_and_appended_fields():
    """Names may come beforehand; appended fields stand where the row has none."""
    assert read([b"1,\n"], csv_rows(names=("a", "b"), b="x", c=1)) == [{"a": "1", "b": "x", "c": 1}]


@pytest.mark.parametrize("text", [b"a,b\n1\n", b"a\n1,2\n", b'a\nx"y"z\n', b'a\n"x"y\n', b"a\n\xff\n", b'a\n"open\n'])
def test_a_bad_row_is_an_input_error(text):
    """Wrong number of cells, stray quotes, no UTF-8, a quote left open."""
    with pytest.raises(InputError) as caught:
        read([text], csv_rows())
    assert not isinstance(caught.value, UnreadableError)


@pytest.mark.parametrize("text", [b"a,a\n", b"a,\n", b"x" * 300 + b"\n", b"y" * 1001, b'a\n"' + b"z\n" * 600])
def test_without_a_header_or_an_end_nothing_can_go_on(text):
    """A header that names nothing, or a row without end, stops the upload."""
    with pytest.raises(UnreadableError):
        read([text], csv_rows())


def test_json_rows_are_lines_or_one_object():
    """One object a line, or a single object over several lines."""
    assert read([b'{"a":1}\n\n{"a"', b":2}"], JsonRows(1000)) == [{"a": 1}, {"a": 2}]
    assert read([b'{\n "a": 1,\n "b": {}\n}\n'], JsonRows(1000)) == [{"a": 1, "b": {}}]


@pytest.mark.parametrize(
    ("text", "stops"), [(b"[1]", True), (b'{"a":1}\nx', False), (b'{"a":1,"a":2}', False), (b"7", False)]
)
def test_bad_json_rows_are_input_errors(text, stops):
    """A list is for the other door; anything else is one bad row."""
    with pytest.raises(InputError) as caught:
        read([text], JsonRows(1000))
    assert isinstance(caught.value, UnreadableError) == stops


@given(st.binary(max_size=60), st.booleans())
def test_any_bytes_are_rows_or_an_input_error(text, as_json):
    """Nothing that arrives raises anything else."""
    try:
        read([text], JsonRows(1000) if as_json else csv_rows())
    except InputError:
        return
