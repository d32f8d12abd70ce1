"""Lua 5.1 in a sandbox: compiles bodies, runs them under a budget, and moves values in and out.

One engine has one interpreter. It is not to be used by two threads at once; each compiled integration has its own.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any

import orjson
from lupa import lua51

from headwater.errors import ConfigurationError
from headwater.playbooks.lua_analysis import WHOLE, Analysis, analyse
from headwater.playbooks.lua_functions import CALLBACKS

MEMORY_LIMIT = 16 * 1024 * 1024
"""Bytes that one run may add to what the interpreter already holds."""

ARGUMENT_LIMIT = 60
"""Paths that are handed over one by one; with more, the whole event goes over (Lua 5.1 allows 200 locals)."""

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
        self._last_as_hex = self._driver["last_as_hex"]
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
        return CompiledBody(answer, analysis)

    def program(self, bodies: list[CompiledBody]) -> Program:
        """Bodies that run one after the other on the same event in one call."""
        paths = sorted(set().union(*(body.analysis.paths for body in bodies)))
        whole = WHOLE in paths or len(paths) > ARGUMENT_LIMIT
        inner = tuple(path for path in paths if not any(path[:length] in paths for length in range(1, len(path))))
        run_whole = self._driver["program"](*self._parts(bodies, None))
        if whole:
            return Program(self, run_whole, None, ())
        return Program(self, run_whole, self._driver["program"](*self._parts(bodies, inner)), inner)

    def _parts(self, bodies: list[CompiledBody], paths: tuple[tuple[str, ...], ...] | None) -> tuple[Any, ...]:
        pure = "".join("1" if body.analysis.pure else "0" for body in bodies)
        functions = self._table_from([body.function for body in bodies])
        return functions, len(bodies), pure, self._compile(_assembler(paths))()

    def transform(self, body: CompiledBody) -> Callable[[Any, Any], Any]:
        """A connection's transform: `run(request, batch)` gives the changed request as plain values.

        It raises LuaBodyError when the body fails.
        """
        run = self._driver["transform"](body.function)

        def call(request: Any, batch: Any) -> Any:
            return self.guarded(run, self.to_lua(request), self.to_lua(batch))

        return call

    def guarded(self, run: Any, *arguments: Any) -> Any:
        """Call into the interpreter with the memory limit set; the decoded answer. Raises LuaBodyError."""
        used = self._memory_used(True)
        if used > _COLLECT_ABOVE:
            self._runtime.gccollect()
            used = self._memory_used(True)
        self._limit_memory(used + MEMORY_LIMIT, True)
        try:
            answer = run(*arguments)
        except UnicodeDecodeError:
            self._limit_memory(0)
            answer = bytes.fromhex(self._last_as_hex()).decode("utf-8", "replace")
        except (lua51.LuaError, lua51.LuaMemoryError) as fault:
            self._limit_memory(0)
            self._runtime.gccollect()
            raise LuaBodyError(str(fault)) from None
        finally:
            self._limit_memory(0)
        if isinstance(answer, tuple):
            self._runtime.gccollect()
            raise LuaBodyError(str(answer[1]))
        return orjson.loads(answer)

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
        try:
            text = orjson.dumps(value)
        except TypeError:
            return self._slow_table(value)
        # Empty objects need their mark, nulls in lists leave holes, large integers do not fit.
        if b"{}" in text or b"null" in text:
            return self._slow_table(value)
        try:
            # The copy has no object in two places; lupa takes such an object for a cycle and links the wrong table.
            return self._table_from(orjson.loads(text), recursive=True)
        except OverflowError:
            return self._slow_table(value)

    def _slow_table(self, value: Any) -> Any:
        table = self._new_table()
        if isinstance(value, dict):
            if not value:
                return self._mark(table)
            for key, item in value.items():
                if item is not None:
                    table[key] = self.to_lua(item) if not isinstance(item, dict | list) else self._slow_table(item)
            return self._mark(table) if all(item is None for item in value.values()) else table
        for index, item in enumerate(value, 1):
            if item is not None:
                table[index] = self.to_lua(item) if not isinstance(item, dict | list) else self._slow_table(item)
        return table

    def collect(self) -> None:
        """Free what is not used any more."""
        self._runtime.gccollect()


class CompiledBody:
    """A compiled body with what is known about it."""

    __slots__ = ("analysis", "function")

    def __init__(self, function: Any, analysis: Analysis) -> None:
        self.function = function
        self.analysis = analysis


class Program:
    """Bodies compiled to run in one call. `paths` are the paths of the event to hand over one by one.

    `paths` is empty and `by_path` None when the bodies may read the whole event.
    """

    __slots__ = ("_by_path", "_engine", "_whole", "paths")

    def __init__(self, engine: LuaEngine, whole: Any, by_path: Any, paths: tuple[tuple[str, ...], ...]) -> None:
        self._engine = engine
        self._whole = whole
        self._by_path = by_path
        self.paths = paths

    @property
    def reads_whole_event(self) -> bool:
        """Whether the whole event must be handed over."""
        return self._by_path is None

    def run(self, event: dict[str, Any], mask: str | None) -> list[Any]:
        """The results of the bodies on an event, None for none; one more element {index: message} when some failed."""
        engine = self._engine
        result: list[Any] = engine.guarded(self._whole, mask, engine.to_lua(event))
        return result

    def run_on(self, mask: str | None, *values: Any) -> list[Any]:
        """The same with only the values at `paths`, converted with `LuaEngine.to_lua`."""
        result: list[Any] = self._engine.guarded(self._by_path, mask, *values)
        return result


def _assembler(paths: tuple[tuple[str, ...], ...] | None) -> str:
    """Lua source of a function that builds the event from its arguments; with None the event is the argument."""
    if paths is None:
        return "return function(event) return event end"
    names = [f"a{index}" for index in range(len(paths))]
    tree: dict[str, Any] = {}
    for path, name in zip(paths, names, strict=True):
        node = tree
        for segment in path[:-1]:
            node = node.setdefault(segment, {})
        node[path[-1]] = name
    return f"return function({', '.join(names)}) return {_constructor(tree)} end"


def _constructor(node: dict[str, Any] | str) -> str:
    if isinstance(node, str):
        return node
    return "{" + ", ".join(f'["{key}"] = {_constructor(below)}' for key, below in node.items()) + "}"
