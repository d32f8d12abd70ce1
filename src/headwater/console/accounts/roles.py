"""What people may do: three roles, each allowed all that the one before it is."""

from __future__ import annotations

from collections.abc import Mapping

from headwater.errors import InputError

ROLES: Mapping[str, str] = {
    "viewer": "sees everything except secrets",
    "editor": "changes pipelines, integrations, audiences and the schema, and what is delivered",
    "admin": "everything, people and API tokens included",
}
"""Role names, weakest first, and what each allows."""

_RANK = {role: rank for rank, role in enumerate(ROLES)}


def at_least(role: str, needed: str) -> bool:
    """Whether somebody with `role` may do what asks for `needed`."""
    return _RANK[role] >= _RANK[needed]


def check_role(role: str) -> str:
    """Return the role. Raises InputError for an unknown one."""
    if role not in ROLES:
        raise InputError(f"{role!r} is no role; choose {', '.join(ROLES)}", "role")
    return role
