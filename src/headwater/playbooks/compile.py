"""Compiling a kit with its parameter values into something that runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from headwater.errors import ConfigurationError
from headwater.playbooks.authentication import Authentication, Fetched, Unsupported, sign
from headwater.playbooks.check import check_kit
from headwater.playbooks.connection import HTTP, Connection, HttpSection, connection_of
from headwater.playbooks.event_names import find, lookup_name, normalise
from headwater.playbooks.kit import Kit, parameters_of
from headwater.playbooks.lua_engine import LuaEngine
from headwater.playbooks.lua_insertion import insert
from headwater.playbooks.outputs import SYSTEM_CLOCK, Clock, Drop, Flag, Headers, HttpRequest, Output, Prepared
from headwater.playbooks.parameters import ParameterValues, resolve
from headwater.playbooks.paths import Segments, merged
from headwater.playbooks.requests import Transform, build_request
from headwater.playbooks.routes import Build, RouteWriter, no_note
from headwater.playbooks.sections import LuaStep, Section, build_section

FAN_OUT_KEY = "_metarouter_batch"
"""A list of objects under this key of the finished output becomes one output for each."""

NAME_LIMIT = 2000
"""Lookup names whose route is remembered; events may carry names without end."""


class TraceStep(msgspec.Struct, frozen=True):
    """A rule wrote `value` at `key` (dotted; "" for keys of an object merged at the root)."""

    where: str
    key: str
    value: Any


class Trace(msgspec.Struct, frozen=True):
    """What became of an event and, in order, which rule wrote what."""

    prepared: Prepared
    steps: tuple[TraceStep, ...]


class _Route(msgspec.Struct, frozen=True):
    """How events of one lookup name go: `lookup` that name, `name` the connection section ("" for none).

    `headers` is None when they depend on the event.
    """

    lookup: str
    build: Build
    section: HttpSection | None
    name: str
    headers: Headers | None


def compile_kit(
    kit: Kit, parameter_values: Mapping[str, str], *, preview: bool = False, batch_size: int | None = None
) -> CompiledIntegration:
    """Compile a kit for these parameter values.

    `batch_size`, when given, takes the place of every connection section's own.

    With `preview` True a kit whose authentication is not supported compiles all the same: its requests can be looked at,
    unsigned, but must not be sent. Raises ConfigurationError for whatever `check_kit` finds fatal, for missing
    parameters, and for values that do not fit where they stand.
    """
    fatal = [problem for problem in check_kit(kit) if problem.fatal]
    if fatal:
        more = f" (and {len(fatal) - 1} more; `headwater playbook check` lists them)" if len(fatal) > 1 else ""
        first = fatal[0]
        raise ConfigurationError(f"{first.path}: {first.message}; {first.remedy}{more}", f"{first.file}:{first.line}")
    values = resolve(parameters_of(kit), parameter_values)
    integration = CompiledIntegration(kit, values, batch_size)
    if not preview:
        integration.refuse_unsupported()
    return integration


class CompiledIntegration:
    """An integration that runs: `prepare` makes outputs of an event, `request` a request of outputs.

    Not to be used by two threads at once.
    """

    def __init__(self, kit: Kit, values: ParameterValues, batch_size: int | None = None) -> None:
        self.name = kit.name
        self.version = kit.version
        connection = connection_of(kit.connection.value, values, batch_size)
        self.connection: Connection = connection if batch_size is None else connection.with_batch_size(batch_size)
        playbook = kit.playbook.value
        self._global = build_section(playbook.get("global") or {}, values, "global")
        self._default = build_section(playbook.get("default") or {}, values, "default")
        self._specific = {
            normalise(name): build_section(row or {}, values, f"eventSpecific.{name}")
            for name, row in (playbook.get("eventSpecific") or {}).items()
        }
        self._engine: LuaEngine | None = None
        self._routes: dict[str, _Route] = {}
        self._tracks: dict[str, _Route] = {}
        self._types: dict[str, _Route] = {}
        self._builds: dict[tuple[str, bool, bool], Build] = {}
        self._transforms = self._compile_transforms(values)
        self._compile_every_body()

    # --- compiling ---------------------------------------------------------------------------------------------------

    def _interpreter(self) -> LuaEngine:
        if self._engine is None:
            self._engine = LuaEngine()
        return self._engine

    def _compile_transforms(self, values: ParameterValues) -> dict[str, Transform]:
        transforms: dict[str, Transform] = {}
        for name, section in self.connection.sections.items():
            if section.transform:
                where = f"connection {name}.transform"
                engine = self._interpreter()
                transforms[name] = engine.transform(engine.compile(insert(section.transform, values), where))
        return transforms

    def _compile_every_body(self) -> None:
        """Lua that does not compile must stop the deployment, not the first event of its name."""
        for section in (self._global, self._default, *self._specific.values()):
            steps = [step for mapping in section.mappings for step in mapping.steps if isinstance(step, LuaStep)]
            for step in (*steps, *section.expressions):
                self._interpreter().compile(step.body, step.where)

    def refuse_unsupported(self) -> None:
        """Raises ConfigurationError when a section uses an authentication that is not implemented."""
        for name, section in self.connection.sections.items():
            if isinstance(section.authentication, Unsupported):
                raise ConfigurationError(
                    f"authentication {section.authentication.name} is not supported; nothing is sent unsigned, "
                    "so use another way to authenticate with this vendor",
                    f"connection {name}.providerAuth",
                )

    def _route(self, event: dict[str, Any]) -> _Route:
        name = lookup_name(event)
        route = self._routes.get(name)
        if route is None:
            section = self.connection.section_for(name) if self.connection.kind == HTTP else None
            route = _Route(
                name,
                self._build(name, traced=False),
                section,
                section.name if section is not None else self.connection.kind if self.connection.kind != HTTP else "",
                () if section is None else section.fixed_headers,
            )
            if len(self._routes) < NAME_LIMIT:
                self._routes[name] = route
        return route

    def _remembered_route(self, event: dict[str, Any]) -> _Route:
        """The route by the name as the event writes it, remembered for the next time."""
        kind = event.get("type")
        routes, written = (self._tracks, event.get("event")) if kind == "track" else (self._types, kind)
        if type(written) is not str:
            return self._route(event)
        route = routes.get(written)
        if route is None:
            route = self._route(event)
            if len(routes) < NAME_LIMIT:
                routes[written] = route
        return route

    def _build(self, name: str, *, traced: bool) -> Build:
        own = find(self._specific, name)
        key = (
            "" if own is None else next(known for known in self._specific if self._specific[known] is own),
            own is None,
            traced,
        )
        if key not in self._builds:
            second: Section = self._default if own is None else own
            self._builds[key] = RouteWriter((self._global, second), self._interpreter, traced=traced).build()
        return self._builds[key]

    # --- running -----------------------------------------------------------------------------------------------------

    def prepare(self, event: dict[str, Any], clock: Clock = SYSTEM_CLOCK) -> Prepared:
        """The outputs of an event, or the drop with its reason. The event is not changed."""
        try:  # most events come under few names
            route = self._tracks[event["event"]] if event["type"] == "track" else self._types[event["type"]]
        except (KeyError, TypeError):
            route = self._remembered_route(event)
        flags: list[Flag] = []
        body = route.build(event, route.lookup, clock, flags, no_note)
        headers = route.headers
        if headers is not None and route.name and type(body) is dict and FAN_OUT_KEY not in body:
            return Prepared((Output(body, route.name, headers),), None, tuple(flags) if flags else ())
        return self._finish(route, event, body, flags)

    def _finish(self, route: _Route, event: dict[str, Any], body: dict[str, Any] | Drop, flags: list[Flag]) -> Prepared:
        if isinstance(body, Drop):
            return Prepared((), body)
        if not route.name:
            return Prepared((), Drop("no connection section", "connection"), tuple(flags))
        headers = route.headers
        if headers is None:
            headers = () if route.section is None else route.section.resolved_headers(event)
        if FAN_OUT_KEY not in body:
            return Prepared((Output(body, route.name, headers),), None, tuple(flags) if flags else ())
        bodies = fan_out(body)
        if not bodies:
            return Prepared((), Drop("empty fan-out", FAN_OUT_KEY), tuple(flags))
        return Prepared(tuple(Output(one, route.name, headers) for one in bodies), None, tuple(flags))

    def trace(self, event: dict[str, Any], clock: Clock = SYSTEM_CLOCK) -> Trace:
        """Like `prepare`, with the rule that wrote each key; slower."""
        name = lookup_name(event)
        steps: list[TraceStep] = []

        def note(where: str, key: Segments, value: Any) -> None:
            if key:
                steps.append(TraceStep(where, ".".join(key), value))
            elif type(value) is dict:
                steps.extend(TraceStep(where, inner, item) for inner, item in sorted(value.items()))

        flags: list[Flag] = []
        body = self._build(name, traced=True)(event, name, clock, flags, note)
        return Trace(self._finish(self._route(event), event, body, flags), tuple(steps))

    def batch_size(self, output: Output) -> int:
        """Greatest number of outputs that may share this output's request."""
        section = self.connection.sections.get(output.section)
        return 1 if section is None or section.method == "GET" else section.batch_size

    def request(self, outputs: Sequence[Output], clock: Clock = SYSTEM_CLOCK) -> HttpRequest:
        """The request for outputs that share a batch key, signed as far as that needs no network.

        For `Fetched` schemes see `authentication`. Raises TransformError when the connection's transform fails, and
        ConfigurationError for a connection that is not HTTP.
        """
        section = self.connection.sections.get(outputs[0].section)
        if section is None:
            raise ConfigurationError(f"a {self.connection.kind} connection makes no HTTP requests")
        request = build_request(section, outputs, self._transforms.get(section.name))
        return request if section.authentication is None else sign(request, section.authentication, clock)

    def authentication(self, output: Output) -> Authentication | None:
        """How the output's request is authenticated; when `Fetched`, the caller fetches a token and applies `bearer`."""
        section = self.connection.sections.get(output.section)
        return None if section is None else section.authentication

    @property
    def needs_tokens(self) -> bool:
        """Whether any request needs a token that must be fetched."""
        return any(isinstance(section.authentication, Fetched) for section in self.connection.sections.values())


def fan_out(body: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """The outputs of a body: itself, or one for each object under the fan-out key, merged over the rest of the body."""
    elements = body.get(FAN_OUT_KEY)
    if type(elements) is not list:
        return (body,)
    rest = {key: value for key, value in body.items() if key != FAN_OUT_KEY}
    return tuple(merged(rest, element) for element in elements if type(element) is dict)
