"""Rows of a generation in and out: wide statements, a few for a whole batch."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from headwater.profiles.decisions import Decision
from headwater.profiles.drop_counts import DropCount, DropKey
from headwater.profiles.fragments import Fragment
from headwater.profiles.identifiers import Identifier
from headwater.profiles.instants import milliseconds_of
from headwater.profiles.store.batch import Arrival, Move
from headwater.profiles.store.bodies import Component, component_bytes, component_from, fragment_bytes
from headwater.profiles.store.generations import QUERIES, namespace_of

NO_SLOT = -1
NUMBERS_AT_ONCE = 1000
"""By which the sequence of component numbers goes up."""

IdentifierRow = tuple[bytes, str, str, int, bytes]
"""Id, type, value, component, profile id."""

ProfileRow = tuple[bytes, int, str, int, str, str]
"""Id, component, fields as JSON text, modified, health, reasons one a line."""

FragmentRow = tuple[bytes, int, Fragment]
"""Id, slot, fragment."""


@lru_cache(maxsize=64)
def statement(name: str, generation: int) -> str:
    """The SQL of a named statement for one generation."""
    return QUERIES[name].replace("{namespace}", namespace_of(generation))


class Tables:
    """The tables of one generation, on a connection that is in a transaction. Errors are the driver's."""

    def __init__(self, connection: Any, generation: int) -> None:
        self._connection = connection
        self._generation = generation

    async def _fetch(self, name: str, *arguments: Any) -> Any:
        return await self._connection.fetch(statement(name, self._generation), *arguments)

    async def _execute(self, name: str, *arguments: Any) -> int:
        """Run a statement; the number of rows that it wrote."""
        tag = await self._connection.execute(statement(name, self._generation), *arguments)
        return int(tag.rsplit(" ", 1)[1])

    # Reading

    async def take_messages(
        self, arrivals: Sequence[Arrival], keys: Sequence[str], fragments: Sequence[bytes | None]
    ) -> set[str]:
        """Remember the messages; the keys of those that were new. `keys` and `fragments` have key and owner's id of each."""
        rows = [
            (key, fragment, arrival.effect.time, arrival.sequence, _clean(arrival.effect.stream), _clean(arrival.name))
            for arrival, key, fragment in zip(arrivals, keys, fragments, strict=True)
        ]
        rows.sort(key=_key_and_sequence)
        return {row["key"].hex for row in await self._fetch("take_messages", *_columns(rows, 6))}

    async def components_of(self, ids: Collection[bytes]) -> dict[bytes, int]:
        """The component of each identifier that is known."""
        return dict(await self._fetch("components_of", list(ids)))

    async def neighbours(self, ids: Collection[bytes]) -> set[bytes]:
        """The ids of identifiers that have links to alarmed ones among `ids`."""
        return {row["neighbour"] for row in await self._fetch("neighbours", list(ids))}

    async def lock_components(self, numbers: Collection[int]) -> dict[int, Component]:
        """Lock components and read them; one that is no more is left out."""
        rows = await self._fetch("lock_components", sorted(numbers))
        return {number: component_from(body) for number, body in rows}

    async def fragments(self, ids: Collection[bytes]) -> list[tuple[bytes, int, bytes]]:
        """Id, slot and body of the fragments of identifiers."""
        return [tuple(row) for row in await self._fetch("fragments", list(ids))]

    async def fields_of(self, ids: Collection[bytes]) -> dict[bytes, dict[str, Any]]:
        """The stored fields of profiles by id."""
        return dict(await self._fetch("fields_of", list(ids)))

    async def number_block(self) -> range:
        """NUMBERS_AT_ONCE numbers for new components, nobody else's."""
        first = await self._connection.fetchval(statement("take_numbers", self._generation))
        return range(first, first + NUMBERS_AT_ONCE)

    async def decisions(self) -> list[Decision]:
        """What people decided and did not take back."""
        return [decision_from(row) for row in await self._fetch("decisions")]

    # Writing

    async def move_positions(self, moves: Mapping[int, Move]) -> bool:
        """Move positions on; False when one of them is not where the worker believes it."""
        rows = [(partition, move.before, move.after) for partition, move in sorted(moves.items())]
        return await self._execute("move_positions", *_columns(rows, 3)) == len(rows)

    async def insert_identifiers(self, rows: Sequence[IdentifierRow]) -> bool:
        """Write new identifiers; False when another worker wrote one of them meanwhile."""
        return await self._execute("insert_identifiers", *_columns(sorted(rows), 5)) == len(rows)

    async def move_identifiers(self, rows: Sequence[IdentifierRow]) -> None:
        """Write the component and profile of known identifiers."""
        await self._execute("move_identifiers", *_columns(sorted(rows), 5))

    async def write_components(self, components: Iterable[tuple[int, Component]]) -> None:
        """Write components by number."""
        rows = sorted((number, component_bytes(component)) for number, component in components)
        await self._execute("write_components", *_columns(rows, 2))

    async def delete_components(self, numbers: Collection[int]) -> None:
        """Forget components."""
        await self._execute("delete_components", sorted(numbers))

    async def write_borders(self, rows: Collection[tuple[bytes, bytes]]) -> None:
        """Write neighbours of alarmed identifiers."""
        await self._execute("write_borders", *_columns(sorted(rows), 2))

    async def write_fragments(self, rows: Iterable[FragmentRow]) -> None:
        """Write fragments."""
        written = sorted((each, slot, fragment_bytes(fragment)) for each, slot, fragment in rows)
        if written:
            await self._execute("write_fragments", *_columns(written, 3))

    async def write_profiles(self, rows: Sequence[ProfileRow]) -> None:
        """Write profiles."""
        await self._execute("write_profiles", *_columns(sorted(rows), 6))

    async def delete_profiles(self, ids: Collection[bytes]) -> None:
        """Forget profiles."""
        await self._execute("delete_profiles", sorted(ids))

    async def count_drops(self, drops: Mapping[DropKey, DropCount]) -> None:
        """Add to the counts of what was dropped."""
        rows = [(*key, drop.count, drop.message_id, drop.example) for key, drop in sorted(drops.items())]
        cleaned = [tuple(_clean(value) for value in row) for row in rows]
        await self._execute("count_drops", *_columns(cleaned, 6))


def _columns(rows: Sequence[Sequence[Any]], width: int) -> list[Any]:
    return list(zip(*rows, strict=True)) if rows else [[] for _ in range(width)]


def _key_and_sequence(row: Sequence[Any]) -> tuple[str, int]:
    return row[0], row[3]


def _clean(value: Any) -> Any:
    """PostgreSQL's texts cannot hold U+0000."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


def decision_from(row: Any) -> Decision:
    """A decision from its row."""
    return Decision(
        kind=row["kind"],
        left=Identifier(row["left_type"], row["left_value"]),
        right=None if row["right_type"] is None else Identifier(row["right_type"], row["right_value"]),
        by=row["decided_by"],
        at=milliseconds_of(row["decided_at"]),
        note=row["note"],
    )
