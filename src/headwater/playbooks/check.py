"""Checking a kit before it runs: what would fail later is said now, all of it, with file, line and remedy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headwater.errors import ConfigurationError
from headwater.playbooks.connection_shape import CONNECTION, KINDS
from headwater.playbooks.documents import Document, Path
from headwater.playbooks.event_names import normalise
from headwater.playbooks.grammar import PLACEHOLDER, Problem, dotted, find_problems, loose
from headwater.playbooks.kit import Kit, parameters_of, sections_of
from headwater.playbooks.layouts import pieces
from headwater.playbooks.lua_engine import LuaEngine
from headwater.playbooks.lua_insertion import insert
from headwater.playbooks.parameters import UNSET, Parameter, ParameterValues
from headwater.playbooks.paths import parse_path
from headwater.playbooks.playbook_shape import METADATA, PLAYBOOK, SHAPES


def check_kit(kit: Kit) -> list[Problem]:
    """Every problem of a kit, fatal ones and findings, in the order of its documents."""
    shaped = [
        *find_problems(kit.playbook, PLAYBOOK, SHAPES),
        *find_problems(kit.connection, CONNECTION, SHAPES),
        *find_problems(kit.metadata, METADATA, SHAPES),
    ]
    if shaped:
        return [*shaped, *(_check_texts(kit) if _has_known_parameters(kit, shaped) else ())]
    return [*_check_connection(kit), *_check_parameters(kit), *_check_playbook(kit), *_check_lua(kit)]


def _has_known_parameters(kit: Kit, shaped: list[Problem]) -> bool:
    documents = (kit.playbook, kit.connection)
    return all(isinstance(document.value, dict) for document in documents) and not any(
        problem.path.startswith("params") for problem in shaped
    )


def _check_texts(kit: Kit) -> Iterator[Problem]:
    """What can be said of a kit whose shape is not sound: each text stands for itself."""
    yield from _check_parameters(kit)
    yield from _check_paths(kit.playbook, (), kit.playbook.value)
    yield from _check_layouts(kit.playbook, (), kit.playbook.value)
    yield from _check_lua(kit)


def require_valid(kit: Kit) -> None:
    """Raises ConfigurationError that lists every fatal problem of a kit."""
    fatal = [problem for problem in check_kit(kit) if problem.fatal]
    if fatal:
        raise ConfigurationError("\n".join(str(problem) for problem in fatal), kit.name)


def _problem(document: Document, path: Path, message: str, remedy: str, *, fatal: bool = True) -> Problem:
    return Problem(document.file, document.line(path), dotted(path), message, remedy, fatal)


def _check_connection(kit: Kit) -> Iterator[Problem]:
    value = kit.connection.value
    names = {loose(field.name) for field in KINDS}
    kinds = [key for key in value if loose(key) in names]
    is_http = "default" in value or "eventSpecific" in value
    if len(kinds) + is_http > 1:
        yield _problem(
            kit.connection, (kinds[-1],), "a connection has one kind", "keep HTTP sections or one other kind"
        )
    elif not kinds and not is_http:
        yield _problem(
            kit.connection, (), "says nowhere where to send", "add default with endpoint and method, or a kind"
        )


def _check_parameters(kit: Kit) -> Iterator[Problem]:
    known = {parameter.name for parameter in parameters_of(kit)}
    used: set[str] = set()
    for document in (kit.playbook, kit.connection):
        for path, text in _texts(document.value, ()):
            if path[:1] == ("params",):
                continue
            names = set(PLACEHOLDER.findall(text))
            used |= names
            for name in sorted(names - known):
                remedy = f"add {name} to params or correct the name"
                yield _problem(document, path, f"$${name}$$ stands for no declared parameter", remedy)
    for document in (kit.playbook, kit.connection):
        yield from _unused(document, used)


def _unused(document: Document, used: set[str]) -> Iterator[Problem]:
    for index, row in enumerate(document.value.get("params") or ()):
        if row["name"] not in used:
            yield _problem(
                document,
                ("params", index),
                f"{row['name']} is declared but nowhere used",
                "remove it or use it",
                fatal=False,
            )


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))


def _check_playbook(kit: Kit) -> Iterator[Problem]:
    document = kit.playbook
    seen: dict[str, str] = {}
    for name in document.value.get("eventSpecific") or {}:
        other = seen.setdefault(normalise(name), name)
        if other != name:
            message = f"{name!r} and {other!r} are the same event name"
            yield _problem(document, ("eventSpecific", name), message, "put both sections together")
    for where, section in sections_of(document.value):
        yield from _check_paths(document, where, section)
        yield from _check_layouts(document, where, section)
        yield from _check_twice(document, where, section)


def _check_paths(document: Document, where: Path, section: dict[str, Any]) -> Iterator[Problem]:
    for path, text in _texts(section, where):
        if path[-1] in ("inputKey", "inputPath", "outputKey") and "$$" not in text:
            segments = parse_path(text) if text else ("",)
            if "" in segments:
                yield _problem(
                    document, path, f"{text!r} has an empty part", "name a key between, before and after each dot"
                )


def _check_layouts(document: Document, where: Path, section: dict[str, Any]) -> Iterator[Problem]:
    for path, text in _texts(section, where):
        if (
            path[-1] in ("inputFormat", "outputFormat")
            and "$$" not in text
            and not any(real for _, real in pieces(text))
        ):
            remedy = "write the layout as the time Mon Jan 2 15:04:05 2006 -0700"
            yield _problem(document, path, f"{text!r} is no time layout", remedy)


def _check_twice(document: Document, where: Path, section: dict[str, Any]) -> Iterator[Problem]:
    """Keys that a later rule of the same section always overwrites: legal, but the earlier rule does nothing."""
    last: dict[str, Path] = {}
    for group in ("enrichments", "mappings"):
        for index, row in enumerate(section.get(group) or ()):
            key, path = row.get("outputKey", ""), (*where, group, index)
            always = group == "enrichments" or any(name.startswith("default") for name in row)
            if key in last and always:
                message = f"{key!r} is written again by {dotted(path)}, so this rule never shows"
                yield _problem(document, last[key], message, "remove one of the two", fatal=False)
            last[key] = path


def _check_lua(kit: Kit) -> Iterator[Problem]:
    values = _stand_ins(parameters_of(kit))
    engine: LuaEngine | None = None
    for document in (kit.playbook, kit.connection):
        for path, body in _bodies(document.value, ()):
            engine = LuaEngine() if engine is None else engine
            try:
                engine.compile(insert(body, values), "")
            except ConfigurationError as fault:
                yield _problem(document, path, fault.message.partition("; correct")[0], "correct the Lua body")


def _bodies(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """The Lua bodies of a document, wherever they stand."""
    if isinstance(value, dict):
        if value.get("lang") == "lua" and isinstance(value.get("body"), str):
            yield (*path, "body"), value["body"]
        for key, item in value.items():
            yield from _bodies(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _bodies(item, (*path, index))


def _stand_ins(parameters: tuple[Parameter, ...]) -> ParameterValues:
    """A value for every parameter, good enough to see whether Lua compiles: unset stands as nil."""
    return {parameter.name: UNSET for parameter in parameters}
