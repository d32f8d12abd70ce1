"""Guards of mappings, decided together.

Many mappings have the same guard, and most guards ask for one of a few texts: the type or the name of an event. Guards on the same keys
are decided together, once for each combination of texts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from headwater.profiles.gathering import Gathering
from headwater.profiles.mapping_expressions import MappingExpression, TimeAskedError, Timeless
from headwater.profiles.remembering import Remembered, RememberedOnReturn

VERDICTS_REMEMBERED = 2_000
"""Combinations of texts that one group of guards remembers."""

TEXT_REMEMBERED = 300
"""Longest text, in characters, that is remembered."""

Verdict = tuple[bool, ...]
"""Of each guard of a group, whether it is true."""

Decide = Callable[[Gathering], Verdict]

Texts = tuple[str | None, ...]


class Guards:
    """The guards of a stream's mappings, by their text. `verdicts` says of each group which hold, `holding` which guards these are."""

    def __init__(self, guards: Mapping[str, MappingExpression]) -> None:
        groups: dict[tuple[str, ...], list[str]] = {}
        for text, guard in guards.items():
            keys = guard.keys if guard.depends_on in ("key", "values") else (text,)
            groups.setdefault(keys, []).append(text)
        self._groups = tuple(groups.values())
        self._decide = tuple(_decision([guards[text] for text in group]) for group in self._groups)

    def verdicts(self, gathering: Gathering) -> tuple[Verdict, ...]:
        """What each group says about an event."""
        return tuple([decide(gathering) for decide in self._decide])

    def holding(self, verdicts: tuple[Verdict, ...]) -> frozenset[str]:
        """The texts of the guards that are true."""
        return frozenset(
            text
            for group, verdict in zip(self._groups, verdicts, strict=True)
            for text, holds in zip(group, verdict, strict=True)
            if holds
        )


def _decision(guards: Sequence[MappingExpression]) -> Decide:
    first = guards[0]
    if first.depends_on not in ("key", "values"):
        return lambda gathering: _decided(guards, gathering)
    return _by_text(guards) if len(first.keys) == 1 else _by_texts(guards)


def _decided(guards: Sequence[MappingExpression], gathering: Gathering) -> Verdict:
    context = gathering.context
    return tuple([guard.evaluate(context) is True for guard in guards])


def _timeless_verdict(guards: Sequence[MappingExpression], values: Texts) -> Verdict | None:
    """What the guards say of these values of their keys, None for a key that is absent; None if it depends on the time."""
    context = Timeless({key: value for key, value in zip(guards[0].keys, values, strict=True) if value is not None})
    try:
        return tuple([guard.evaluate(context) is True for guard in guards])
    except TimeAskedError:
        return None


def _by_text(guards: Sequence[MappingExpression]) -> Decide:
    (key,) = guards[0].keys
    known = RememberedOnReturn[Verdict | None](lambda text: _timeless_verdict(guards, (text,)), VERDICTS_REMEMBERED)
    without = _timeless_verdict(guards, (None,))

    def decide(gathering: Gathering) -> Verdict:
        record = gathering.record
        verdict = None
        if key not in record:
            verdict = without
        elif type(value := record[key]) is str and len(value) <= TEXT_REMEMBERED:
            verdict = known.get(value) or known.meet(value, gathering.stamp)
        return _decided(guards, gathering) if verdict is None else verdict

    return decide


def _by_texts(guards: Sequence[MappingExpression]) -> Decide:
    keys = guards[0].keys
    known = Remembered[Texts, Verdict | None](lambda texts: _timeless_verdict(guards, texts), VERDICTS_REMEMBERED)

    def decide(gathering: Gathering) -> Verdict:
        record = gathering.record
        texts: list[str | None] = []
        for key in keys:
            value = record.get(key)
            if (type(value) is not str or len(value) > TEXT_REMEMBERED) and key in record:
                return _decided(guards, gathering)
            texts.append(value)
        verdict = known[tuple(texts)]
        return _decided(guards, gathering) if verdict is None else verdict

    return decide
