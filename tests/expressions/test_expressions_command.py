"""`headwater filterql`: JSON lines in, JSON lines out."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from headwater import jsontext
from headwater.cli.filterql import answer


def ask(**request: Any) -> dict[str, Any]:
    """The answer to a request."""
    return answer(jsontext.encode({"id": "1", "now": "2026-11-23T00:00:00Z", **request}))


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"filter": "FILTER a > 5", "context": {"a": 7}}, {"match": True}),
        ({"filter": 'FILTER t > "now-1d"', "context": {"t": {"$time": "2026-11-22T12:00:00Z"}}}, {"match": True}),
        ({"filter": 'FILTER a > "x"', "context": {"a": "y"}}, {"match": False}),
        ({"want": "value", "expr": "now()"}, {"value": {"$time": "2026-11-23T00:00:00Z"}}),
        ({"want": "value", "filter": "SELECT a FROM t FILTER a > 5", "context": {"a": 7, "b": 1}}, {"value": {"a": 7}}),
        ({"want": "value", "filter": "SELECT a FROM t FILTER a > 9", "context": {"a": 7}}, {"value": None}),
        ({"want": "canonical", "filter": "filter a>5 alias X"}, {"canonical": "FILTER a > 5 ALIAS x"}),
        ({"want": "canonical", "expr": "a>5"}, {"canonical": "a > 5"}),
        ({"want": "inline", "filter": "FILTER INCLUDE x", "includes": ["FILTER a > 5 ALIAS x"]}, {"canonical": "a > 5"}),
        (
            {"want": "flip", "filter": 'FILTER t > "now-1d"', "context": {"t": {"$time": "2026-11-22T12:00:00Z"}}},
            {"flip": "2026-11-23T12:00:00Z"},
        ),
        ({"want": "flip", "filter": "FILTER a > 5"}, {"flip": None}),
    ],
)  # fmt: skip
def test_answers(request_: dict[str, Any], expected: dict[str, Any]) -> None:
    """Each thing that can be wanted."""
    assert ask(**request_) == {"id": "1", **expected}


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"filter": "FILTER a >"}, "line 1, column 11"),
        ({"filter": 'FILTER AND (a > "x", b)', "context": {"a": "y"}}, "cannot be evaluated"),
        ({"filter": "FILTER INCLUDE nobody"}, "INCLUDE nobody: there is no filter"),
        ({"want": "flip", "filter": 'FILTER t > "now-1x"'}, "no date math"),
        ({"want": "magic", "filter": "FILTER a"}, "want"),
        ({"filter": "FILTER a", "now": "yesterday"}, "now"),
        ({"filter": "FILTER a", "context": {"t": {"$time": "x"}}}, "$time"),
        ({}, "filter"),
    ],
)
def test_errors(request_: dict[str, Any], says: str) -> None:
    """What is wrong with a request is said, with the field or the place."""
    assert says in ask(**request_)["error"]


def test_the_shape_of_a_statement() -> None:
    """`ast` tells what the reader found."""
    shape = ask(want="ast", filter="-- why\nFILTER NOT AND (a > 1, INCLUDE x) FROM t LIMIT 3 ALIAS y")["ast"]
    assert {key: shape[key] for key in ("alias", "from", "limit", "includes", "statements")} == {
        "alias": "y", "from": "t", "limit": 3, "includes": ["x"], "statements": 1,
    }  # fmt: skip
    assert (shape["filter"]["op"], shape["filter"]["negated"], shape["filter"]["nargs"]) == ("and", True, 2)
    assert shape["filter"]["args"][1]["include"] == "x"


def test_a_line_that_is_no_json_does_not_stop_the_others() -> None:
    """One answer for each line, in a process of its own."""
    program = "from headwater.cli.filterql import app; app([])"
    lines = b'{"id": 1, "filter": "FILTER *"}\nnonsense\n\n[]\n{"id": 2, "filter": "FILTER *"}\n'
    done = subprocess.run([sys.executable, "-c", program], input=lines, capture_output=True, check=True, timeout=60)
    answers = [jsontext.decode(line) for line in done.stdout.splitlines()]
    assert [found["id"] for found in answers] == [1, None, None, 2]
    assert [("error" in found) for found in answers] == [False, True, True, False]


def test_the_command_loads_no_engine() -> None:
    """Trying a filter must not wait for the web framework or the database driver."""
    program = "import sys; import headwater.cli.filterql; print([m for m in ('litestar', 'asyncpg', 'nats', 'ua_parser') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=60)
    assert done.stdout.strip() == b"[]"
