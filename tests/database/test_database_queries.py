"""SQL statements by name."""

import pytest

from headwater.database import queries
from headwater.errors import ConfigurationError


def test_a_statement_has_name_purpose_and_text():
    """Comment lines under the name are the purpose, the rest is the statement without its semicolon."""
    parsed = queries.parse(
        "-- name: one\n-- Counts.\n-- Quickly.\nSELECT 1\n-- inner;\n;\n-- name: two\n-- B.\nSELECT 2;", "q.sql"
    )
    assert parsed.describe("one") == ("one", "Counts. Quickly.", "SELECT 1\n-- inner;\n")
    assert parsed["two"] == "SELECT 2"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT 1", "no statement found"),
        ("SELECT 1;\n-- name: a\n-- A.\nSELECT 1", "belongs to no statement"),
        ("-- name: a\nSELECT 1", "has no purpose"),
        ("-- name: a\n-- A.\n", "has no statement"),
        ("-- name: A b\n-- A.\nSELECT 1", "is no name"),
        ("-- name: a\n-- A.\nSELECT 1;\n-- name: a\n-- B.\nSELECT 2", "used twice"),
    ],
)
def test_a_malformed_file_is_refused_with_its_place(text, reason):
    """What a reader could misunderstand does not load, and the message names the file."""
    with pytest.raises(ConfigurationError, match=f"q.sql: .*{reason}"):
        queries.parse(text, "q.sql")
