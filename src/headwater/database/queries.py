"""SQL statements by name.

A room keeps its statements in a file `queries.sql`. Each begins with a line `-- name: insert_pipeline`, then one or more
comment lines that say what it is for, then the statement. A statement without a purpose is refused: SQL is source code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import NamedTuple

from headwater.errors import ConfigurationError

_NAME = re.compile(r"^--\s*name:\s*(.*)$", re.MULTILINE)
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")


class Query(NamedTuple):
    """One statement: its name, the sentence that says what it is for, and the SQL text."""

    name: str
    purpose: str
    sql: str


class Queries(Mapping[str, str]):
    """The statements of one file: `queries["insert_pipeline"]` is its SQL text."""

    def __init__(self, queries: Mapping[str, Query]) -> None:
        self._queries = dict(queries)

    def __getitem__(self, name: str) -> str:
        return self._queries[name].sql

    def __iter__(self) -> Iterator[str]:
        return iter(self._queries)

    def __len__(self) -> int:
        return len(self._queries)

    def describe(self, name: str) -> Query:
        """The statement with its purpose. Raises KeyError."""
        return self._queries[name]


def load(package: str, file: str = "queries.sql") -> Queries:
    """Read the statements of `file` in `package`. Raises ConfigurationError that names the file and the statement."""
    return parse(resources.files(package).joinpath(file).read_text("utf-8"), f"{package.replace('.', '/')}/{file}")


def parse(text: str, place: str) -> Queries:
    """Read the statements of a text; `place` names it in errors."""
    heads = list(_NAME.finditer(text))
    if not heads:
        raise ConfigurationError("no statement found; begin each with a line '-- name: its_name'", place)
    if text[: heads[0].start()].strip():
        raise ConfigurationError("text before the first '-- name:' line belongs to no statement", place)
    ends = [head.start() for head in heads[1:]] + [len(text)]
    found: dict[str, Query] = {}
    for head, end in zip(heads, ends, strict=True):
        query = _statement(head[1].strip(), text[head.end() : end], place)
        if query.name in found:
            raise ConfigurationError(f"the name {query.name!r} is used twice; rename one", place)
        found[query.name] = query
    return Queries(found)


def _statement(name: str, body: str, place: str) -> Query:
    if not _IDENTIFIER.fullmatch(name):
        raise ConfigurationError(f"{name!r} is no name for a statement; use lower-case letters, digits and _", place)
    lines = body.strip().splitlines()
    comment = 0
    while comment < len(lines) and lines[comment].startswith("--"):
        comment += 1
    purpose = " ".join(line.removeprefix("--").strip() for line in lines[:comment])
    sql = "\n".join(lines[comment:]).strip().removesuffix(";")
    if not purpose:
        raise ConfigurationError(f"{name} has no purpose; add a comment line that says what it is for", place)
    if not sql:
        raise ConfigurationError(f"{name} has no statement", place)
    return Query(name, purpose, sql)
