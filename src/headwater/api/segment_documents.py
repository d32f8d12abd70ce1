"""Audiences as the Lytics APIs write them: bodies to drafts, audiences to segment objects."""

from __future__ import annotations

from typing import Any

import msgspec

from headwater import jsontext
from headwater.api.lytics_replies import converted, text_of
from headwater.audiences.catalog import Catalog
from headwater.audiences.definition import has_date_math, looks_forward
from headwater.audiences.objects import Audience
from headwater.audiences.store import Draft
from headwater.errors import InputError
from headwater.expressions import ExpressionError, parse_filter

_READ_ONLY = frozenset(
    {
        "id",
        "account_id",
        "author_id",
        "created",
        "updated",
        "version",
        "invalid",
        "invalid_reason",
        "datemath_calc",
        "forward_datemath",
        "deleted",
        "size",
        "ql_resolved",
    }
)
"""Keys of a segment object that may come back with it and change nothing."""


class SegmentBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A JSON body. What is absent stays, or takes the default of a new audience.

    `withbackfill` announces those who are in the audience from the start. `schedule_exit` may be given but not turned off:
    members always leave when their time is over.
    """

    name: str | None = None
    segment_ql: str | None = None
    slug_name: str | None = None
    description: str | None = None
    kind: str | None = None
    table: str | None = None
    tags: tuple[str, ...] | None = None
    groups: tuple[str, ...] | None = None
    is_public: bool | None = None
    save_hist: bool | None = None
    emit_trigger: bool | None = None
    schedule_exit: bool | None = None
    event_fields: tuple[str, ...] | None = None
    withbackfill: bool = False


class SegmentOrder(msgspec.Struct, frozen=True):
    """What a request asks for. `by_alias`: the text names the audience, new or not."""

    draft: Draft
    with_events: bool
    by_alias: bool


def read_order(body: bytes) -> SegmentOrder:
    """A body of FilterQL or of JSON, told apart by its first character. Raises InputError."""
    text = text_of(body)
    if not text.lstrip().startswith("{"):
        return SegmentOrder(text_draft(text), False, by_alias=True)
    document = jsontext.decode(body)
    if isinstance(document, dict):
        document = {name: value for name, value in document.items() if name not in _READ_ONLY}
    given = converted(document, SegmentBody)
    if given.schedule_exit is False:
        raise InputError("members always leave when their time is over; leave it out, or true", "schedule_exit")
    if given.table not in (None, "user"):
        raise InputError(f"there is no table {given.table!r}; audiences are drawn from user", "table")
    draft = Draft(
        segment_ql=given.segment_ql,
        name=given.name,
        slug=given.slug_name,
        kind=given.kind,
        description=given.description,
        tags=given.tags,
        groups=given.groups,
        is_public=given.is_public,
        save_hist=given.save_hist,
        emit_trigger=given.emit_trigger,
        event_fields=given.event_fields,
    )
    return SegmentOrder(draft, given.withbackfill, by_alias=False)


def text_draft(text: str) -> Draft:
    """A draft from FilterQL alone: ALIAS is slug and name, the comment before it the description. Raises InputError."""
    try:
        found = parse_filter(text)
    except ExpressionError as fault:
        raise unread(fault) from None
    return Draft(segment_ql=text, name=found.alias, slug=found.alias, description=found.description.strip() or None)


def unread(fault: ExpressionError) -> InputError:
    """The refusal of a text in the words of the first Lytics API."""
    return InputError(f"Failed parsing segment QL: {fault.message}", code=fault.code)


def segment_document(
    audience: Audience, catalog: Catalog, account_id: str, *, size: int | None = None, inline: bool = False
) -> dict[str, Any]:
    """The segment object."""
    tree = catalog.trees.get(audience.id)
    reason = catalog.invalid_reason(audience)
    document = {
        "id": audience.id,
        "account_id": account_id,
        "author_id": audience.author,
        "kind": audience.kind,
        "table": audience.table,
        "name": audience.name,
        "slug_name": audience.slug,
        "segment_ql": audience.segment_ql,
        "description": audience.description,
        "is_public": audience.is_public,
        "tags": list(audience.tags),
        "groups": list(audience.groups),
        "created": audience.created,
        "updated": audience.updated,
        "version": audience.version,
        "invalid": bool(reason),
        "invalid_reason": reason,
        "datemath_calc": tree is not None and has_date_math(tree),
        "forward_datemath": tree is not None and looks_forward(tree),
        "save_hist": audience.save_hist,
        "emit_trigger": audience.emit_trigger,
        "event_fields": list(audience.event_fields),
        "schedule_exit": True,
        "deleted": False,
    }
    if size is not None:
        document["size"] = size
    if inline:
        document["ql_resolved"] = catalog.inlined(audience)
    return document
