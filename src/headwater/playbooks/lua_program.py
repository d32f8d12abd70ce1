"""Programs: the Lua bodies of the sections that apply to an event, generated into one function that runs them all.

Crossing into the interpreter costs more than most bodies, so it happens once per event. A pure body takes the values at
its paths as arguments and never sees a table for the event; any other body gets an event of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from headwater.playbooks.lua_analysis import WHOLE, Analysis

Path = tuple[str, ...]

ARGUMENT_LIMIT = 60
"""Paths that are handed over one by one; with more, the whole event goes over (Lua 5.1 allows 60 upvalues)."""


def argument_names(paths: Iterable[Path]) -> dict[Path, str]:
    """A Lua variable for each path, readable in messages: `input_context_ip`."""
    names: dict[Path, str] = {}
    taken: set[str] = set()
    for path in sorted(paths):
        name = "input_" + "_".join(path)
        while name in taken:
            name += "_"
        taken.add(name)
        names[path] = name
    return names


def readable(message: str, names: dict[Path, str]) -> str:
    """A message about such a variable in the author's words: `field 'ip'` instead of `local 'input_context_ip'`."""
    for path, name in names.items():
        for kind in ("local", "upvalue"):
            message = message.replace(f"{kind} '{name}'", f"field '{path[-1]}'")
    return message


def by_path_source(bodies: Sequence[Analysis], conditional: Sequence[bool], paths: Sequence[Path]) -> str:
    """Lua source of a program whose arguments are the conditions, then the values at `paths`."""
    names = {path: f"a{index}" for index, path in enumerate(paths)}
    calls = []
    for index, analysis in enumerate(bodies, 1):
        if analysis.pure:
            given = "".join(f", {names[path]}" for path in argument_names(analysis.paths))
            calls.append(f"leave((bodies[{index}]({given[2:]})))")
        else:
            calls.append(f"leave(apart(bodies[{index}], {_constructor(analysis.paths, names)}))")
    return _source(calls, conditional, [names[path] for path in paths])


def whole_source(bodies: Sequence[Analysis], conditional: Sequence[bool]) -> str:
    """Lua source of a program whose arguments are the conditions, then the event."""
    calls = [
        f"leave({'together' if analysis.pure else 'apart'}(bodies[{index}], event))"
        for index, analysis in enumerate(bodies, 1)
    ]
    return _source(calls, conditional, ["event"])


def _source(calls: Sequence[str], conditional: Sequence[bool], arguments: Sequence[str]) -> str:
    conditions = [f"c{index}" for index, wanted in enumerate(conditional, 1) if wanted]
    parameters = ", ".join([*conditions, *arguments])
    results = [f"r{index}" for index in range(1, len(calls) + 1)]
    guards = [f"if c{index} then " if wanted else "" for index, wanted in enumerate(conditional, 1)]
    all_lines = [
        f"start({index}) {guard}{result} = {call}{' end' if guard else ''}"
        for index, (guard, result, call) in enumerate(zip(guards, results, calls, strict=True), 1)
    ]
    one_lines = [
        f"if which == {index} then {guard}return {call}{' end' if guard else ''} end"
        for index, (guard, call) in enumerate(zip(guards, calls, strict=True), 1)
    ]
    return "\n".join(
        [
            "local bodies, start, leave, apart, together = ...",
            f"return function({parameters})",
            f"local {', '.join(results)}",
            *all_lines,
            f"return {', '.join(results)}",
            "end,",
            f"function(which{', ' if parameters else ''}{parameters})",
            *one_lines,
            "end",
        ]
    )


def _constructor(paths: frozenset[Path], names: dict[Path, str]) -> str:
    """A table constructor that puts the arguments back at their paths."""
    tree: dict[str, Any] = {}
    for path in sorted(paths):
        if any(path[:length] in paths for length in range(1, len(path))):
            continue  # inside a value that is handed over whole
        node = tree
        for segment in path[:-1]:
            node = node.setdefault(segment, {})
        node[path[-1]] = names[path]
    return _table(tree)


def _table(node: dict[str, Any] | str) -> str:
    if isinstance(node, str):
        return node
    return "{" + ", ".join(f'["{key}"] = {_table(below)}' for key, below in node.items()) + "}"


def reads_whole_event(bodies: Sequence[Analysis]) -> bool:
    """Whether the event has to be handed over whole: a body reads it so, or there are too many paths."""
    paths = set().union(*(analysis.paths for analysis in bodies))
    return WHOLE in paths or len(paths) + len(bodies) > ARGUMENT_LIMIT
