"""From the sections that apply to an event to one Python function that builds the output.

The rules are known when an integration is compiled, so the function is generated as source text: paths become `get`
calls, parents that several rules share are read once, and all Lua bodies run in one call. Values never enter the source
text except through `repr` of strings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from headwater.playbooks.lua_engine import CompiledBody, LuaBodyError, LuaEngine, Program
from headwater.playbooks.lua_program import argument_names, readable
from headwater.playbooks.lua_shortcuts import NotPlain, Shortcut, shortcut_of
from headwater.playbooks.lua_tokens import KEYWORDS
from headwater.playbooks.lua_values import NestingError, without_nulls
from headwater.playbooks.outputs import Clock, Drop, Flag
from headwater.playbooks.paths import NOTHING, Segments, merge, read, reader
from headwater.playbooks.sections import EnrichRule, LuaStep, MapRule, Section, SpreadRule
from headwater.playbooks.transforms import Transform

Note = Callable[[str, Segments, Any], None]
Build = Callable[[dict[str, Any], str, Clock, list[Flag], Note], dict[str, Any] | Drop]
"""`build(event, name, clock, flags, note)` gives the output, or the drop of the filter that failed."""

_PLAIN_RETURN = re.compile(r"\s*return\s+input(?:\.([A-Za-z_][A-Za-z0-9_]*))?\s*;?\s*")


def no_note(_where: str, _key: Segments, _value: Any) -> None:
    """The note of the fast path, which is never called."""


class RouteWriter:
    """Writes the function for the sections that apply; `traced` adds a note after each rule that wrote something."""

    def __init__(self, sections: Sequence[Section], engine: Callable[[], LuaEngine], *, traced: bool = False) -> None:
        self._sections = sections
        self._engine = engine
        self._traced = traced
        self._lines: list[str] = []
        self._scope: dict[str, Any] = {
            "reader": reader,
            "NOTHING": NOTHING,
            "merge_result": merge_result,
            "LuaBodyError": LuaBodyError,
            "NUL": "\0",
        }
        self._parents: dict[Segments, str] = {(): "event"}
        self._lua: list[LuaStep] = []
        self._bodies: list[CompiledBody] = []
        self._shortcuts: dict[str, Callable[[dict[str, Any], list[Flag]], Any]] = {}
        self._conditions: list[str] = []
        self._foreign: list[Segments] = []
        self._spread = False
        self._odd: set[Segments] = set()

    def build(self) -> Build:
        """The compiled function."""
        self._emit_filters()
        program = self._collect_lua()
        self._emit_parents(program)
        if program is not None:
            self._emit_run(program)
        self._emit(1, "out = {}")
        for section in self._sections:
            self._emit_section(section)
        self._emit(1, "return out")
        source = "def build(event, name, clock, flags, note):\n get = event.get\n" + "\n".join(self._lines)
        exec(source, self._scope)  # noqa: S102  # generated above; kit text enters only as repr of strings
        build: Build = self._scope["build"]
        return build

    def _emit(self, level: int, line: str) -> None:
        self._lines.append(" " * level + line)

    def _constant(self, value: Any) -> str:
        name = f"k{len(self._scope)}"
        self._scope[name] = value
        return name

    def _emit_filters(self) -> None:
        for section in self._sections:
            for rule in section.filters:
                drop = self._constant(Drop("playbook filter", rule.where))
                self._emit(1, f"if not {self._constant(rule.passes)}(event, name): return {drop}")

    # --- Lua: every body of all sections, collected into one program -------------------------------------------------

    def _collect_lua(self) -> Program | None:
        for section in self._sections:
            for mapping in section.mappings:
                for index, step in enumerate(mapping.steps):
                    if isinstance(step, LuaStep) and self._needs_lua(step):
                        always = mapping.path == () and index == 0
                        self._lua.append(step)
                        self._conditions.append("" if always else f"c{len(self._lua) - 1}")
            for expression in section.expressions:
                if self._needs_lua(expression):
                    self._lua.append(expression)
                    self._conditions.append("")
        if not self._lua:
            return None
        engine = self._engine()
        self._bodies = [engine.compile(step.body, step.where) for step in self._lua]
        return engine.program(self._bodies, [condition != "" for condition in self._conditions])

    def _needs_lua(self, step: LuaStep) -> bool:
        """Whether a body goes into the program; a plain one becomes a function of the event and the flags."""
        if plain_key(step) is not None:
            return False
        if step.where not in self._shortcuts:
            shortcut = shortcut_of(step.body)
            if shortcut is None:
                return True
            self._shortcuts[step.where] = with_fallback(step, shortcut, self._engine)
        return False

    def _emit_run(self, program: Program) -> None:
        for section in self._sections:
            for mapping in section.mappings:
                self._emit_condition(mapping)
        conditions = [condition for condition in self._conditions if condition]
        whole = f"{self._constant(program.run)}({', '.join([*conditions, 'event'])})"
        self._emit(1, "try:")
        if program.reads_whole_event:
            self._emit(2, f"r = {whole}")
        else:
            self._emit_arguments(program, whole, conditions)
        self._emit(1, "except LuaBodyError as fault:")
        self._emit(2, f"r = {self._constant(lua_failed)}(fault, {len(self._lua)}, flags)")
        results = "".join(f", r{index}" for index in range(len(self._lua)))
        self._emit(1, f"failures, tables{results} = r")
        self._emit(1, f"if tables is not None: tables = {self._constant(orjson.loads)}(tables)")
        places = tuple(
            (step.where, step.key, argument_names(body.analysis.paths))
            for step, body in zip(self._lua, self._bodies, strict=True)
        )
        self._emit(
            1, f"if failures is not None: {self._constant(flag_failures)}(failures, {self._constant(places)}, flags)"
        )

    def _emit_arguments(self, program: Program, whole: str, conditions: list[str]) -> None:
        direct, to_lua = (
            self._constant(frozenset({str, bool, float, type(None)})),
            self._constant(self._engine().to_lua),
        )
        names = []
        for index, path in enumerate(program.paths):
            name = f"a{index}"
            names.append(name)
            self._emit(2, f"{name} = {self._read(path)}")
            self._emit(2, f"if type({name}) not in {direct}: {name} = {to_lua}({name})")
        by_path = f"{self._constant(program.run_on)}({', '.join([*conditions, *names])})"
        self._emit(2, f"r = {whole} if odd else {by_path}" if self._odd else f"r = {by_path}")

    def _emit_condition(self, mapping: MapRule) -> None:
        """The value before a mapping's first Lua step decides whether the body runs."""
        steps = [step for step in mapping.steps if isinstance(step, LuaStep) and self._needs_lua(step)]
        if not steps or not self._conditions[self._lua.index(steps[0])]:
            return
        before = mapping.steps[: mapping.steps.index(steps[0])]
        self._emit(1, f"v = {self._read(mapping.path)}")
        for step in before:
            self._emit(1, f"if v is not None: v = {self._step(step)}")
        for step in steps:
            self._emit(1, f"c{self._lua.index(step)} = v is not None")

    # --- reading -----------------------------------------------------------------------------------------------------

    def _emit_parents(self, program: Program | None) -> None:
        paths: list[Segments] = []
        for section in self._sections:
            paths += [rule.path for rule in section.spreadings] + [rule.path for rule in section.mappings]
        lua_paths = program.paths if program is not None else ()
        self._odd = {path[:length] for path in lua_paths for length in range(1, len(path))}
        if self._odd:
            self._emit(1, "odd = False")
        parents = {path[:length] for path in (*paths, *lua_paths) for length in range(1, len(path))}
        for parent in sorted(parents):
            self._emit_parent(parent)

    def _emit_parent(self, path: Segments) -> None:
        name = f"p{len(self._parents)}"
        self._emit(1, f"{name} = {self._read(path)}")
        self._parents[path] = name
        self._emit(1, f"if type({name}) is not dict:")
        if path in self._odd:  # Lua must see what stands in the way, so it gets the whole event
            self._emit(2, f"if {name} is not None: odd = True")
        self._emit(2, f"{name} = NOTHING if {name} is None else reader({name})")

    def _read(self, path: Segments) -> str:
        if not path:
            return "event"
        if len(path) == 1:
            return f"get({path[0]!r})"
        return f"{self._parents[path[:-1]]}.get({path[-1]!r})"

    # --- writing -----------------------------------------------------------------------------------------------------

    def _emit_section(self, section: Section) -> None:
        for spread in section.spreadings:
            self._emit_spreading(spread)
        for enrichment in section.enrichments:
            self._emit_enrichment(enrichment)
        for mapping in section.mappings:
            self._emit_mapping(mapping)
        for expression in section.expressions:
            result = self._result(expression)
            self._emit(1, f"merge_result(out, {result}, {expression.where!r}, flags)")
            if self._traced:
                self._emit(1, f"note({expression.where!r}, (), {result})")

    def _emit_spreading(self, rule: SpreadRule) -> None:
        self._emit(1, f"v = {self._read(rule.path)}")
        self._emit(1, "if type(v) is dict or type(v) is list:")
        spread = self._constant(rule.spreading.spread)
        if self._traced:
            self._emit(2, f"part = {{}}; {spread}(v, part); out.update(part); note({rule.where!r}, (), part)")
        elif rule.spreading.quick is not None:
            quick, root = self._constant(rule.spreading.quick), self._constant(rule.spreading.root)
            self._emit(2, f"try: {quick}(v, out, {root})")
            self._emit(2, f"except KeyError: {spread}(v, out)")
        else:
            self._emit(2, f"{spread}(v, out)")
        self._spread = True

    def _emit_enrichment(self, rule: EnrichRule) -> None:
        value = {
            "seconds": "clock.now_ns() // 1000000000",
            "milliseconds": "clock.now_ns() // 1000000",
            "v4": "clock.new_uuid()",
        }.get(rule.source)
        self._emit(1, f"v = {self._literal(rule.value) if value is None else value}")
        self._emit_write(1, rule.output, rule.where)

    def _literal(self, value: Any) -> str:
        return repr(value) if type(value) in (str, int, bool) else self._constant(value)

    def _emit_mapping(self, rule: MapRule) -> None:
        steps = rule.steps
        if steps and not rule.path and isinstance(steps[0], LuaStep):  # a body runs whenever there is an event
            self._emit(1, f"v = {self._step(steps[0])}")
            steps = steps[1:]
        else:
            self._emit(1, f"v = {self._read(rule.path)}")
        for step in steps:
            self._emit(1, f"if v is not None: v = {self._step(step)}")
        if rule.default is not None:
            self._emit(1, f"if v is None: v = {self._literal(rule.default)}")
            self._emit_write(1, rule.output, rule.where)
        else:
            self._emit(1, "if v is not None:")
            self._emit_write(2, rule.output, rule.where)
        if not rule.steps:
            self._foreign.append(rule.output)

    def _step(self, step: Transform | LuaStep) -> str:
        return self._result(step) if isinstance(step, LuaStep) else f"{self._constant(step)}(v)"

    def _result(self, step: LuaStep) -> str:
        shortcut = self._shortcuts.get(step.where)
        if shortcut is not None:
            return f"{self._constant(shortcut)}(event, flags)"
        key = plain_key(step)
        if key is None:
            result = f"r{next(i for i, known in enumerate(self._lua) if known is step)}"
            return f"tables[int({result}[1:])] if type({result}) is str and {result}[:1] == NUL else {result}"
        return f"{self._constant(as_lua_returns)}({'event' if key == '' else f'get({key!r})'}, {step.where!r}, flags)"

    def _emit_write(self, level: int, path: Segments, where: str) -> None:
        target = "out"
        for length in range(1, len(path)):
            key, inner = repr(path[length - 1]), f"d{length}"
            self._emit(level, f"{inner} = {target}.get({key})")
            self._emit(level, f"if type({inner}) is not dict: {target}[{key}] = {inner} = {{}}")
            if self._is_shared(path[:length]):
                self._emit(level, f"else: {target}[{key}] = {inner} = dict({inner})  # may be the event's own object")
            target = inner
        self._emit(level, f"{target}[{path[-1]!r}] = v")
        if self._traced:
            self._emit(level, f"note({where!r}, {path!r}, v)")

    def _is_shared(self, path: Segments) -> bool:
        """Whether an earlier rule may have put an object of the event at or above a path of the output."""
        return self._spread or any(path[: len(foreign)] == foreign for foreign in self._foreign)


def with_fallback(
    step: LuaStep, shortcut: Shortcut, engine: Callable[[], LuaEngine]
) -> Callable[[dict[str, Any], list[Flag]], Any]:
    """A shortcut that lets Lua decide where the event holds something unusual."""
    programs: list[Program] = []

    def evaluate(event: dict[str, Any], flags: list[Flag]) -> Any:
        try:
            return shortcut(event)
        except NotPlain:
            if not programs:
                programs.append(engine().program([engine().compile(step.body, step.where)], [False]))
            return run_alone(programs[0], step, event, flags)

    return evaluate


def run_alone(program: Program, step: LuaStep, event: dict[str, Any], flags: list[Flag]) -> Any:
    """The value of a program of one body on an event; None and a flag when it fails."""
    try:
        failures, tables, result = program.run(event)
    except LuaBodyError as fault:
        failures, tables, result = None, None, lua_failed(fault, 1, flags)[0]
    if failures is not None:
        flag_failures(failures, ((step.where, step.key, {}),), flags)
    return result if tables is None else orjson.loads(tables)[0]


def plain_key(step: LuaStep) -> str | None:
    """For a body that only returns the event or one of its fields: "" or the field's name. Such a body needs no Lua."""
    match = _PLAIN_RETURN.fullmatch(step.body)
    if match is None or match[1] in KEYWORDS:
        return None
    return "" if match[1] is None else match[1]


def as_lua_returns(value: Any, where: str, flags: list[Flag]) -> Any:
    """A value of the event as it comes back from Lua: nulls gone, nothing shared. Too deep a nesting is flagged."""
    try:
        return without_nulls(value)
    except NestingError as fault:
        flags.append(Flag(where, str(fault)))
        return None


def merge_result(output: dict[str, Any], result: Any, where: str, flags: list[Flag]) -> None:
    """Merge what a section expression returned: objects deeply, nothing for nil and empty tables, else a flag."""
    if type(result) is dict:
        merge(output, result)
    elif result is not None and result != []:
        kind = "a list" if type(result) is list else "a single value"
        flags.append(Flag(where, f"the expression returned {kind}; return a table with keys"))


def lua_failed(fault: LuaBodyError, count: int, flags: list[Flag]) -> tuple[None, ...]:
    """No result from any body, because the interpreter itself gave up."""
    flags.append(Flag("lua", str(fault)))
    return (None,) * (count + 2)


def flag_failures(failures: str, places: Sequence[tuple[str, str, dict[Segments, str]]], flags: list[Flag]) -> None:
    """One flag for each body that failed. `places` has where each stands, its output key, the names of its arguments."""
    for index, message in orjson.loads(failures).items():
        where, key, names = places[int(index) - 1]
        flags.append(Flag(where, readable(message, names), key))


__all__ = ["Build", "Note", "RouteWriter", "no_note", "read"]
