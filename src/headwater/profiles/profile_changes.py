"""What a new resolution changes for profiles that exist: created, merged, split, renamed. Each becomes an event in the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from headwater.profiles.identifiers import Identifier
from headwater.profiles.resolution import Part

ChangeKind = Literal["created", "merged", "split", "moved", "renamed"]


class ProfileChange(msgspec.Struct, frozen=True):
    """One change. `profile` is the founder of the profile as it is now, `former` the founders of those it was made from.

    "created": no member was in a profile before. "merged": all of several profiles became this one. "split": this is a piece of
    one profile. "moved": it took pieces of several. "renamed": the same members, another founder.
    """

    kind: ChangeKind
    profile: Identifier
    former: tuple[Identifier, ...]


def profile_changes(before: Sequence[Part], after: Sequence[Part]) -> tuple[ProfileChange, ...]:
    """The changes from one set of profiles to the next, by founder. New members alone are no change."""
    old = {member: part for part in before for member in part.members}
    changes = [_change(part, old) for part in after]
    return tuple(sorted((each for each in changes if each is not None), key=lambda each: each.profile))


def _change(part: Part, old: Mapping[Identifier, Part]) -> ProfileChange | None:
    sources = {old[member] for member in part.members if member in old}
    former = tuple(sorted(source.founder for source in sources))
    if not sources:
        return ProfileChange("created", part.founder, ())
    whole = [source for source in sources if set(source.members) <= set(part.members)]
    if len(sources) > 1:
        return ProfileChange("merged" if len(whole) == len(sources) else "moved", part.founder, former)
    if not whole:
        return ProfileChange("split", part.founder, former)
    return ProfileChange("renamed", part.founder, former) if former[0] != part.founder else None
