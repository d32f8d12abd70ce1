"""What a newer kit means for the overrides on top of it: each override whose ground has changed, with what to do.

An override that the newer kit leaves alone is no conflict, and neither is one that changes at the same time: whoever changes
it has looked at it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from headwater.pipelines.overrides import KEYED, Rule, SectionOverride, kit_section, laid_over, read, rules_for
from headwater.playbooks import Kit, Problem
from headwater.playbooks.event_names import normalise

DOCUMENT = "overrides"
_SHOWN_CHARACTERS = 200
"""Rules are shown up to this length; a Lua body can be long."""


def conflicts(old: Kit, new: Kit, before: dict[str, Any], after: dict[str, Any]) -> tuple[Problem, ...]:
    """The overrides in both documents that lie over something which differs between two versions of a kit.

    `path` is the place in `after`. Raises ConfigurationError when a document is malformed.
    """
    first, second = read(before), read(after)
    found = list(_parameters(old, new, [row.get("name") for row in second.parameters]))
    found += _section(_Ground(old, new, None), first.everywhere, second.everywhere, "global")
    found += _section(_Ground(old, new, None, "default"), first.default, second.default, "default")
    for event, section in second.events.items():
        known = next((one for name, one in first.events.items() if normalise(name) == normalise(event)), None)
        if known is not None:
            found += _event(old, new, event)
            found += _section(_Ground(old, new, event), known, section, f"events.{event}")
    return tuple(found)


class _Ground:
    """The section below an override, in the old and in the new kit."""

    def __init__(self, old: Kit, new: Kit, event: str | None, name: str = "") -> None:
        self.old, self.new = (
            dict(kit.playbook.value.get(name) or {}) if name else kit_section(kit, event) for kit in (old, new)
        )

    def rules(self, group: str, key: str) -> tuple[list[Rule], list[Rule]]:
        """The rules of a group for an output key, before and now."""
        both = []
        for section in (self.old, self.new):
            rules = list(section.get(group) or ())
            both.append([rules[position] for position in rules_for(rules, key)])
        return both[0], both[1]


def _parameters(old: Kit, new: Kit, added: list[Any]) -> Iterator[Problem]:
    before, now = (_declared(kit) for kit in (old, new))
    for position, name in enumerate(added):
        if name in now - before:
            yield _problem(
                f"parameters[{position}]",
                f"the kit declares {name} itself now",
                "take it out of the overrides, or use another name if it means something else",
            )


def _declared(kit: Kit) -> set[Any]:
    return {
        row.get("name")
        for document in (kit.playbook, kit.connection)
        for row in document.value.get("params") or ()
        if isinstance(row, dict)
    }


def _event(old: Kit, new: Kit, event: str) -> Iterator[Problem]:
    had, has = (_has_section(kit, event) for kit in (old, new))
    if has and not had:
        yield _problem(
            f"events.{event}",
            "the kit has a section of its own for this event now, and the overrides lie over that instead of `default`",
            f"look at what the kit sends; take the overrides back with --restore-event '{event}' if it is enough",
        )
    if had and not has:
        yield _problem(
            f"events.{event}",
            "the kit no longer has a section for this event; the overrides lie over the rules of `default` now",
            "add the rules that you still need, or take the overrides of the event back",
        )


def _has_section(kit: Kit, event: str) -> bool:
    return any(normalise(name) == normalise(event) for name in kit.playbook.value.get("eventSpecific") or {})


def _section(ground: _Ground, before: SectionOverride, after: SectionOverride, place: str) -> Iterator[Problem]:
    for position, key in enumerate(after.remove):
        if key in before.remove:
            yield from _removed(ground, key, f"{place}.remove[{position}]")
    for group in KEYED:
        known = getattr(before, group)
        for position, row in enumerate(getattr(after, group)):
            if row in known and row.get("outputKey") not in after.remove:
                yield from _row(*ground.rules(group, row.get("outputKey")), row, f"{place}.{group}[{position}]")


def _removed(ground: _Ground, key: str, place: str) -> Iterator[Problem]:
    had, has = ([rule for group in KEYED for rule in ground.rules(group, key)[version]] for version in (0, 1))
    if had and not has:
        yield _problem(place, f"the kit itself has no rule for {key!r} any more", "take it out of the list")
    elif had != has:
        yield _problem(
            place,
            f"the kit changed its rule for {key!r} from {_shown(had)} to {_shown(has)}; it stays removed",
            "keep it removed, or take it out of the list to send the new value",
        )


def _row(old: list[Rule], new: list[Rule], row: Rule, place: str) -> Iterator[Problem]:
    key = row["outputKey"]
    back = f"or take it back with --remove {key}"
    if old == new:
        return
    if not new:
        gone = sorted(set(old[0]) - set(row))
        lost = f"; {', '.join(gone)} of the kit are gone" if gone else ""
        message = f"the kit no longer has a rule for {key!r} (it was {_shown(old)}), so the row stands alone{lost}"
        yield _problem(place, message, f"write the row whole, {back}")
    elif len(new) > 1:
        message = f"the kit has {len(new)} rules for {key!r} now: {_shown(new)}"
        yield _problem(place, message, f"remove them and write the rule whole, {back}")
    elif laid_over(new[0], row) == new[0]:
        yield _problem(place, f"the kit's own rule for {key!r} does the same now", f"keep it as a guard, {back}")
    elif not old:
        message = f"the kit has a rule of its own for {key!r} now: {_shown(new)}; the row is laid over it"
        yield _problem(place, message, f"keep the row, {back}")
    else:
        yield _changed(old[0], new[0], row, place, back)


def _changed(old: Rule, new: Rule, row: Rule, place: str, back: str) -> Problem:
    parts = [
        f"{name} from {_shown(old.get(name))} to {_shown(new.get(name))}"
        + (f", where the row says {_shown(row[name])}" if name in row else ", which the row leaves to the kit")
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]
    message = f"the kit changed its rule for {row['outputKey']!r}: {'; '.join(parts)}"
    return _problem(place, message, f"keep the row as it is, change it, {back}")


def _problem(path: str, message: str, remedy: str) -> Problem:
    return Problem(DOCUMENT, 0, path, message, remedy, fatal=False)


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    text = orjson.dumps(value, default=str).decode()
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
