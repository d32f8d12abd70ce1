"""Whatever happens in whatever order, memberships are what the filters say about the profiles as they are."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from headwater.audiences.catalog import load_catalog
from headwater.expressions import compile_filter, from_stored

FILTERS = (
    "FILTER visits >= 3",
    'FILTER AND (city == "Rome", spent > 10)',
    'FILTER last_visit > "now-2h"',
    'FILTER last_visit < "now-1h"',
    'FILTER last_visit BETWEEN "now-3h" AND "now-30m"',
    "FILTER NOT EXISTS user_id",
    'FILTER cities INTERSECTS ("Oslo", "Lima")',
    "FILTER AND (INCLUDE a0, NOT INCLUDE a2)",
    'FILTER OR (last_visit > "now-1d", visits == 2)',
    "FILTER _num_aliases > 1",
)


class _Walk:
    """A random walk: events of people whose identifiers meet by chance, time that passes, filters that change."""

    def __init__(self, people, seed: int) -> None:
        self.people = people
        self.chance = random.Random(seed)  # noqa: S311  # a walk that can be repeated
        self.audiences = []

    async def begin(self) -> None:
        for number, text in enumerate(FILTERS):
            self.audiences.append(await self.people.create(text, f"a{number}"))

    async def step(self) -> None:
        action = self.chance.choice((self.events, self.events, self.events, self.time, self.filters))
        await action()

    async def events(self) -> None:
        await self.people.do(*(self._record() for _ in range(self.chance.randint(1, 4))))

    def _record(self) -> dict:
        record: dict = {"cookie": f"c{self.chance.randrange(8)}", "ago": self.chance.randrange(7_200)}
        if self.chance.random() < 0.4:
            record["user_id"] = f"u{self.chance.randrange(4)}"
        if self.chance.random() < 0.6:
            record["city"] = self.chance.choice(("Rome", "Oslo", "Lima"))
        if self.chance.random() < 0.5:
            record["spent"] = self.chance.choice((1, 5.5, 20))
        return record

    async def time(self) -> None:
        self.people.later(seconds=self.chance.choice((1, 600, 1_800, 3_601)))
        await self.people.flip()

    async def filters(self) -> None:
        place = self.chance.choice((1, 3, 4))
        city = self.chance.choice(("Rome", "Oslo"))
        text = {1: f'FILTER AND (city == "{city}", spent > {self.chance.choice((3, 10))})',
                3: f'FILTER last_visit < "now-{self.chance.choice((1, 2))}h"',
                4: f'FILTER visits BETWEEN {self.chance.randrange(3)} AND 9'}[place]  # fmt: skip
        self.audiences[place] = await self.people.update(self.audiences[place], segment_ql=text)
        if self.chance.random() < 0.5:
            await self.people.fill()


async def _written(people) -> dict[bytes, set[int]]:
    rows = await people.stored.rows("SELECT profile_id, audiences FROM {g}.memberships")
    return {bytes(row["profile_id"]): set(row["audiences"]) for row in rows if row["audiences"]}


async def _selected(people) -> dict[bytes, set[int]]:
    """By the conditions in SQL, over the profiles as they are."""
    found: dict[bytes, set[int]] = {}
    catalog = await load_catalog(people.stored.connection)
    for audience in catalog.audiences:
        chosen = catalog.select(catalog.trees[audience.id], people.now)
        condition = "SELECT id, fields FROM {g}.profiles AS p WHERE " + chosen.condition  # noqa: S608  # our own condition
        rows = await people.stored.rows(condition, *chosen.parameters)
        for row in rows:
            if chosen.matches(row["fields"]):
                found.setdefault(bytes(row["id"]), set()).add(audience.number)
    return found


async def _evaluated(people) -> dict[bytes, set[int]]:
    """By the filters, profile by profile."""
    found: dict[bytes, set[int]] = {}
    catalog = await load_catalog(people.stored.connection)
    filters = [(each.number, compile_filter(catalog.trees[each.id], catalog.trees.get)) for each in catalog.audiences]
    for row in await people.stored.rows("SELECT id, fields FROM {g}.profiles"):
        numbers = {number for number, one in filters if one.matches(from_stored(row["fields"]), people.now)}
        if numbers:
            found[bytes(row["id"])] = numbers
    return found


async def _told(people) -> Counter[tuple[str, str]]:
    """Entries less exits, by profile and audience, of what was announced."""
    balance: Counter[tuple[str, str]] = Counter()
    for event in await people.announced():
        key = (event["properties"]["profile_id"], event["properties"]["audience"])
        balance[key] += 1 if event["event"] == "Audience Entered" else -1
    return balance


@pytest.mark.parametrize("seed", range(6))
async def test_memberships_are_what_the_filters_say(people, seed: int):
    """After a walk of events, joins, time and changed filters: live, in SQL and profile by profile, three times the same."""
    walk = _Walk(people, seed)
    await walk.begin()
    for _ in range(30):
        await walk.step()
    await people.fill()
    await people.flip()
    written = await _written(people)
    assert written == await _evaluated(people)
    assert written == await _selected(people)
    sizes = Counter(number for numbers in written.values() for number in numbers)
    slugs = {each.number: each.slug for each in walk.audiences}
    assert await people.sizes() == {slugs[number]: sizes[number] for number in slugs}


@pytest.mark.parametrize("seed", range(3))
async def test_what_was_told_adds_up_to_the_members(people, seed: int):
    """Where no filter changes and nobody is joined, entries less exits are the members, each told exactly once."""
    walk = _Walk(people, seed)
    await walk.begin()
    await people.fill()
    for number in range(25):
        people.later(seconds=walk.chance.choice((1, 900, 3_601)))
        await people.flip()
        await people.do(
            {"user_id": f"u{walk.chance.randrange(6)}", "city": walk.chance.choice(("Rome", "Oslo")), "spent": number}
        )
    await people.flip()
    slugs = {each.number: each.slug for each in walk.audiences}
    members = {
        (profile.hex(), slugs[number]): 1 for profile, numbers in (await _written(people)).items() for number in numbers
    }
    told = await _told(people)
    assert {key: count for key, count in told.items() if count} == members
