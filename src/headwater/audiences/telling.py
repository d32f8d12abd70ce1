"""A new subscription that wants to know who is in its audiences already: they are told about in the background, page by page.

What a subscription is told this way goes to it alone. Profiles are locked while they are told about, so that nobody leaves in
between and is told about in the wrong order.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from headwater.audiences import asking
from headwater.audiences.following import InForce
from headwater.audiences.memberships import Memberships
from headwater.audiences.objects import Reason, Transition
from headwater.audiences.statements import QUERIES, of_generation
from headwater.audiences.stored_fields import StoredFields

PAGE = 500
"""Members that are told about in one transaction."""


async def tell_page(connection: Any, generation: int, in_force: InForce, now: datetime) -> bool:
    """Tell one subscription about a page of members, in the caller's transaction; False when there is nobody to tell."""
    subscription = await connection.fetchrow(QUERIES["untold"])
    if subscription is None:
        return False
    numbers = frozenset(subscription["audiences"])
    page = await connection.fetch(
        of_generation("page_of_members", generation), subscription["told"], sorted(numbers), PAGE
    )
    await connection.execute(QUERIES["advance_telling"], subscription["id"], page[-1]["id"] if page else None)
    if not page:
        return True
    await asking.lock(connection, generation, [row["component"] for row in page])
    tables = Memberships(connection, generation)
    standings = await tables.standings([row["id"] for row in page])
    rows = await connection.fetch(of_generation("fields_of", generation), list(standings))
    fields = {bytes(row["id"]): StoredFields(row["fields"]) for row in rows}
    known = in_force.situation.audience_set.by_number
    members = [
        Transition(profile_id, number, True, now, Reason("audience"))
        for profile_id in sorted(fields)
        for number in sorted(standings[profile_id].audiences & numbers)
        if number in known
    ]
    events = in_force.announcements(members, fields, subscription["id"])
    await tables.write({}, {}, (), events, in_force.pipeline_id)
    return True
