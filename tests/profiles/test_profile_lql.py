"""LQL statements and the mappings that they stand for."""

from datetime import UTC, datetime

import pytest

from headwater.errors import InputError
from headwater.expressions import ExpressionError
from headwater.pipelines.changes import change
from headwater.profiles.lql import read_statements, schema_statements, statement_edit, statement_mappings
from headwater.profiles.lql_draft import draft_statement
from headwater.profiles.lql_trial import statement_schema, try_schema
from headwater.profiles.schema import Field, Mapping
from headwater.profiles.schema_edits import apply_edit, require_sound
from headwater.profiles.schema_file import default_schema
from headwater.profiles.versions import draft_store, statement_store, version_store
from headwater.profiles.versions.statement_store import every

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SHOP = (
    "SELECT email(mail) AS email, count(visit) AS shop_visits SHORTDESC \"Visits\", plan IF plan != 'none' "
    "FROM shop INTO user BY email WHERE NOT EXISTS _bot ALIAS Shop"
)


def only(text):
    (statement,) = read_statements(text)
    return statement


def test_a_column_is_a_mapping_with_the_guards_of_column_and_statement():
    """IF and WHERE hold together; single quotes are texts; the stream is the one after FROM."""
    assert statement_mappings(only(SHOP)) == (
        Mapping("email", "email(mail)", "shop", "NOT EXISTS _bot"),
        Mapping("shop_visits", "count(visit)", "shop", "NOT EXISTS _bot"),
        Mapping("plan", "plan", "shop", 'NOT EXISTS _bot AND plan != "none"'),
    )


def test_a_statement_makes_its_fields_and_leaves_what_it_does_not_say():
    """New fields have the kind of their expression; a known field keeps its kind, description and flags."""
    schema = default_schema()
    after = apply_edit(schema, statement_edit(schema, only(SHOP)))
    assert after.field("shop_visits") == Field("shop_visits", "int", "Visits")
    assert after.field("plan") == Field("plan")
    assert after.field("email") == schema.field("email")
    assert after.ranks == schema.ranks


def test_by_makes_an_identifier_that_is_ranked_last():
    """A field after BY identifies; one that is no text is refused."""
    schema = default_schema()
    after = apply_edit(schema, statement_edit(schema, only("SELECT card FROM shop INTO user BY card ALIAS c")))
    assert (after.field("card").is_identifier, after.ranks[-1]) == (True, "card")
    wrong = statement_edit(schema, only("SELECT toint(n) AS n FROM shop INTO user BY n ALIAS c"))
    with pytest.raises(InputError, match=r"fields\.n\.type: an identifier must be of kind"):
        require_sound(apply_edit(schema, wrong))


@pytest.mark.parametrize(
    ("text", "reason"),
    [("SELECT a FROM s INTO user BY b ALIAS x", "no column fills b"), ("SELECT a FROM s INTO user ALIAS x", "BY is missing"),
     ("SELECT a FROM s INTO user BY a", "ALIAS is missing"), ("SELECT * FROM s INTO user BY a ALIAS x", "no column fills a"),
     ("SELECT a, * FROM s INTO user BY a ALIAS x", "names no fields"), ("SELECT a, 1 FROM s INTO user BY a ALIAS x", "without a name"),
     ("SELECT a FROM s INTO content BY a ALIAS x", "there is no such table"), ("FILTER a = 1", "expected SELECT"),
     ("SELECT a FROM s INTO user BY a LIMIT 3 ALIAS x", "LIMIT has no meaning"), ("SELECT a FROM", "expected the name of a stream"),
     ("SELECT a FROM s INTO user BY a ALIAS x; SELECT a FROM s INTO user BY a ALIAS x", "two statements have the alias 'x'"), ("", "expected FILTER or SELECT")],
)  # fmt: skip
def test_what_is_no_mapping_is_refused_with_a_reason(text, reason):
    """Each text names what is missing or in the way."""
    with pytest.raises(ExpressionError, match=reason):
        read_statements(text)


def test_the_whole_default_schema_survives_the_way_through_lql():
    """Written as statements and read again, the mappings are the same in number, field, stream and meaning."""
    schema = default_schema()
    texts = schema_statements(schema, schema.mappings)
    (statement,) = read_statements(texts["schema_all"])
    again = statement_mappings(statement)
    assert [(each.field, each.stream) for each in again] == [(each.field, each.stream) for each in schema.mappings]
    assert read_statements(texts["schema_all"])[0].by == schema.ranks
    twice = schema_statements(schema, again)
    assert statement_mappings(only(twice["schema_all"])) == again


def test_a_trial_shows_the_profile_of_one_event():
    """The fields as a profile would have them, what was left out, and whether the event belongs to anybody."""
    compiled = statement_schema(default_schema(), read_statements(SHOP))
    found = try_schema(compiled, {"mail": "Ann@Shop.io", "visit": "1", "plan": "none"}, "shop", NOW)
    assert (dict(found.fields), found.belongs) == ({"email": "ann@shop.io", "shop_visits": 1}, True)
    nobody = try_schema(compiled, {"mail": "no address", "visit": "1"}, "shop", NOW)
    assert (dict(nobody.fields), nobody.belongs) == ({}, False)
    bot = try_schema(compiled, {"mail": "ann@shop.io", "_bot": "t"}, "shop", NOW)
    assert bot.belongs is False


def test_a_draft_from_a_sample_can_be_put_in_force():
    """Names, kinds and identifiers are guessed; the text is a sound statement."""
    sample = 'E-Mail,Total Spent,Joined,Zip,class\nann@shop.io,12.50,2026-01-02,01234,"a,b"\nbob@shop.io,7,2026-01-03,99999,c\n'
    text = draft_statement(default_schema(), sample, "crm", "crm")
    statement = only(text)
    schema = default_schema()
    after = require_sound(apply_edit(schema, statement_edit(schema, statement)))
    kinds = [after.field(name).type for name in ("email", "total_spent", "joined", "zip", "class")]
    assert kinds == ["string", "number", "date", "string", "string"]
    compiled = statement_schema(schema, [statement])
    record = {"E-Mail": "ann@shop.io", "Total Spent": "12.50", "Zip": "01234", "class": "a"}
    fields = try_schema(compiled, record, "crm", NOW).fields
    assert fields == {"email": "ann@shop.io", "total_spent": 12.5, "zip": "01234", "class": "a"}


async def put(schema_pool, text):
    async with change(schema_pool, "ann") as made:
        return await statement_store.put(made, text)


async def test_a_statement_is_in_force_when_it_is_sent_and_replaced_by_its_alias(schema_pool):
    """The second text takes away the mapping that it no longer has; each makes a live version."""
    (first,) = await put(schema_pool, SHOP)
    assert (first.alias, first.text) == ("shop", SHOP)
    await put(schema_pool, "SELECT email(mail) AS email, tier FROM shop INTO user BY email ALIAS shop")
    live = await version_store.live(schema_pool)
    assert live.number == 3
    assert {each.field for each in live.schema.mappings if each.stream == "shop"} == {"email", "tier"}
    (sent, shown) = await every(schema_pool)
    assert (sent.id, sent.sent, shown.alias, shown.sent) == (first.id, True, "schema_all", False)
    async with change(schema_pool, "ann") as made:
        await statement_store.delete(made, sent.id)
    assert "shop" not in {each.stream for each in (await version_store.live(schema_pool)).schema.mappings}


async def test_several_statements_are_taken_all_or_none(schema_pool):
    """A fault in the second leaves nothing of the first."""
    one, two = SHOP, "SELECT email, emial(x) AS y FROM web INTO user BY email ALIAS web"
    with pytest.raises(InputError, match="unknown function"):
        await put(schema_pool, f"{one}; {two}")
    assert [each.alias for each in await every(schema_pool)] == ["schema_all"]
    both = await put(schema_pool, f"{one}; {two.replace('emial', 'tolower')}")
    assert [each.alias for each in both] == ["shop", "web"]
    assert (await version_store.live(schema_pool)).number == 2


async def test_a_statement_leaves_the_draft_of_others_alone(schema_pool):
    """What somebody has in the draft is not published with it, and the draft holds the statement's mappings as well."""
    async with change(schema_pool, "bob") as made:
        schema = (await draft_store.draft(made.connection)).schema
        await draft_store.replace(made, apply_edit(schema, statement_edit(schema, only(SHOP.replace("shop", "crm")))))
    await put(schema_pool, SHOP)
    live = (await version_store.live(schema_pool)).schema
    draft = (await draft_store.draft(schema_pool)).schema
    assert {each.stream for each in live.mappings} == {"*", "shop"}
    assert {each.stream for each in draft.mappings} == {"*", "shop", "crm"}


async def test_a_statement_whose_mappings_were_changed_elsewhere_shows_what_is_left(schema_pool):
    """The text is never something that is not in force."""
    await put(schema_pool, SHOP)
    async with change(schema_pool, "bob") as made:
        schema = (await draft_store.draft(made.connection)).schema
        kept = tuple(each for each in schema.mappings if (each.field, each.stream) != ("plan", "shop"))
        await draft_store.replace(
            made, type(schema)(**{**{f: getattr(schema, f) for f in schema.__struct_fields__}, "mappings": kept})
        )
        await draft_store.publish(made, tag="t", description="d")
    shop = await statement_store.find(schema_pool, "shop")
    assert "plan" not in shop.text
    assert "shop_visits" in shop.text
