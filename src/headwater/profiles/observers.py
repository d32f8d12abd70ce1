"""What others may do in the transaction that changes profiles: audiences watch here.

Profiles know nothing of who watches. The role that builds profiles hands observers to the builder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec


class ProfileDelta(msgspec.Struct, frozen=True):
    """One profile before and after a transaction.

    `id`          the profile's id as it is now; of a profile that is gone, its last id
    `before_ids`  ids of the profiles that this one continues, sorted; more than one after a merge, none when it is new. Of several
                  profiles that took over parts of one, each names it
    `before`      field values and meta fields of the profile of the same id before the transaction, or of the first of `before_ids`;
                  None when it is new
    `after`       the same now; None when the profile is gone
    `changed`     names of fields whose value may differ, meta fields included; all others are the same

    Values are those of `fold.Profile.fields`: datetimes for instants. Meta fields begin with "_" (`fold.profile_document`).
    """

    id: bytes
    before_ids: tuple[bytes, ...]
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    changed: frozenset[str]


class ProfileObserver(Protocol):
    """Takes part in the builder's transaction."""

    async def observe(self, connection: Any, generation: int, deltas: Sequence[ProfileDelta], now: datetime) -> None:
        """Write what follows from changed profiles with `connection` (asyncpg, inside the open transaction).

        `generation` names the tables that the profiles are in. Raises what the database raises: the whole batch is then rolled back
        and tried again, so nothing but the connection may be changed here.
        """
