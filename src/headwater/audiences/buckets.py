"""A/B splits: every profile is in one of a hundred buckets, the same one for ever."""

from __future__ import annotations

BUCKETS = 100
SQL = (
    "((get_byte({id}, 12)::bigint * 16777216 + get_byte({id}, 13) * 65536 + get_byte({id}, 14) * 256 + get_byte({id}, 15))"
    f" % {BUCKETS})"
)
"""`bucket_of` in PostgreSQL; `{id}` is the column."""


def bucket_of(profile_id: bytes) -> int:
    """0 to 99. Ids are keyed hashes: their last bytes are as good as chance, and belong to no order that pages follow."""
    return int.from_bytes(profile_id[12:16], "big") % BUCKETS
