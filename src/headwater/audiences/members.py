"""Reading the members of an audience page by page: of a saved one from what is written down, of a draft from its filter."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from headwater.audiences.buckets import BUCKETS, SQL
from headwater.audiences.selection import Selection
from headwater.audiences.sizes import sizes
from headwater.audiences.statements import of_generation
from headwater.errors import InputError
from headwater.profiles.store.generations import namespace_of

PAGE_LIMIT = 100
FEW = 2_000
"""The members of an audience of no more than this are found all at once and then sorted. In a larger one they are met often enough
on a walk through the profiles in order."""
_LOOK_AHEAD = 4
"""How many more rows are read than wanted, where each has to be asked once more."""


class Order(NamedTuple):
    """How members are sorted: by a field of theirs, or by id if `field` is ""."""

    field: str = ""
    descending: bool = False


class Member(NamedTuple):
    """A profile with its stored fields."""

    profile_id: bytes
    fields: Mapping[str, Any]


class Page(NamedTuple):
    """Members, and where the next page starts, "" at the end."""

    members: tuple[Member, ...]
    next: str


async def saved_page(
    connection: Any,
    generation: int,
    number: int,
    *,
    start: str = "",
    limit: int = 10,
    order: Order = Order(),  # noqa: B008  # a value that never changes
    splits: Sequence[int] = (),
) -> Page:
    """Members of a saved audience by its number."""
    namespace = namespace_of(generation)
    profiles = f"{namespace}.profiles AS p"
    if (await sizes(connection, generation)).get(number, 0) <= FEW:
        ids = [row["profile_id"] for row in await connection.fetch(of_generation("members", generation), [number])]
        condition = "p.id = ANY($1::bytea[])"
        return await _page(connection, profiles, condition, (ids,), None, start, limit, order, splits)
    source = f"{namespace}.memberships AS m JOIN {profiles} ON p.id = m.profile_id"
    return await _page(connection, source, "m.audiences @> $1", ([number],), None, start, limit, order, splits)


async def selected_page(
    connection: Any,
    chosen: Selection,
    *,
    start: str = "",
    limit: int = 10,
    order: Order = Order(),  # noqa: B008  # a value that never changes
    splits: Sequence[int] = (),
) -> Page:
    """Members of a filter that is not saved."""
    source = f"{chosen.namespace}.profiles AS p"
    asked = None if chosen.exact else chosen
    return await _page(connection, source, chosen.condition, chosen.parameters, asked, start, limit, order, splits)


async def _page(
    connection: Any,
    source: str,
    condition: str,
    parameters: tuple[object, ...],
    asked: Selection | None,
    start: str,
    limit: int,
    order: Order,
    splits: Sequence[int],
) -> Page:
    size = min(max(limit, 1), PAGE_LIMIT)
    place = _decoded(start, order)
    found: list[Member] = []
    while True:
        rows = await _rows(connection, source, condition, parameters, place, size * _LOOK_AHEAD, order, splits)
        for row in rows:
            if asked is not None and not asked.matches(row["fields"]):
                continue
            if len(found) == size:
                return Page(tuple(found), _encoded(_place(found[-1], order), order))
            found.append(Member(bytes(row["id"]), row["fields"]))
        if len(rows) < size * _LOOK_AHEAD:
            return Page(tuple(found), "")
        place = _place(Member(bytes(rows[-1]["id"]), rows[-1]["fields"]), order)


_Place = tuple[Any, bytes]
"""Value of the field that sorts, and id."""


async def _rows(
    connection: Any,
    source: str,
    condition: str,
    parameters: tuple[object, ...],
    place: _Place | None,
    size: int,
    order: Order,
    splits: Sequence[int],
) -> Any:
    values = list(parameters)

    def bound(value: object) -> str:
        values.append(value)
        return f"${len(values)}"

    conditions = [f"({condition})"]
    if splits:
        conditions.append(f"{SQL.format(id='p.id')} = ANY({bound(list(splits))}::bigint[])")
    direction, sign = ("DESC", "<") if order.descending else ("ASC", ">")
    key = f"coalesce(p.fields->{bound(order.field)}::text, 'null'::jsonb)" if order.field else ""
    if place is not None:
        value = f"{bound(place[0])}::jsonb, " if key else ""
        conditions.append(f"({key}{', ' if key else ''}p.id) {sign} ({value}{bound(place[1])}::bytea)")
    sorting = f"{key} {direction}, p.id {direction}" if key else f"p.id {direction}"
    text = f"SELECT p.id, p.fields FROM {source} WHERE {' AND '.join(conditions)} ORDER BY {sorting} LIMIT {size}"  # noqa: S608  # our own parts
    return await connection.fetch(text, *values)


def _place(member: Member, order: Order) -> _Place:
    return (member.fields.get(order.field) if order.field else None, member.profile_id)


def _encoded(place: _Place, order: Order) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([order.field, order.descending, place[0], place[1].hex()])).decode()


def _decoded(start: str, order: Order) -> _Place | None:
    if not start:
        return None
    try:
        field, descending, value, profile_id = orjson.loads(base64.urlsafe_b64decode(start))
        if (field, descending) != tuple(order):
            raise InputError("this page belongs to another order; start again", "start")
        return value, bytes.fromhex(profile_id)
    except (ValueError, TypeError, binascii.Error):
        raise InputError("no page starts there; take _next of the page before", "start") from None


def check_splits(splits: Sequence[int]) -> None:
    """Raise InputError for a bucket that there is not."""
    if any(not 0 <= each < BUCKETS for each in splits):
        raise InputError(f"buckets are 0 to {BUCKETS - 1}", "splits")
