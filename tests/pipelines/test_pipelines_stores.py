"""Pipelines, integrations, revisions, deployments and tokens in the database."""

import asyncpg
import msgspec
import pytest

from headwater.audiences import store as audiences
from headwater.audiences.defaults import create_defaults
from headwater.errors import InputError
from headwater.pipelines import audit_log, deployment_store, integration_store, pipeline_store, token_store
from headwater.pipelines.changes import change
from headwater.pipelines.objects import PlainValue, RevisionContent, SealedValue


def content(stream: str = "default") -> RevisionContent:
    return RevisionContent(
        kit="lytics",
        texts={"playbook.yaml": "version: 1.0.0\n"},
        parameters={"STREAM_ID": PlainValue(stream), "API_KEY": SealedValue("mark.c2VhbGVk")},
        overrides={"global": {"add": [1.5, True, None]}},
    )


async def attached(pool, revisions: int = 3):
    """A pipeline with an integration of some revisions, the first one in use."""
    async with change(pool, "test") as made:
        pipeline = await pipeline_store.create(made, name="Web shop")
        integration = await integration_store.create(made, name="Lytics")
        for number in range(revisions):
            await integration_store.save(made, integration, content(f"s{number + 1}"))
        await deployment_store.attach(made, pipeline, integration, revision=1)
        integration = await integration_store.find(made.connection, integration.id)
    return pipeline, integration


async def test_a_pipeline_is_found_by_id_and_slug(pool):
    """Both names lead to the same pipeline with its write keys in order."""
    async with change(pool, "test") as made:
        created = await pipeline_store.create(made, name="Web shop (EU)", allowed_origins=("https://shop.example",))
        keys = [await pipeline_store.add_write_key(made, created) for _ in range(3)]
    found = await pipeline_store.find(pool, "web-shop-eu")
    assert (
        found == await pipeline_store.find(pool, created.id) == msgspec.structs.replace(created, write_keys=tuple(keys))
    )


async def test_names_that_are_taken_are_refused(pool):
    """Slugs and write keys lead to one pipeline only, and the message names the field."""
    async with change(pool, "test") as made:
        one = await pipeline_store.create(made, name="One")
        two = await pipeline_store.create(made, name="Two")
        key = await pipeline_store.add_write_key(made, one)
        for refused in (
            pipeline_store.create(made, name="One"),
            pipeline_store.update(made, msgspec.structs.replace(two, slug="one")),
            pipeline_store.add_write_key(made, two, key),
        ):
            with pytest.raises(InputError) as caught:
                await refused
            assert caught.value.code == "conflict"


async def test_a_write_key_is_taken_away_from_its_own_pipeline_only(pool):
    """A key of another pipeline is unknown here."""
    async with change(pool, "test") as made:
        one = await pipeline_store.create(made, name="One")
        two = await pipeline_store.create(made, name="Two")
        key = await pipeline_store.add_write_key(made, one)
        with pytest.raises(InputError, match="no such write key"):
            await pipeline_store.remove_write_key(made, two, key)
        await pipeline_store.remove_write_key(made, await pipeline_store.find(made.connection, "one"), key)
        assert (await pipeline_store.find(made.connection, "one")).write_keys == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [("slug", "Web"), ("slug", "a--b"), ("name", ""), ("name", "a\nb"), ("allowed_origins", ("shop.example",)),
     ("allowed_origins", ("https://shop.example/path",)), ("partial_batch_status", 204)],
)  # fmt: skip
async def test_a_wrong_field_is_named(pool, field, value):
    """The error carries the field, so that a form can show it there."""
    with pytest.raises(InputError) as caught:
        async with change(pool, "test") as made:
            await pipeline_store.create(made, **({"name": "Web"} | {field: value}))
    assert caught.value.field == field
    assert await pipeline_store.every(pool) == []


async def test_revisions_count_up_and_keep_their_content(pool):
    """Each save makes the next number; the content comes back exactly, also in a list without the kit files."""
    _, integration = await attached(pool)
    assert integration.latest_revision == 3
    assert (await integration_store.revision(pool, integration)).content == content("s3")
    assert (await integration_store.revision(pool, integration, 1)).content == content("s1")
    listed = await integration_store.revisions(pool, integration)
    assert [revision.number for revision in listed] == [3, 2, 1]
    assert {len(revision.content.texts) for revision in listed} == {0}


async def test_a_revision_never_changes(pool):
    """Not even by hand: the database refuses."""
    await attached(pool)
    with pytest.raises(asyncpg.RaiseError, match="never change"):
        await pool.execute("UPDATE revisions SET note = 'edited'")


async def test_text_that_the_database_cannot_hold_is_refused_with_its_place(pool):
    """A NUL deep in an override is named instead of failing in the driver."""
    async with change(pool, "test") as made:
        integration = await integration_store.create(made, name="Lytics")
        with pytest.raises(InputError) as caught:
            await integration_store.save(
                made, integration, msgspec.structs.replace(content(), overrides={"global": ["a\x00"]})
            )
    assert caught.value.field == "overrides.global.0"


async def test_a_deployment_changes_the_revision_and_not_the_time_of_attachment(pool):
    """Delivery goes on where it was; only the content is another."""
    pipeline, integration = await attached(pool)
    (before,) = await deployment_store.attachments(pool, pipeline)
    async with change(pool, "test") as made:
        await deployment_store.deploy(made, pipeline, integration)
    (after,) = await deployment_store.attachments(pool)
    assert (before.revision, after.revision) == (1, 3)
    assert after == msgspec.structs.replace(before, revision=3)


async def test_rolling_back_leads_down_through_what_was_used(pool):
    """From 4 by way of 1, 2, 4: back to 2, then to 1, never to 3 and never up again."""
    pipeline, integration = await attached(pool, revisions=4)
    used = []
    async with change(pool, "test") as made:
        for revision in (2, 4):
            await deployment_store.deploy(made, pipeline, integration, revision=revision)
        used.extend([(await deployment_store.roll_back(made, pipeline, integration)).revision for _ in range(2)])
        with pytest.raises(InputError, match="never used an older revision"):
            await deployment_store.roll_back(made, pipeline, integration)
    assert used == [2, 1]


async def test_what_is_not_there_cannot_be_deployed(pool):
    """A missing revision and a missing attachment are told apart."""
    pipeline, integration = await attached(pool)
    async with change(pool, "test") as made:
        with pytest.raises(InputError, match="does not have a revision 9"):
            await deployment_store.deploy(made, pipeline, integration, revision=9)
        with pytest.raises(InputError, match="already attached"):
            await deployment_store.attach(made, pipeline, integration)
        await deployment_store.detach(made, pipeline, integration)
        with pytest.raises(InputError, match="is not attached"):
            await deployment_store.deploy(made, pipeline, integration)


async def test_an_integration_in_use_is_not_deleted(pool):
    """The message names the pipelines; after detaching it works, with all revisions."""
    pipeline, integration = await attached(pool)
    async with change(pool, "test") as made:
        with pytest.raises(InputError, match="attached to web-shop"):
            await integration_store.delete(made, integration)
        await deployment_store.detach(made, pipeline, integration)
        await integration_store.delete(made, integration)
    assert await pool.fetchval("SELECT count(*) FROM revisions") == 0


async def test_deleting_a_pipeline_leaves_its_integrations(pool):
    """Another pipeline may want them."""
    pipeline, integration = await attached(pool)
    async with change(pool, "test") as made:
        await deployment_store.enable(made, pipeline, integration, enabled=False)
        await pipeline_store.delete(made, pipeline)
    assert await deployment_store.attachments(pool) == []
    assert await integration_store.every(pool) == [integration]


async def test_a_token_is_shown_once_and_stored_as_a_hash(pool):
    """Neither the token nor anything that starts like it is in the database."""
    async with change(pool, "test") as made:
        created = await token_store.create(made, name="CI", scopes=["data", "data"])
    assert len(created.raw) >= 43
    assert await token_store.every(pool) == [created.token]
    (row,) = await pool.fetch(
        "SELECT t::text AS token, (SELECT string_agg(a::text, '') FROM audit_log a) AS log FROM api_tokens t"
    )
    assert created.raw not in row["token"] + row["log"]
    assert created.token.scopes == ("data",)


async def test_scopes_are_checked(pool):
    """An unknown scope and no scope at all are refused."""
    async with change(pool, "test") as made:
        for scopes in (["everything"], []):
            with pytest.raises(InputError, match="scope"):
                await token_store.create(made, name="CI", scopes=scopes)


async def test_a_token_is_revoked_once(pool):
    """The time of the first revocation stays."""
    async with change(pool, "test") as made:
        token = (await token_store.create(made, name="CI", scopes=["data"])).token
    async with change(pool, "test") as made:
        first = await token_store.revoke(made, token.id)
    async with change(pool, "test") as made:
        assert await token_store.revoke(made, token.id) == first
        with pytest.raises(InputError, match="no token"):
            await token_store.revoke(made, "nobody")


async def test_every_change_is_in_the_audit_log_without_secrets(pool):
    """Who, what, before and after; sealed values and kit texts are not repeated."""
    pipeline, _ = await attached(pool, revisions=2)
    entries = await audit_log.entries(pool)
    assert [entry.action for entry in reversed(entries)] == [
        "pipeline created", "integration created", "revision saved", "revision saved", "integration attached",
    ]  # fmt: skip
    assert {entry.actor for entry in entries} == {"test"}
    (saved,) = [e for e in entries if e.action == "revision saved" and e.before is not None]
    assert saved.before["parameters"] == {"API_KEY": "(set, not shown)", "STREAM_ID": "s1"}
    assert saved.after["parameters"]["STREAM_ID"] == "s2"
    assert "c2VhbGVk" not in str(entries)
    older = await audit_log.entries(pool, subject=pipeline_store.subject(pipeline), older_than=entries[0].id)
    assert [entry.action for entry in older] == ["pipeline created"]
    assert [e.action for e in await audit_log.entries(pool, limit=1)] == ["integration attached"]


async def test_a_failed_change_leaves_nothing(pool):
    """A change is whole or not at all, its audit entries included."""

    async def fail_halfway():
        async with change(pool, "test") as made:
            await pipeline_store.create(made, name="One")
            await pipeline_store.create(made, name="One")

    with pytest.raises(InputError):
        await fail_halfway()
    assert await pipeline_store.every(pool) == []
    assert await audit_log.entries(pool) == []


async def test_only_a_real_change_raises_the_version(pool):
    """Storing what is already there wakes nobody up."""
    async with change(pool, "test") as made:
        pipeline = await pipeline_store.create(made, name="One")
    version = await pool.fetchval("SELECT configuration_version FROM installation")
    async with change(pool, "test") as made:
        await pipeline_store.update(made, pipeline)
    assert await pool.fetchval("SELECT configuration_version FROM installation") == version


async def test_an_attachment_hears_about_chosen_audiences(pool):
    """Audiences are named by slug or id and kept by id; unknown ones and other pipelines are refused; a deleted one is forgotten."""
    await create_defaults(pool)
    async with change(pool, "test") as made:
        oslo, vip = [
            await audiences.create(made, audiences.Draft(segment_ql="FILTER EXISTS email", name=slug, slug=slug))
            for slug in ("oslo", "vip")
        ]
        pipeline = await pipeline_store.find(made.connection, "audiences")
        integration = await integration_store.create(made, name="Lytics")
        await integration_store.save(made, integration, content())
        attached = await deployment_store.attach(made, pipeline, integration, audiences=["vip", oslo.id])
        assert attached.audiences == tuple(sorted([oslo.id, vip.id]))
        with pytest.raises(InputError, match="no audience 'nobody'"):
            await deployment_store.choose(made, pipeline, integration, ["nobody"])
        other = await pipeline_store.create(made, name="Web shop")
        with pytest.raises(InputError, match="only integrations of the pipeline 'audiences'"):
            await deployment_store.attach(made, other, integration, audiences=["vip"])
    async with change(pool, "test") as made:
        for audience in (oslo, vip):
            await audiences.delete(made, audience)
        left = await deployment_store.attachment(made.connection, pipeline, integration)
        assert left.audiences == ()
        assert (await deployment_store.choose(made, pipeline, integration, None)).audiences is None
        found = await audit_log.entries(made.connection, limit=1)
        assert (found[0].action, found[0].before["audiences"], found[0].after["audiences"]) == (
            "audiences chosen",
            [],
            None,
        )
