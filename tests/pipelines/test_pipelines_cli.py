"""The commands that read and change the configuration."""

import asyncio
import json
import subprocess
import sys

import pytest

from headwater.audiences.defaults import create_defaults
from headwater.cli import configuration, integration, pipeline, token
from headwater.database import migrations
from headwater.database.pool import open_pool
from headwater.errors import ConfigurationError, InputError


@pytest.fixture
async def install(database_url, tmp_path, monkeypatch):
    """An install that the commands reach, with an environment of its own."""
    await migrations.migrate(database_url)
    monkeypatch.setenv("HEADWATER_DATABASE_URL", database_url)
    monkeypatch.setenv("HEADWATER_DATA_FOLDER", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")


async def run(app, *tokens):
    """Run a command line of one command group in this loop."""
    return await app.run_async(list(tokens), result_action="return_value", exit_on_error=False, print_error=False)


async def output_of(capsys, app, *tokens):
    """What a command prints, as JSON where it is asked to."""
    capsys.readouterr()
    await run(app, *tokens)
    text = capsys.readouterr().out
    return json.loads(text) if "--json" in tokens else text


async def test_a_pipeline_is_created_shown_and_deleted(install, capsys):
    """The reply to creation has the write key; deletion wants to be confirmed."""
    created = await output_of(capsys, pipeline.app, "create", "Web shop", "--origin", "https://a.example", "--json")
    assert (created["slug"], len(created["write_keys"])) == ("web-shop", 1)
    shown = await output_of(capsys, pipeline.app, "show", "web-shop")
    assert created["write_keys"][0] in shown
    added = (await output_of(capsys, pipeline.app, "write-key", "add", "web-shop")).strip()
    assert added in await output_of(capsys, pipeline.app, "write-key", "list", "web-shop", "--json")
    await run(pipeline.app, "update", "web-shop", "--no-enabled", "--any-origin")
    shown = await output_of(capsys, pipeline.app, "show", "web-shop", "--json")
    assert (shown["enabled"], shown["allowed_origins"]) == (False, [])
    with pytest.raises(InputError, match="--yes"):
        await run(pipeline.app, "delete", "web-shop")
    await run(pipeline.app, "delete", "web-shop", "--yes")
    assert await output_of(capsys, pipeline.app, "list", "--json") == []


async def test_the_way_of_an_integration(install, capsys):
    """Add, attach, set, deploy, roll back, pause: each command says what is in force."""
    await run(pipeline.app, "create", "Web")
    text = await output_of(
        capsys, integration.app, "add", "lytics", "STREAM_ID=a", "API_KEY=k-secret", "--attach", "web"
    )
    assert "web delivers to lytics" in text
    saved = await output_of(capsys, integration.app, "set", "lytics", "STREAM_ID=b", "--note", "why")
    assert "Saved revision 2" in saved
    assert "Nothing changed" in await output_of(
        capsys, integration.app, "set", "lytics", "STREAM_ID=b", "API_KEY=k-secret"
    )
    shown = await output_of(capsys, integration.app, "show", "lytics", "--json")
    assert shown["content"]["parameters"] == {"API_KEY": "(set, not shown)", "STREAM_ID": "b"}
    assert "k-secret" not in await output_of(capsys, integration.app, "show", "lytics")
    assert "revision 2" in await output_of(capsys, pipeline.app, "deploy", "web", "lytics")
    assert "revision 1" in await output_of(capsys, pipeline.app, "rollback", "web", "lytics")
    assert "paused" in await output_of(capsys, pipeline.app, "pause", "web", "lytics")
    assert "paused" not in await output_of(capsys, pipeline.app, "resume", "web", "lytics")
    listed = await output_of(capsys, integration.app, "revisions", "lytics", "--json")
    assert [(revision["number"], revision["note"]) for revision in listed] == [(2, "why"), (1, "added")]
    assert "In use on web" in await output_of(
        capsys, integration.app, "set", "lytics", "--base-url", "this-install", "--deploy"
    )
    await run(pipeline.app, "detach", "web", "lytics")
    await run(integration.app, "delete", "lytics", "--yes")
    assert await output_of(capsys, integration.app, "list", "--json") == []


async def test_audiences_of_an_integration_are_chosen(install, database_url, capsys):
    """Chosen when attaching, changed by name, ended with --every; each command says what is in force."""
    pool = await open_pool(database_url)
    await create_defaults(pool)
    await pool.close()
    await run(integration.app, "add", "lytics", "STREAM_ID=a", "API_KEY=k-secret")
    attached = await output_of(
        capsys, pipeline.app, "attach", "audiences", "lytics", "--audience", "unhealthy_profiles"
    )
    assert attached == "audiences delivers to lytics with revision 1, about unhealthy_profiles.\n"
    two = ("connected_profiles", "unhealthy_profiles")
    changed = await output_of(capsys, pipeline.app, "audiences", "audiences", "lytics", *two)
    assert "about connected_profiles, unhealthy_profiles." in changed
    assert "about connected_profiles, unhealthy_profiles" in await output_of(capsys, pipeline.app, "list")
    every = await output_of(capsys, pipeline.app, "audiences", "audiences", "lytics", "--every")
    assert every == "audiences delivers to lytics with revision 1.\n"
    with pytest.raises(InputError, match="--every"):
        await run(pipeline.app, "audiences", "audiences", "lytics")


async def test_a_kit_is_changed_by_overrides(install, capsys, tmp_path):
    """An input, an event of one's own, a parameter of one's own; taken back one by one, or replaced by a file."""
    await run(integration.app, "add", "lytics", "STREAM_ID=a", "API_KEY=k")

    async def document():
        return (await output_of(capsys, integration.app, "show", "lytics", "--json"))["content"]["overrides"]

    await run(integration.app, "set", "lytics", "id=context.my_id")
    await run(integration.app, "set", "lytics", "kind=type", "--event", "Custom Thing")
    await run(integration.app, "set", "lytics", "REGION=eu", "x=context.$$REGION$$", "--add-parameter", "REGION")
    assert await document() == {
        "parameters": [{"name": "REGION"}],
        "global": {
            "mappings": [
                {"outputKey": "id", "inputKey": "context.my_id"},
                {"outputKey": "x", "inputKey": "context.$$REGION$$"},
            ]
        },
        "events": {"Custom Thing": {"mappings": [{"outputKey": "kind", "inputKey": "type"}]}},
    }
    await run(integration.app, "set", "lytics", "--remove", "kind", "--event", "Custom Thing")
    await run(integration.app, "set", "lytics", "--remove", "id")
    with pytest.raises(InputError, match="'id'"):
        await run(integration.app, "set", "lytics", "--remove", "id")
    (tmp_path / "overrides.yaml").write_text("global:\n  remove: [nothing]\n")
    with pytest.raises(ConfigurationError, match="the kit has no rule for 'nothing'"):
        await run(integration.app, "set", "lytics", "--overrides-file", str(tmp_path / "overrides.yaml"))
    (tmp_path / "overrides.yaml").write_text("global:\n  remove: [id]\n")
    await run(
        integration.app, "set", "lytics", "--remove", "REGION", "--overrides-file", str(tmp_path / "overrides.yaml")
    )
    assert await document() == {"global": {"remove": ["id"]}}


async def test_fixed_values_and_drops(install, capsys):
    """From the command line: a fixed value, a rule and an event less, and back."""
    await run(integration.app, "add", "lytics", "STREAM_ID=a", "API_KEY=k")

    async def document():
        return (await output_of(capsys, integration.app, "show", "lytics", "--json"))["content"]["overrides"]

    await run(integration.app, "set", "lytics", "--fixed", "source=web", "--fixed", "shop=7", "--drop", "category")
    await run(integration.app, "set", "lytics", "--drop-event", "Order Refunded")
    assert await document() == {
        "global": {
            "remove": ["category"],
            "filters": [{"byEventNames": {"action": "deny", "events": ["Order Refunded"]}}],
            "enrichments": [{"outputKey": "source", "staticString": "web"}, {"outputKey": "shop", "staticInt": 7}],
        }
    }
    await run(integration.app, "set", "lytics", "--remove", "category", "--remove", "source", "--remove", "shop")
    await run(integration.app, "set", "lytics", "--restore-event", "Order Refunded")
    assert await document() == {}


async def test_a_newer_kit_under_overrides(install, capsys, tmp_path):
    """Conflicts are listed, refused, and accepted on request; a kit that leaves the overrides alone just comes."""
    kit, parts = tmp_path / "mine", ["{inputKey: userId, outputKey: id}", "{inputKey: event, outputKey: name}"]
    kit.mkdir()
    (kit / "connection.yaml").write_text("default: {endpoint: https://a.example, method: POST}\n")

    def write(*mappings):
        (kit / "playbook.yaml").write_text(f"version: 1.0.0\nglobal: {{mappings: [{', '.join(mappings)}]}}\n")

    write(*parts)
    await run(integration.app, "import", str(kit))
    await run(integration.app, "set", "mine", "id=context.my_id")
    write(parts[0], "{inputKey: type, outputKey: name}")
    assert await output_of(capsys, integration.app, "conflicts", "mine", "--folder", str(kit), "--json") == []
    await run(integration.app, "import", str(kit), "--slug", "mine")
    write("{inputKey: user.id, outputKey: id}", parts[1])
    with pytest.raises(SystemExit):
        await run(integration.app, "conflicts", "mine", "--folder", str(kit))
    assert "global.mappings[0]" in capsys.readouterr().out
    with pytest.raises(ConfigurationError, match=r"overrides: global.mappings\[0\]: the kit changed its rule for 'id'"):
        await run(integration.app, "import", str(kit), "--slug", "mine")
    await run(integration.app, "import", str(kit), "--slug", "mine", "--accept-conflicts")
    assert await output_of(capsys, integration.app, "conflicts", "mine", "--folder", str(kit), "--json") == []


async def test_missing_parameters_are_named(install):
    """Without a terminal nothing is asked; the error names what is missing."""
    with pytest.raises(ConfigurationError, match="API_KEY"):
        await run(integration.app, "add", "lytics", "STREAM_ID=a")
    with pytest.raises(InputError, match="NAME=VALUE"):
        await run(integration.app, "add", "lytics", "STREAM_ID")
    with pytest.raises(InputError, match="has no integration"):
        await run(integration.app, "add", "unknown")


async def test_a_token_is_printed_once(install, capsys):
    """Creation prints it alone on a line for scripts; the list does not have it."""
    created = await output_of(capsys, token.app, "create", "CI", "--scope", "data", "--scope", "observer", "--json")
    listed = await output_of(capsys, token.app, "list")
    assert created["scopes"] == ["data", "observer"]
    assert created["token"] not in listed
    assert "CI" in listed
    await run(token.app, "revoke", created["id"])
    assert "revoked" in await output_of(capsys, token.app, "list")


async def test_export_and_apply(install, capsys, tmp_path):
    """The plan is shown before it is taken; without a terminal it needs --yes; then there is nothing left to do."""
    await run(pipeline.app, "create", "Web")
    await run(integration.app, "add", "lytics", "STREAM_ID=a", "API_KEY=k-secret", "--attach", "web")
    await configuration.export(tmp_path / "files")
    assert "LYTICS_API_KEY" in capsys.readouterr().out
    path = tmp_path / "files/pipelines/web.yaml"
    path.write_text(path.read_text().replace("name: Web", "name: Shop"))
    with pytest.raises(InputError, match="--yes"):
        await configuration.apply(tmp_path / "files")
    assert "update pipeline web: name: Web → Shop" in capsys.readouterr().out
    await configuration.apply(tmp_path / "files", yes=True)
    capsys.readouterr()
    await configuration.apply(tmp_path / "files", yes=True, prune=True, json=True)
    assert json.loads(capsys.readouterr().out) == {"steps": [], "left": []}


async def test_brackets_in_names_are_shown_as_they_are(install, capsys):
    """Names are text, never markup."""
    await run(pipeline.app, "create", "Web [red]shop[/red]")
    assert "[red]shop[/red]" in await output_of(capsys, pipeline.app, "list")


@pytest.mark.parametrize("arguments", [["pipeline", "show", "none"], ["token", "revoke", "none"]])
async def test_an_error_is_a_message_and_exit_code_1(install, arguments):
    """The real command ends without a traceback, and says what to do."""
    done = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "headwater", *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    output, errors = await done.communicate()
    assert (done.returncode, output) == (1, b"")
    assert f"headwater {arguments[0]} list" in errors.decode()
    assert b"Traceback" not in errors


async def test_an_old_schema_is_reported(database_url, tmp_path, monkeypatch):
    """Commands do not migrate; they say who does."""
    monkeypatch.setenv("HEADWATER_DATABASE_URL", database_url)
    monkeypatch.setenv("HEADWATER_DATA_FOLDER", str(tmp_path))
    with pytest.raises(ConfigurationError, match="headwater up"):
        await run(pipeline.app, "list")


async def test_a_second_integration_of_a_kit_gets_the_next_free_number(install, capsys):
    """Adding a kit again needs no slug; a slug that is given and taken is refused."""
    parameters = ("STREAM_ID=a", "API_KEY=k")
    assert "Added lytics with" in await output_of(capsys, integration.app, "add", "lytics", *parameters)
    assert "Added lytics-2 with" in await output_of(capsys, integration.app, "add", "lytics", *parameters)
    assert "Added lytics-3 with" in await output_of(capsys, integration.app, "add", "lytics", *parameters)
    with pytest.raises(InputError, match="already"):
        await run(integration.app, "add", "lytics", *parameters, "--slug", "lytics-2")


async def test_a_mistyped_parameter_is_no_new_output_key(install, capsys):
    """STREAMID=x names the parameters that there are, and saves nothing."""
    await run(integration.app, "add", "lytics", "STREAM_ID=a", "API_KEY=k")
    with pytest.raises(InputError, match="API_KEY, STREAM_ID"):
        await run(integration.app, "set", "lytics", "STREAMID=b")
    assert len(await output_of(capsys, integration.app, "revisions", "lytics", "--json")) == 1
    await run(integration.app, "set", "lytics", "REGION=eu", "where=properties.$$REGION$$", "--add-parameter", "REGION")


@pytest.mark.parametrize(
    ("option", "said"),
    [("--base-url=ftp://x", "--base-url: is no address; write scheme"), ("--batch-size=0", "--batch-size: .*>= 1")],
)
async def test_a_wrong_delivery_option_is_named_as_it_was_typed(install, option, said):
    """With what it may be."""
    await run(integration.app, "add", "lytics", "STREAM_ID=a", "API_KEY=k")
    with pytest.raises(InputError, match=said):
        await run(integration.app, "set", "lytics", option)
