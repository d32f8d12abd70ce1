"""A profile is the fold of its fragments, and nothing else: computed whenever it is wanted, from what is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import msgspec

from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.fragments import Fragment, FragmentKey, days_count
from headwater.profiles.identifiers import Identifier
from headwater.profiles.sightings import Sighting


class Profile(msgspec.Struct, frozen=True):
    """What is known of one person at one instant.

    `fields` has the value of every field, instants as datetimes in UTC; identifier fields among them. `identifiers` are all
    identifiers of the profile, by rank and value. `created` and `modified` are epoch milliseconds of the first and last event.
    """

    id: str
    identifiers: tuple[Identifier, ...]
    fields: Mapping[str, Any]
    events: int = 0
    streams: tuple[str, ...] = ()
    days: int = 0
    created: int = 0
    modified: int = 0
    conflicts: tuple[str, ...] = ()


def fold(
    profile_id: str,
    members: Mapping[Identifier, Sighting],
    fragments: Mapping[FragmentKey, Fragment],
    schema: CompiledSchema,
    at: int,
    conflicts: Sequence[str] = (),
) -> Profile:
    """The profile of `members`, from `fragments` (those that these members own), as it is at `at` (epoch milliseconds).

    `conflicts` are the identifiers that links which do not hold would have joined, as text. `at` matters to members of sets
    and maps that live for a limited time, and to nothing else.
    """
    whole = reduce(schema.merge, fragments.values()) if fragments else Fragment({}, 0, 0, 0, {}, ())
    fields = _identifier_fields(members, schema)
    readers = schema.readers
    for name, state in whole.fields.items():
        if name in readers and (value := readers[name](state, at)) is not None:
            fields[name] = value
    return Profile(
        id=profile_id,
        identifiers=tuple(sorted(members, key=lambda each: (schema.rules.rank_of(each.type), each.value))),
        fields=fields,
        events=whole.events,
        streams=tuple(sorted(whole.streams)),
        days=days_count(whole.days),
        created=whole.first,
        modified=whole.last,
        conflicts=tuple(sorted(conflicts)),
    )


def _identifier_fields(members: Mapping[Identifier, Sighting], schema: CompiledSchema) -> dict[str, Any]:
    """Identifier fields: all values of a set in the order of their first event, the value seen last of a single one."""
    by_type: dict[str, list[Identifier]] = {}
    for identifier in members:
        by_type.setdefault(identifier.type, []).append(identifier)
    fields: dict[str, Any] = {}
    for name, identifiers in by_type.items():
        if name in schema.many_valued:
            ordered = sorted(identifiers, key=lambda each: (members[each].first, each.value))
            fields[name] = [each.value for each in ordered]
        else:
            fields[name] = max(identifiers, key=lambda each: (members[each].last, each.value)).value
    return fields
