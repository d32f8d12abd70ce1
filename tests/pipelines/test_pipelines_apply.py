"""From files to an install and back."""

from pathlib import Path

import asyncpg
import msgspec
import pytest

from headwater.audiences import store as audience_store
from headwater.audiences.defaults import create_defaults as ensure_audience_defaults
from headwater.audiences.store import Draft as AudienceDraft
from headwater.database import migrations
from headwater.database.pool import open_pool
from headwater.database.transactions import transaction
from headwater.errors import ConfigurationError, InputError
from headwater.integrations import library
from headwater.pipelines import apply, bootstrap, deployment_store, integration_store, kits, pipeline_store
from headwater.pipelines.changes import change
from headwater.pipelines.folder import folder_files, read_folder, write_folder
from headwater.pipelines.objects import PlainValue, ReferenceValue, RevisionContent, SealedValue
from headwater.pipelines.plan import plan
from headwater.pipelines.revision_edit import RevisionEdit, edited, same
from headwater.pipelines.secrets import SecretBox, SecretResolver

BOX = SecretBox(b"k" * 32)
SECRETS = {"LYTICS_API_KEY": "k-1"}
PARAMETERS = {"STREAM_ID": PlainValue("default"), "API_KEY": ReferenceValue("secret://env/LYTICS_API_KEY")}


@pytest.fixture
async def other_pool(engines):
    """A second, empty install."""
    server = await asyncpg.connect(engines.database_url)
    await server.execute("DROP DATABASE IF EXISTS other_install WITH (FORCE)")
    await server.execute("CREATE DATABASE other_install TEMPLATE template0")
    url = engines.database_url.replace("/postgres?", "/other_install?")
    await migrations.migrate(url)
    pool = await open_pool(url)
    yield pool
    await pool.close()
    await server.execute("DROP DATABASE other_install WITH (FORCE)")
    await server.close()


def resolver(environment=SECRETS) -> SecretResolver:
    """A process with these environment variables."""
    return SecretResolver(BOX, environment, Path("/nowhere"))


async def state_of(pool) -> apply.DeclaredState:
    """What an install has."""
    async with transaction(pool, read_only=True) as connection:
        return await apply.declared_state(connection)


async def exported(pool) -> dict[str, str]:
    """The files of an install."""
    return dict(folder_files((await state_of(pool)).declaration, kits.find_library_texts))


async def applied(pool, folder, *, prune=False, environment=SECRETS) -> list[str]:
    """Apply a folder and return the steps."""
    state = await state_of(pool)
    found = plan(read_folder(folder, kits.find_library_texts), state.declaration, prune=prune)
    apply.check_contents(found.steps, state, resolver(environment), secrets_needed=True)
    async with change(pool, "test") as made:
        await apply.execute(made, found.steps, state)
    return [str(step) for step in found.steps]


async def unusual_install(pool) -> None:
    """The first-start default, and a pipeline that is paused at an older revision with kit files of its own."""
    await bootstrap.create_defaults(pool, BOX)
    async with change(pool, "test") as made:
        shop = await pipeline_store.create(
            made, name="Shop", allowed_origins=("https://a.example",), partial_batch_status=207
        )
        lytics = await integration_store.find(made.connection, "lytics")
        await deployment_store.attach(made, shop, lytics, enabled=False)
        before = (await integration_store.revision(made.connection, lytics)).content
        texts = before.texts | {"playbook.yaml": before.texts["playbook.yaml"] + "# ours\n"}
        edit = RevisionEdit(texts=texts, parameters={"STREAM_ID": "other"})
        await integration_store.save(made, lytics, edited(before, edit, BOX, lytics.id))
        await deployment_store.deploy(made, await pipeline_store.find(made.connection, "default"), lytics)


async def test_a_configuration_moves_to_another_install_unchanged(pool, other_pool, tmp_path):
    """Export, apply on an empty install, export: identical files, and nothing left to do on either."""
    await unusual_install(pool)
    write_folder(tmp_path, (await state_of(pool)).declaration, kits.find_library_texts)
    await applied(other_pool, tmp_path)
    files = await exported(pool)
    assert await exported(other_pool) == files
    assert len([name for name in files if "/held/" in name]) > 1
    assert await applied(other_pool, tmp_path, prune=True) == []
    assert await applied(pool, tmp_path, prune=True) == []


async def test_chosen_audiences_move_by_name(pool, other_pool, tmp_path):
    """Files name audiences by slug, so the choice holds on an install where they have other ids; without them it says so."""
    for each in (pool, other_pool):
        await ensure_audience_defaults(each)
        async with change(each, "test") as made:
            for slug in ("oslo", "vip"):
                await audience_store.create(made, AudienceDraft(segment_ql="FILTER EXISTS email", name=slug, slug=slug))
    async with change(pool, "test") as made:
        audiences = await pipeline_store.find(made.connection, "audiences")
        lytics = await integration_store.create(made, name="Lytics")
        content = RevisionContent(kit="lytics", texts=library.texts("lytics"), parameters=PARAMETERS)
        await integration_store.save(made, lytics, content)
        await deployment_store.attach(made, audiences, lytics, audiences=["vip"])
    folder_of = kits.find_library_texts
    write_folder(tmp_path, (await state_of(pool)).declaration, folder_of)
    assert "audiences:\n  - vip\n" in (tmp_path / "pipelines/audiences.yaml").read_text()
    assert "attach lytics to pipeline audiences, about vip" in await applied(other_pool, tmp_path)
    async with change(pool, "test") as made:
        await deployment_store.choose(made, audiences, lytics, ["oslo", "vip"])
    write_folder(tmp_path, (await state_of(pool)).declaration, folder_of)
    assert await applied(other_pool, tmp_path) == ["let lytics on pipeline audiences hear about oslo, vip, before: vip"]
    assert await exported(other_pool) == await exported(pool)
    async with change(other_pool, "test") as made:
        await audience_store.delete(made, await audience_store.find(made.connection, "oslo"))
    with pytest.raises(InputError, match="there is no audience 'oslo'"):
        await applied(other_pool, tmp_path)


async def test_a_secret_never_leaves(pool, tmp_path):
    """No file holds the token of the default integration; the reference that stands for it is told."""
    await unusual_install(pool)
    async with pool.acquire() as connection:
        lytics = await integration_store.find(connection, "lytics")
        sealed = (await integration_store.revision(connection, lytics)).content.parameters["API_KEY"]
    assert isinstance(sealed, SealedValue)
    raw = BOX.open(sealed.sealed, f"integration {lytics.id}: parameter API_KEY")
    texts = "".join((await exported(pool)).values())
    assert raw not in texts
    assert "API_KEY: secret://env/LYTICS_API_KEY" in texts
    assert apply.sealed_references(await state_of(pool)) == ("secret://env/LYTICS_API_KEY",)


async def test_applying_keeps_the_stored_secret(pool, tmp_path):
    """A changed parameter makes a new revision; the secret beside it stays sealed as it was."""
    await bootstrap.create_defaults(pool, BOX)
    write_folder(tmp_path, (await state_of(pool)).declaration, kits.find_library_texts)
    path = tmp_path / "integrations/lytics/integration.yaml"
    path.write_text(path.read_text().replace("STREAM_ID: default", "STREAM_ID: other"))
    steps = await applied(pool, tmp_path, environment={})
    assert steps == [
        "save revision of lytics: parameter STREAM_ID: default → other",
        "deploy the newest revision of lytics on pipeline default",
    ]
    lytics = await integration_store.find(pool, "lytics")
    one, two = [(await integration_store.revision(pool, lytics, number)).content.parameters for number in (1, 2)]
    assert one["API_KEY"] == two["API_KEY"]


async def test_a_missing_secret_is_named(pool, other_pool, tmp_path):
    """Before anything is changed, with the file and the variable."""
    await bootstrap.create_defaults(pool, BOX)
    write_folder(tmp_path, (await state_of(pool)).declaration, kits.find_library_texts)
    with pytest.raises(
        ConfigurationError, match=r"integrations/lytics: parameter API_KEY: .*LYTICS_API_KEY is not set"
    ):
        await applied(other_pool, tmp_path, environment={})
    assert await pipeline_store.every(other_pool) == []


async def test_a_secret_in_a_file_is_refused(pool, tmp_path):
    """Files go into version control; the message says what to write instead."""
    await bootstrap.create_defaults(pool, BOX)
    write_folder(tmp_path, (await state_of(pool)).declaration, kits.find_library_texts)
    path = tmp_path / "integrations/lytics/integration.yaml"
    path.write_text(path.read_text().replace("secret://env/LYTICS_API_KEY", "k-plain"))
    with pytest.raises(ConfigurationError, match="does not belong into a file") as caught:
        await applied(pool, tmp_path)
    assert "k-plain" not in str(caught.value)


async def test_a_wrong_kit_is_refused_with_its_place(pool, tmp_path):
    """A missing parameter stops the whole plan."""
    await bootstrap.create_defaults(pool, BOX)
    write_folder(tmp_path, (await state_of(pool)).declaration, kits.find_library_texts)
    path = tmp_path / "integrations/lytics/integration.yaml"
    path.write_text(path.read_text().replace("STREAM_ID: default", "STREAM: default"))
    with pytest.raises(ConfigurationError, match=r"integrations/lytics: .*STREAM"):
        await applied(pool, tmp_path)


async def test_pruning_makes_the_install_the_folder(pool, other_pool, tmp_path):
    """Over another install's default, export and apply with prune still give identical files."""
    await unusual_install(pool)
    await bootstrap.create_defaults(other_pool, BOX)
    write_folder(tmp_path, (await state_of(pool)).declaration, kits.find_library_texts)
    steps = await applied(other_pool, tmp_path, prune=True)
    assert any(step.startswith("remove write key") for step in steps)
    assert await exported(other_pool) == await exported(pool)


async def test_the_default_is_created_once(pool):
    """A pipeline with a key delivers to this install with a token that works; deleted, it stays deleted."""
    created = await bootstrap.create_defaults(pool, BOX)
    assert created is not None
    assert len(created.write_keys) == 1
    (attached,) = await deployment_store.attachments(pool, created)
    content = (await integration_store.revision(pool, await integration_store.find(pool, "lytics"))).content
    assert (content.kit, content.delivery.base_url) == ("lytics", "this-install")
    values = resolver().texts(content.parameters, attached.integration_id)
    assert values["STREAM_ID"] == "default"
    assert await pool.fetchval("SELECT scopes FROM api_tokens WHERE hash = sha256($1)", values["API_KEY"].encode()) == [
        "data"
    ]
    async with change(pool, "test") as made:
        await pipeline_store.delete(made, created)
    assert await bootstrap.create_defaults(pool, BOX) is None
    assert await pipeline_store.every(pool) == []


async def test_a_configuration_that_was_applied_first_is_left_alone(pool):
    """The first start adds nothing to what somebody already set up."""
    async with change(pool, "test") as made:
        await integration_store.create(made, name="Lytics")
    assert await bootstrap.create_defaults(pool, BOX) is None
    assert await pipeline_store.every(pool) == []


async def test_a_revision_edit_names_what_it_changes_only(pool):
    """What is not given stays; null removes a value."""
    await bootstrap.create_defaults(pool, BOX)
    lytics = await integration_store.find(pool, "lytics")
    before = (await integration_store.revision(pool, lytics)).content
    assert edited(before, RevisionEdit(), BOX, lytics.id) == before
    changed = edited(before, RevisionEdit(parameters={"STREAM_ID": "x"}), BOX, lytics.id)
    assert changed == msgspec.structs.replace(
        before, parameters=before.parameters | {"STREAM_ID": changed.parameters["STREAM_ID"]}
    )
    with pytest.raises(ConfigurationError, match="API_KEY"):
        edited(before, RevisionEdit(parameters={"API_KEY": None}), BOX, lytics.id)


async def test_the_same_secret_set_again_is_no_change(pool):
    """Two seals of one secret differ as texts; a change of kind in an override does count."""
    await bootstrap.create_defaults(pool, BOX)
    lytics = await integration_store.find(pool, "lytics")
    before = (await integration_store.revision(pool, lytics)).content
    secret = resolver().texts(before.parameters, lytics.id)["API_KEY"]
    again = edited(before, RevisionEdit(parameters={"API_KEY": secret}), BOX, lytics.id)
    other = edited(before, RevisionEdit(parameters={"API_KEY": secret + "x"}), BOX, lytics.id)
    assert again != before
    assert same(again, before, BOX, lytics.id)
    assert not same(other, before, BOX, lytics.id)
    one, true = (msgspec.structs.replace(before, overrides={"x": value}) for value in (1, True))
    assert not same(one, true, BOX, lytics.id)
