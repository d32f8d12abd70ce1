"""Versions of the schema: draft, published, live."""

import asyncio

import msgspec
import pytest

from headwater.errors import InputError
from headwater.pipelines import audit_log
from headwater.pipelines.changes import change
from headwater.profiles.schema import Field, Mapping
from headwater.profiles.schema_edits import SchemaEdit, find_mapping, mapping_id
from headwater.profiles.versions import draft_store, patch_store, version_store

POINTS = SchemaEdit({"points": Field("points", "int")}, {"new": Mapping("points", "loyalty_points")})
CARD = SchemaEdit({"card": Field("card", is_identifier=True)}, {"new": Mapping("card", "loyalty_card")})


async def edit(schema_pool, wanted, actor="ann"):
    async with change(schema_pool, actor) as made:
        return await draft_store.edit(made, wanted)


async def publish(schema_pool, tag="t", revision=None):
    async with change(schema_pool, "ann") as made:
        return await draft_store.publish(made, tag=tag, description="why", revision=revision)


async def test_the_first_version_is_made_once(schema_pool):
    """Several processes that start together publish one version, which is live."""
    await asyncio.gather(*(version_store.ensure_first(schema_pool) for _ in range(4)))
    (first,) = await version_store.every(schema_pool)
    assert (first.number, first.state, first.effect) == (1, "live", "none")
    assert (await version_store.live(schema_pool)).schema.version == "1"


async def test_a_change_for_new_events_goes_live_at_once(schema_pool):
    """A field with its mapping: the draft differs from what is live until it is published, then there is no draft."""
    drafted = await edit(schema_pool, POINTS)
    assert drafted.schema.field("points") is not None
    assert (await version_store.live(schema_pool)).schema.field("points") is None
    published = await publish(schema_pool)
    assert (published.number, published.summary.state, published.summary.effect) == (2, "live", "new events")
    assert (await draft_store.draft(schema_pool)).revision == 0
    assert [each.state for each in await version_store.every(schema_pool)] == ["live", "former"]


async def test_a_change_of_identity_waits_for_a_rebuild(schema_pool):
    """A new identifier is ranked last and published, but the old version stays live until profiles were built anew."""
    await edit(schema_pool, CARD)
    published = await publish(schema_pool)
    assert (published.summary.state, published.summary.effect) == ("waiting", "rebuild")
    assert published.schema.ranks[-1] == "card"
    assert (await version_store.live(schema_pool)).number == 1
    assert (await version_store.waiting(schema_pool)).number == 2
    async with change(schema_pool, "rebuild") as made:
        assert (await version_store.go_live(made, 2)).number == 2
    assert await version_store.waiting(schema_pool) is None


async def test_a_version_that_came_during_a_rebuild_follows_it(schema_pool):
    """What new events suffice for goes live with the version that was built, what does not goes on waiting."""
    await edit(schema_pool, CARD)
    await publish(schema_pool)
    await edit(schema_pool, POINTS)
    assert (await publish(schema_pool)).summary.state == "waiting"
    async with change(schema_pool, "rebuild") as made:
        assert (await version_store.go_live(made, 2)).number == 3
        with pytest.raises(InputError, match="version 3 is live"):
            await version_store.go_live(made, 2)


async def test_a_faulty_edit_is_refused_with_its_place(schema_pool):
    """The draft never holds a fault: unknown function, operator of an identifier, mapping of no field."""
    faulty = [
        (SchemaEdit(mappings={"n": Mapping("name", "emial(x)")}), r"mappings\.\d+\.expr: unknown function 'emial'"),
        (SchemaEdit({"x": Field("x", mergeop="latest", is_identifier=True)}), r"fields\.x\.mergeop: "),
        (SchemaEdit({"x": Field("x", "string", mergeop="sum")}), r"fields\.x\.mergeop: "),
        (SchemaEdit(mappings={"n": Mapping("nmae", "x")}), "did you mean 'name'"),
        (SchemaEdit(ranks=("nobody",)), "ranks: 'nobody' is no identifier"),
    ]
    for wanted, reason in faulty:
        with pytest.raises(InputError, match=reason):
            await edit(schema_pool, wanted)
    assert (await draft_store.draft(schema_pool)).revision == 0


async def test_somebody_elses_draft_is_not_published_unseen(schema_pool):
    """Publishing names the draft that was looked at; if another person edited it meanwhile, nothing happens."""
    seen = await edit(schema_pool, POINTS, "ann")
    await edit(schema_pool, CARD, "bob")
    with pytest.raises(InputError, match="edited by ann, bob"):
        await publish(schema_pool, revision=seen.revision)
    assert len(await version_store.every(schema_pool)) == 1


async def test_an_undone_edit_leaves_no_draft_and_nothing_to_publish(schema_pool):
    """A draft equal to the newest version is none."""
    await edit(schema_pool, SchemaEdit({"points": Field("points", "int")}))
    assert (await edit(schema_pool, SchemaEdit({"points": None}))).revision == 0
    with pytest.raises(InputError, match="nothing to publish"):
        await publish(schema_pool)


async def test_a_patch_goes_out_without_the_draft(schema_pool):
    """A patch is published on its own; what others have in the draft stays there, with the patch in it."""
    await edit(schema_pool, CARD, "bob")
    async with change(schema_pool, "ann") as made:
        await patch_store.put(made, "points", "Loyalty", POINTS)
        published = await patch_store.publish(made, "points", tag="points", description="Loyalty points")
    assert published.schema.field("points") is not None
    assert published.schema.field("card") is None
    assert published.summary.state == "live"
    after = (await draft_store.draft(schema_pool)).schema
    assert (after.field("points"), after.field("card")) != (None, None)
    assert await patch_store.every(schema_pool) == []


async def test_a_changed_mapping_keeps_its_id(schema_pool):
    """The id of a mapping names it in every later version, however its expression changes."""
    held = (await version_store.live(schema_pool)).schema.mappings[0]
    name = mapping_id(held)
    drafted = await edit(schema_pool, SchemaEdit(mappings={name: msgspec.structs.replace(held, expr="other", id=name)}))
    found = find_mapping(drafted.schema, name)
    assert found.expr == "other"
    assert drafted.schema.mappings.index(found) == 0


async def test_taking_away_a_field_takes_what_refers_to_it(schema_pool):
    """Mappings, rank and settings of a removed identifier go with it."""
    schema = (await edit(schema_pool, SchemaEdit({"phone": None}))).schema
    assert "phone" not in {each.field for each in schema.sources} | set(schema.ranks) | set(schema.identifiers)


async def test_every_step_is_in_the_audit_log(schema_pool):
    """Who edited what, who published, and what went live."""
    await edit(schema_pool, POINTS, "bob")
    await publish(schema_pool)
    entries = await audit_log.entries(schema_pool, limit=3)
    assert [(each.action, each.actor) for each in entries] == [
        ("schema went live", "ann"), ("schema published", "ann"), ("schema draft edited", "bob")
    ]  # fmt: skip
    assert entries[2].after["fields.points"] == {"id": "points", "type": "int"}
