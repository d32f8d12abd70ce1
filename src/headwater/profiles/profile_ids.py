"""Ids of fragments and profiles.

A fragment's id is a keyed hash of its identifier: the same after every rebuild, and no way back to an e-mail address
without the installation's secret. A profile takes the id of one of its fragments, so every id that a profile ever had
stays an id of some fragment and can always be resolved.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from headwater.profiles.identifiers import Identifier
from headwater.profiles.identity_rules import IdentityRules
from headwater.profiles.sightings import Sighting


def fragment_id(identifier: Identifier, secret: bytes) -> str:
    """The id of an identifier's fragment: 32 hexadecimal digits. `secret` has 16 to 64 bytes."""
    # The type's length keeps ("a", "bc") and ("ab", "c") apart.
    text = f"{len(identifier.type)}:{identifier.type}{identifier.value}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=secret, digest_size=16).hexdigest()


def founder(members: Iterable[Identifier], seen: Mapping[Identifier, Sighting], rules: IdentityRules) -> Identifier:
    """The member whose fragment gives a profile its id: seen first by event time, then by rank, then by value."""

    def precedence(identifier: Identifier) -> tuple[int, int, Identifier]:
        return (seen[identifier].first, rules.rank_of(identifier.type), identifier)

    return min(members, key=precedence)
