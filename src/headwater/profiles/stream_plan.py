"""The mappings of a stream, made ready: for an event, the few of them that can give a value, in their order.

Events of a stream have few different sets of keys. What a set of keys decides is remembered as a *shape*: mappings whose keys are
missing are gone. Of a shape, each outcome of the guards has a *program*: the steps whose guards hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from headwater.profiles.field_steps import Step
from headwater.profiles.gathering import Gathering
from headwater.profiles.guards import Guards, Verdict
from headwater.profiles.mapping_expressions import MappingExpression

SHAPES_REMEMBERED = 500
PROGRAMS_REMEMBERED = 32
KEYS_REMEMBERED = 500
"""Most keys of a shape that is remembered."""

SimilarKeys = tuple[tuple[str, str], ...]
"""Keys that differ only in case from one that should identify, each with that one."""


class Source(NamedTuple):
    """A mapping of a stream. `guard` is the guard's text, "" for none. `step_for` makes the step for records with the same keys
    as the one given, None if these give no value; it is asked once for all records unless the expression depends on the keys' names."""

    expression: MappingExpression
    guard: str
    step_for: Callable[[Mapping[str, Any]], Step | None]


class _Shape:
    """What a set of keys decides."""

    __slots__ = ("programs", "similar", "steps")

    def __init__(self, steps: list[tuple[str, Step]], similar: SimilarKeys) -> None:
        self.steps = steps
        self.similar = similar
        self.programs: dict[tuple[Verdict, ...], tuple[Step, ...]] = {}


class StreamPlan:
    """The mappings of a stream. `guards` by text; `identifying` are the keys of identifier mappings, by their lower case."""

    def __init__(
        self, sources: Sequence[Source], guards: Mapping[str, MappingExpression], identifying: Mapping[str, str]
    ) -> None:
        self._guards = Guards(guards)
        self._identifying = identifying
        self._steps = tuple((_needs(source, guards), source, _step_for_all(source)) for source in sources)
        self._shapes: dict[tuple[str, ...], _Shape] = {}

    def read(self, gathering: Gathering) -> SimilarKeys:
        """Take all that the mappings say about an event. Returns the keys that look like misspelt identifiers."""
        record = gathering.record
        keys = tuple(record)
        shape = self._shapes.get(keys)
        if shape is None:
            shape = self._learn(keys, record)
        verdicts = self._guards.verdicts(gathering)
        program = shape.programs.get(verdicts)
        if program is None:
            program = self._program(shape, verdicts)
        for step in program:
            step(gathering)
        return shape.similar

    def _learn(self, keys: tuple[str, ...], record: Mapping[str, Any]) -> _Shape:
        present = frozenset(keys)
        steps = [
            (source.guard, step)
            for needs, source, for_all in self._steps
            if needs <= present and (step := source.step_for(record) if for_all is None else for_all) is not None
        ]
        shape = _Shape(steps, tuple(self._similar(record)))
        if len(keys) <= KEYS_REMEMBERED:
            if len(self._shapes) >= SHAPES_REMEMBERED:
                self._shapes.clear()
            self._shapes[keys] = shape
        return shape

    def _program(self, shape: _Shape, verdicts: tuple[Verdict, ...]) -> tuple[Step, ...]:
        holding = self._guards.holding(verdicts)
        program = tuple(step for guard, step in shape.steps if not guard or guard in holding)
        if len(shape.programs) >= PROGRAMS_REMEMBERED:
            shape.programs.clear()
        shape.programs[verdicts] = program
        return program

    def _similar(self, record: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        for key in record:
            known = self._identifying.get(key.lower())
            if known is not None and known != key and known not in record:
                yield key, known


def _needs(source: Source, guards: Mapping[str, MappingExpression]) -> frozenset[str]:
    needs = source.expression.needs
    return needs | guards[source.guard].guard_needs if source.guard else needs


def _step_for_all(source: Source) -> Step | None:
    """The step that is the same for all records; None if it depends on the names of the keys."""
    return None if source.expression.depends_on == "key names" else source.step_for({})
