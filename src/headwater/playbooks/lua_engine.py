"""Lua 5.1 in a sandbox: compiles bodies, runs them under a budget, and moves values in and out.

One engine has one interpreter. It is not to be used by two threads at once; each compiled integration has its own.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from typing import Any

import orjson
from lupa import lua51

from headwater.errors import ConfigurationError
from headwater.playbooks.lua_analysis import Analysis, analyse, with_arguments
from headwater.playbooks.lua_embedding import embedding_of, put_in_place
from headwater.playbooks.lua_functions import CALLBACKS
from headwater.playbooks.lua_program import Path, argument_names, by_path_source, reads_whole_event, whole_source
from headwater.playbooks.lua_values import as_after_lua

MEMORY_LIMIT = 16 * 1024 * 1024
"""Bytes that one run may add to what the interpreter already holds."""

_COLLECT_ABOVE = 24 * 1024 * 1024
_FILES = ("limits", "patterns", "json", "helpers", "driver")


class LuaBodyError(Exception):
    """A body failed while it ran; the message is for people."""


@cache
def _source(name: str) -> str:
    return resources.files("headwater.playbooks").joinpath(f"lua/{name}.lua").read_text("utf-8")


def _no_attributes(_object: Any, name: Any, _setting: bool) -> Any:
    raise AttributeError(f"{name} cannot be reached")


class LuaEngine:
    """An interpreter with the playbook language's library and nothing else."""

    def __init__(self) -> None:
        self._runtime = lua51.LuaRuntime(
            encoding="utf-8",
            unpack_returned_tuples=True,
            register_eval=False,
            register_builtins=False,
            attribute_filter=_no_attributes,
            max_memory=0,
        )
        self._driver = self._start()
        self._compile = self._driver["compile"]
        self._mark = self._driver["mark_object"]
        self._new_table = self._runtime.table
        self._table_from = self._runtime.table_from
        self._memory_used = self._runtime.get_memory_used
        self._limit_memory = self._runtime.set_max_memory

    def _start(self) -> Any:
        load = self._runtime.globals()["loadstring"]
        callbacks = self._runtime.table_from({**CALLBACKS, "seed": secrets.randbits(31)})
        parts: dict[str, Any] = {}
        for name in _FILES:
            chunk = load(_source(name), f"={name}")
            given = {
                "limits": (callbacks,),
                "patterns": (parts.get("limits"),),
                "json": (parts.get("limits"),),
                "helpers": (parts.get("limits"), parts.get("json"), callbacks),
                "driver": (parts.get("limits"), parts.get("json")),
            }[name]
            parts[name] = chunk(*given)
        globals_table = self._runtime.globals()
        for name in list(globals_table.keys()):
            globals_table[name] = None
        return parts["driver"]

    def compile(self, source: str, where: str) -> CompiledBody:
        """Compile a body whose placeholders are replaced. Raises ConfigurationError with `where` when it is no Lua."""
        try:
            analysis = analyse(source)
        except ConfigurationError as fault:
            raise ConfigurationError(f"Lua does not compile: {fault.message}; correct the body", where) from None
        answer = self._compile(source)
        if isinstance(answer, tuple):
            raise ConfigurationError(f"Lua does not compile: {answer[1]}; correct the body", where)
        return CompiledBody(answer, source, analysis)

    def program(self, bodies: Sequence[CompiledBody], conditional: Sequence[bool]) -> Program:
        """Bodies that run one after the other on the same event in one call.

        `conditional` says for which of them each run brings a condition; those whose condition is false do not run.
        """
        analyses = [body.analysis for body in bodies]
        whole = self._program(whole_source(analyses, conditional), [body.function for body in bodies], analyses)
        if reads_whole_event(analyses):
            return Program(self, whole, None, ())
        paths = tuple(sorted(set().union(*(analysis.paths for analysis in analyses))))
        functions = [self._with_arguments(body) for body in bodies]
        if any(function is None for function in functions):
            return Program(self, whole, None, ())
        by_path = self._program(by_path_source(analyses, conditional, paths), functions, analyses)
        return Program(self, whole, by_path, paths)

    def _program(self, source: str, functions: Sequence[Any], analyses: Sequence[Analysis]) -> tuple[Any, Any]:
        pure = "".join("1" if analysis.pure else "0" for analysis in analyses)
        quick, careful = self._driver["program"](source, self._table_from(functions), pure, len(functions))
        return quick, careful

    def _with_arguments(self, body: CompiledBody) -> Any:
        """The body as a function of the values at its paths; None when Lua's limits do not allow it."""
        if not body.analysis.pure or not body.analysis.paths:
            return body.function
        answer = self._compile(with_arguments(body.source, argument_names(body.analysis.paths)))
        return None if isinstance(answer, tuple) else answer

    def transform(self, body: CompiledBody) -> Callable[[Any, Any], Any]:
        """A connection's transform: `run(request, batch)` gives the changed request as plain values.

        It raises LuaBodyError when the body fails.
        """
        run = self._driver["transform"](body.function)
        embedding = embedding_of(body.source)
        # Nobody outside can know these texts, so no event can hold one.
        batch_token, body_token = secrets.token_hex(16), secrets.token_hex(16)

        def transformed(request: dict[str, Any], batch: list[Any]) -> Any:
            stand_ins: dict[str, Any] = {}
            given: Any = batch
            if embedding.batch:
                stand_ins[batch_token], given = as_after_lua(batch), batch_token
            if embedding.body and request["body"] is not None:
                stand_ins[body_token], request = as_after_lua(request["body"]), {**request, "body": body_token}
            elif embedding.batch:  # only ever replaced, so it need not go over
                request = {**request, "body": None}
            answer = self.call(run, (self.to_lua(request), self.to_lua(given)))
            if isinstance(answer, tuple):
                self._runtime.gccollect()
                raise LuaBodyError(str(answer[1]))
            changed = orjson.loads(answer)
            return put_in_place(changed, stand_ins) if stand_ins else changed

        return transformed

    def run(self, program: tuple[Any, Any], arguments: Sequence[Any]) -> tuple[Any, ...]:
        """Run a program: all bodies at once, and each alone when one of them fails. Raises LuaBodyError."""
        answer = self.call(program[0], arguments)
        if answer is False:
            self._runtime.gccollect()
            answer = self.call(program[1], arguments)
        return answer  # type: ignore[no-any-return]  # failures and results, at least two values

    def call(self, run: Any, arguments: Sequence[Any]) -> Any:
        """Call into the interpreter with the memory limit set. Raises LuaBodyError when the interpreter gives up."""
        used = self._memory_used(True)
        if used > _COLLECT_ABOVE:
            self._runtime.gccollect()
            used = self._memory_used(True)
        self._limit_memory(used + MEMORY_LIMIT, True)
        try:
            return run(*arguments)
        except UnicodeDecodeError:
            return self._repaired(run, arguments)
        except (lua51.LuaError, lua51.LuaMemoryError, OverflowError, UnicodeEncodeError) as fault:
            self._limit_memory(0)
            self._runtime.gccollect()
            raise LuaBodyError(str(fault)) from None
        finally:
            self._limit_memory(0)

    def _repaired(self, run: Any, arguments: Sequence[Any]) -> Any:
        """Once more, for an answer whose text is not UTF-8: what cannot be read becomes U+FFFD."""
        answer = self._driver["in_hex"](run)(*arguments)
        values = answer if isinstance(answer, tuple) else (answer,)
        repaired = tuple(
            bytes.fromhex(value).decode("utf-8", "replace") if isinstance(value, str) else value for value in values
        )
        return repaired if isinstance(answer, tuple) else repaired[0]

    def to_lua(self, value: Any) -> Any:
        """A JSON value as the interpreter takes it. Objects and lists become tables that share nothing with it."""
        kind = type(value)
        if kind is str or kind is bool or kind is float or value is None:
            return value
        if kind is int:
            return value if -(2**63) <= value < 2**63 else float(value)
        if kind is dict or kind is list:
            return self._table(value)
        return float(value)

    def _table(self, value: Any) -> Any:
        if _is_flat(value):
            try:
                return self._table_from(value, recursive=True)
            except OverflowError:
                return self._slow_table(value)
        try:
            text = orjson.dumps(value)
        except TypeError:
            return self._slow_table(value)
        try:
            # The copy has no object in two places; lupa takes such an object for a cycle and links the wrong table.
            copy = orjson.loads(text)
            table = self._table_from(copy, recursive=True)
        except OverflowError:
            return self._slow_table(value)
        if b"{}" in text or b"null" in text:
            self._mark_empty_objects(copy, table)
        return table

    def _mark_empty_objects(self, value: Any, table: Any) -> None:
        """An object without keys, or with nulls only, is a table like an empty list; the mark tells them apart."""
        if type(value) is dict:
            if all(item is None for item in value.values()):
                self._mark(table)
            for key, item in value.items():
                if type(item) is dict or type(item) is list:
                    self._mark_empty_objects(item, table[key])
        else:
            for index, item in enumerate(value, 1):
                if type(item) is dict or type(item) is list:
                    self._mark_empty_objects(item, table[index])

    def _slow_table(self, value: Any) -> Any:
        """The same piece by piece, for numbers that the quick way cannot carry."""
        table = self._new_table()
        if isinstance(value, dict):
            for key, item in value.items():
                if item is not None:
                    table[key] = self._slow_table(item) if isinstance(item, dict | list) else self.to_lua(item)
            return self._mark(table) if all(item is None for item in value.values()) else table
        for index, item in enumerate(value, 1):
            if item is not None:
                table[index] = self._slow_table(item) if isinstance(item, dict | list) else self.to_lua(item)
        return table

    def collect(self) -> None:
        """Free what is not used any more."""
        self._runtime.gccollect()


class CompiledBody:
    """A compiled body with its source and what is known about it."""

    __slots__ = ("analysis", "function", "source")

    def __init__(self, function: Any, source: str, analysis: Analysis) -> None:
        self.function = function
        self.source = source
        self.analysis = analysis


class Program:
    """Bodies compiled to run in one call. `paths` are the paths of the event to hand over one by one."""

    __slots__ = ("_by_path", "_engine", "_whole", "paths")

    def __init__(self, engine: LuaEngine, whole: Any, by_path: Any, paths: tuple[Path, ...]) -> None:
        self._engine = engine
        self._whole = whole
        self._by_path = by_path
        self.paths = paths

    @property
    def reads_whole_event(self) -> bool:
        """Whether the whole event must be handed over."""
        return self._by_path is None

    def run(self, *arguments: Any) -> tuple[Any, ...]:
        """Run on the conditions and the event: (failures, tables, result of body 1, of body 2, …).

        `failures` is None, or a JSON object of messages by number of body. `tables` is None, or the JSON list of all
        results that are tables; in such a result's place stands NUL and its position in the list.
        Raises LuaBodyError when the interpreter itself gives up.
        """
        *conditions, event = arguments
        return self._engine.run(self._whole, (*conditions, self._engine.to_lua(event)))

    def run_on(self, *arguments: Any) -> tuple[Any, ...]:
        """The same with the values at `paths`, converted with `LuaEngine.to_lua`, instead of the event."""
        return self._engine.run(self._by_path, arguments)


_PLAIN = frozenset({str, int, float, bool})


def _is_flat(value: Any) -> bool:
    """Whether a value is an object, or a list of different objects, that hold text, numbers and booleans only."""
    if type(value) is dict:
        return bool(value) and _PLAIN.issuperset(map(type, value.values()))
    return (
        bool(value)
        and all(type(item) is dict and item and _PLAIN.issuperset(map(type, item.values())) for item in value)
        and len(set(map(id, value))) == len(value)
    )
