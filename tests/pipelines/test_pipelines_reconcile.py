"""Whatever an install has, applying a configuration with prune makes it that configuration."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.database import migrations
from headwater.database.pool import open_pool
from headwater.database.transactions import transaction
from headwater.pipelines import apply
from headwater.pipelines.changes import change
from headwater.pipelines.declaration import (
    Declaration,
    DeclaredContent,
    DeclaredIntegration,
    DeclaredPipeline,
    DeclaredUse,
)
from headwater.pipelines.plan import Plan, plan

slugs = st.sampled_from(["a", "b", "c"])
contents = st.builds(
    DeclaredContent,
    kit=st.just("hook"),
    texts=st.fixed_dictionaries({"playbook.yaml": st.sampled_from(["1", "2"])}),
    parameters=st.dictionaries(st.just("X"), st.sampled_from(["x", "secret://env/X"])),
)


@st.composite
def declarations(draw) -> Declaration:
    """Few names and contents, so that two of them have much in common. A held content is held by somebody."""
    keys = draw(st.lists(slugs, max_size=3))
    pipelines: dict[str, DeclaredPipeline] = {}
    integrations: dict[str, DeclaredIntegration] = {}
    names = sorted(draw(st.sets(slugs)))
    for slug in sorted(draw(st.sets(slugs))):
        content = draw(contents)
        older = draw(st.none() | contents) if names else None
        held = {} if older is None or older.digest == content.digest else {older.digest: older}
        integrations[slug] = DeclaredIntegration(slug, draw(st.sampled_from(["One", "Two"])), content, held)
    for position, name in enumerate(names):
        uses = [
            DeclaredUse(i.slug, draw(st.booleans()), next(iter(i.held), "") if position == 0 else "")
            for i in integrations.values()
            if position == 0 or draw(st.booleans())
        ]
        own_keys = tuple(sorted({f"key-{key}" for key in keys if key == name}))
        pipelines[name] = DeclaredPipeline(
            name,
            draw(st.sampled_from(["One", "Two"])),
            enabled=draw(st.booleans()),
            tag=draw(st.sampled_from([{}, {"capture": {"scroll": True}}])),
            write_keys=own_keys,
            integrations=tuple(uses),
        )
    return Declaration(pipelines, integrations)


async def reconcile(pool, desired: Declaration) -> Plan:
    """Apply with prune, and return what would be left to do."""
    async with change(pool, "test") as made:
        state = await apply.declared_state(made.connection)
        await apply.execute(made, plan(desired, state.declaration, prune=True).steps, state)
    async with transaction(pool, read_only=True) as connection:
        state = await apply.declared_state(connection)
    assert state.declaration == desired
    return plan(desired, state.declaration, prune=True)


def test_an_install_becomes_what_is_applied(database_url):
    """One configuration after another, over whatever the one before left: the state is the declaration, nothing is left to do."""
    with asyncio.Runner() as runner:
        runner.run(migrations.migrate(database_url))
        pool = runner.run(open_pool(database_url, size=2))

        @settings(max_examples=60)
        @given(declarations())
        def apply_next(desired):
            assert runner.run(reconcile(pool, desired)) == ((), ())

        apply_next()
        runner.run(pool.close())
