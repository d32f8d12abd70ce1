"""`headwater schema`."""

import json

import pytest

from headwater.cli import schema
from headwater.errors import ConfigurationError, InputError
from headwater.profiles.versions import version_store

FILE = "extends: default\nfields:\n  points: {type: int}\nmappings:\n  - {field: points, expr: p}\n"


@pytest.fixture
def file(tmp_path):
    written = tmp_path / "mine.yaml"
    written.write_text(FILE)
    return written


async def test_a_file_becomes_the_live_version_and_comes_out_again(install, output, file, tmp_path):
    """Import, compare, publish, list and export; what is exported says the same as what was imported."""
    await version_store.ensure_first(install.pool)
    assert "added    fields.points" in await output(schema.import_(file))
    assert "Together: new events suffice." in await output(schema.diff())
    assert (
        await output(schema.publish(tag="points", description="Loyalty")) == "Version 2 is live: new events suffice.\n"
    )
    listed = json.loads(await output(schema.versions(json=True)))
    assert [(each["number"], each["state"]) for each in listed] == [(2, "live"), (1, "former")]
    await schema.export(tmp_path / "out.yaml")
    assert await output(schema.diff(str(file), str(tmp_path / "out.yaml"))) == "No difference.\n"
    assert await output(schema.show("2")) == (tmp_path / "out.yaml").read_text()


async def test_a_version_that_needs_a_rebuild_says_so(install, output, file):
    """The person is told what to run."""
    await version_store.ensure_first(install.pool)
    file.write_text("extends: default\nwithout: [phone]\n")
    await schema.import_(file)
    printed = await output(schema.publish(tag="t", description="d"))
    assert printed.startswith("Version 2 is waiting: old events must be read again")
    assert "headwater profiles rebuild" in printed
    await schema.discard()
    with pytest.raises(InputError, match="nothing to publish"):
        await schema.publish(tag="t", description="d")


async def test_faults_of_a_file_are_told_with_their_lines_without_an_install(output, file):
    """All at once, and the command fails; import refuses the same."""
    file.write_text(FILE.replace("type: int", "type: itn, is_identifier: true").replace("expr: p", "expr: emial(p)"))
    for command in (schema.check, schema.import_):
        with pytest.raises(ConfigurationError):
            await output(command(file))
    with pytest.raises(ConfigurationError) as fault:
        await schema.import_(file)
    assert "mine.yaml:3: fields.points.type: unknown kind 'itn'; did you mean 'int'?" in str(fault.value)
    assert "mine.yaml:5: mappings.0.expr: unknown function 'emial'" in str(fault.value)


async def test_a_file_that_is_not_there_is_named(tmp_path):
    """The cause, without a traceback."""
    with pytest.raises(InputError, match=r"none\.yaml: cannot be read"):
        await schema.check(tmp_path / "none.yaml")
