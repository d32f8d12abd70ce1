"""The rules of public access as a value, and in PostgreSQL."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec

from headwater.database.queries import load
from headwater.errors import InputError
from headwater.pipelines.changes import Change
from headwater.profiles.schema import Schema
from headwater.profiles.versions import version_store

QUERIES = load("headwater.profiles.public_access")
SUBJECT = "public access"

_DOMAIN = re.compile(r"(?:\*\.)?(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*")
_Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class PublicAccess(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a browser may read.

    `domains` of pages that may ask, such as `shop.example` or `*.shop.example`; `fields` that may leave, and no others; `lookup_fields`:
    identifiers by which a visitor may ask. A profile that is not found within `timeout_milliseconds` counts as unknown.
    """

    enabled: bool = False
    domains: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    lookup_fields: tuple[str, ...] = ("_uids", "anonymous_id")
    timeout_milliseconds: Annotated[int, msgspec.Meta(ge=1, le=60_000)] = 1_000
    requests_per_minute: _Count = 120

    def admits(self, page: str) -> bool:
        """Whether a page with this address (of the header Origin or Referer) may ask."""
        if not self.enabled:
            return False
        try:
            host = (urlsplit(page).hostname or "").rstrip(".")
        except ValueError:
            return False
        return any(_matches(host, domain) for domain in self.domains)


def _matches(host: str, domain: str) -> bool:
    if domain.startswith("*."):
        return host.endswith(domain[1:])
    return bool(host) and host == domain


async def rules(connection: Any) -> PublicAccess:
    """The rules in force."""
    row = await connection.fetchrow(QUERIES["public_access"])
    return msgspec.convert(dict(row), PublicAccess)


async def replace(made: Change, wanted: PublicAccess) -> PublicAccess:
    """Replace the rules. Raises InputError for a domain that is none, or a field that the live schema does not have."""
    _check_domains(wanted.domains)
    schema = (await version_store.live(made.connection)).schema
    _check_fields(wanted, schema)
    before = await rules(made.connection)
    await made.connection.execute(
        QUERIES["update_public_access"], *(getattr(wanted, name) for name in PublicAccess.__struct_fields__)
    )
    await made.record("public access changed", SUBJECT, before, wanted)
    return wanted


def _check_domains(domains: tuple[str, ...]) -> None:
    for domain in domains:
        if not _DOMAIN.fullmatch(domain) or domain == "*":
            raise InputError(f"{domain!r} is no domain; write shop.example or *.shop.example", "domains")


def _check_fields(wanted: PublicAccess, schema: Schema) -> None:
    known = {field.id: field for field in schema.fields}
    for name in wanted.fields:
        if name not in known:
            raise InputError(f"there is no field {name!r}", "fields")
        if known[name].is_pii:
            raise InputError(f"{name!r} is personal data; it cannot be public", "fields")
    for name in wanted.lookup_fields:
        if name not in schema.ranks:
            raise InputError(f"{name!r} is no identifier", "lookup_fields")
        if known[name].is_pii:
            raise InputError(f"{name!r} is personal data; whoever guesses a value could ask for it", "lookup_fields")
