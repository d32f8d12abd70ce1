"""Schemas: files, faults with their places, differences."""

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headwater.errors import ConfigurationError
from headwater.profiles.compiled_schema import CompiledSchema
from headwater.profiles.schema import Field, IdentifierSettings, Mapping, Schema
from headwater.profiles.schema_check import check_schema, refuse_faulty
from headwater.profiles.schema_diff import compare_schemas
from headwater.profiles.schema_file import default_schema, place_of, read_schema, write_schema

SMALL = """
table: user
ranks: [user_id]
identifiers:
  user_id: {unique: true}
fields:
  user_id: {is_identifier: true}
  city: {shortdesc: City}
mappings:
  - {field: user_id, expr: user_id}
  - {field: city, expr: traits_city}
"""


def changed(old, new):
    return SMALL.replace(old, new)


def problems(text):
    return [(each.place, each.message) for each in check_schema(read_schema(text)) if each.severity == "error"]


def test_a_small_file_is_a_schema():
    """Names of attributes are those of the schema API; what is not written has its default."""
    schema = read_schema(SMALL)
    assert schema.field("city") == Field("city", shortdesc="City")
    assert schema.mappings[0] == Mapping("user_id", "user_id", stream="*")
    assert check_schema(schema) == ()


def test_the_default_schema_has_no_fault_at_all():
    """A new installation starts without errors and without warnings."""
    assert check_schema(default_schema()) == ()


def test_writing_and_reading_give_the_same_schema():
    """A schema can be taken out, kept under version control, and put back."""
    assert read_schema(write_schema(default_schema())) == default_schema()


NAMES = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True)
FIELDS = st.builds(
    Field,
    NAMES,
    st.sampled_from(["string", "int", "[]string", "map[string]int"]),
    shortdesc=st.text("aä:#\"' {}[]\n-", max_size=8),
    capacity=st.integers(0, 3),
    tags=st.lists(NAMES, max_size=2).map(tuple),
)
SCHEMAS = st.builds(
    Schema,
    fields=st.lists(FIELDS, max_size=4, unique_by=lambda field: field.id).map(tuple),
    mappings=st.lists(st.builds(Mapping, NAMES, st.text(max_size=9), NAMES, st.text(max_size=5)), max_size=3).map(
        tuple
    ),
    ranks=st.lists(NAMES, max_size=3).map(tuple),
    identifiers=st.dictionaries(NAMES, st.builds(IdentifierSettings, limit=st.integers(0, 9)), max_size=2),
)


@given(SCHEMAS)
@example(Schema(mappings=(Mapping("a", "1\x852\u20283\u20294", "x\x85"),)))
def test_any_schema_survives_its_file(schema):
    """Texts with quotes, colons and line ends included."""
    assert read_schema(write_schema(schema)) == schema


def without_order(schema):
    """What matters: fields in any order, identifier settings where they say something."""
    settings = {name: each for name, each in schema.identifiers.items() if each != IdentifierSettings()}
    return msgspec.structs.replace(
        schema, fields=sorted(schema.fields, key=lambda field: field.id), identifiers=settings
    )


@given(SCHEMAS, SCHEMAS)
def test_a_schema_differs_from_another_and_not_from_itself(one, other):
    """The difference is empty exactly where nothing is different, and what is added one way is removed the other way."""
    assert compare_schemas(one, one).changes == ()
    forth, back = compare_schemas(one, other).changes, compare_schemas(other, one).changes
    assert (forth == ()) == (without_order(one) == without_order(other))
    kinds = {"added": "removed", "removed": "added", "changed": "changed"}
    assert sorted((kinds[each.kind], each.attribute) for each in forth) == sorted(
        (each.kind, each.attribute) for each in back
    )


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("{shortdesc: City}", "{type: strng}", "fields.city.type", "unknown kind 'strng'; did you mean 'string'?"),
        (
            "{shortdesc: City}",
            "{mergeop: sum}",
            "fields.city.mergeop",
            "merge operator 'sum' does not fit kind 'string'; usable here: latest, oldest",
        ),
        (
            "{is_identifier: true}",
            "{is_identifier: true, mergeop: latest}",
            "fields.user_id.mergeop",
            "an identifier field cannot have a merge operator; remove it",
        ),
        (
            "{is_identifier: true}",
            "{is_identifier: true, type: int}",
            "fields.user_id.type",
            "an identifier must be of kind string or []string, not int",
        ),
        ("field: city", "field: cty", "mappings.1.field", "unknown field 'cty'; did you mean 'city'?"),
        (
            "expr: traits_city",
            "expr: tolowr(traits_city)",
            "mappings.1.expr",
            "unknown function 'tolowr'; did you mean 'tolower'? (line 1, column 1)",
        ),
        ("expr: traits_city", 'expr: ""', "mappings.1.expr", "empty; write an expression"),
        (
            "expr: traits_city}",
            "expr: traits_city, guard_expr: INCLUDE buyers}",
            "mappings.1.guard_expr",
            "INCLUDE names an audience; an event is in none (line 1, column 1)",
        ),
        (
            "ranks: [user_id]",
            "ranks: []",
            "ranks",
            "identifier 'user_id' has no rank; add it, stronger identifiers first",
        ),
        ("ranks: [user_id]", "ranks: [user_id, city]", "ranks", "'city' is no identifier field"),
        (
            "{unique: true}",
            "{unique: true, limit: 5}",
            "identifiers.user_id.limit",
            "a unique identifier has one value per profile; remove the limit",
        ),
        (
            "{unique: true}",
            "{window_days: 5}",
            "identifiers.user_id.window_days",
            "a window without a limit limits nothing; add limit",
        ),
        (
            "{unique: true}",
            "{session_minutes: 5}",
            "identifiers.user_id.session_minutes",
            "works only with shared: nobody; for other types the owner is decided",
        ),
        (
            "{shortdesc: City}",
            "{capacity: 5}",
            "fields.city",
            "capacity and life time are for sets and maps, not for kind string",
        ),
        (
            "{shortdesc: City}",
            "{type: '[]string', keep_days: 1, keep_duration: 1d}",
            "fields.city.keep_duration",
            "keep_days is given as well; keep one of them",
        ),
        (
            "{shortdesc: City}",
            "{type: '[]string', mergeop: capped}",
            "fields.city.capacity",
            "merge operator 'capped' needs a capacity",
        ),
        (
            "city: {",
            "segments: {}\n  city: {",
            "fields.segments",
            "a name that profiles fill themselves; choose another one",
        ),
    ],
)
def test_a_fault_has_its_place_and_a_remedy(old, new, place, message):
    """Whoever wrote the schema learns where to look and what to do."""
    assert (place, message) in problems(changed(old, new))


def test_all_faults_are_told_at_once():
    """One round of corrections is enough, and nothing is published before it."""
    text = changed("{shortdesc: City}", "{type: x, keep_days: 3}").replace("ranks: [user_id]", "ranks: []")
    with pytest.raises(ConfigurationError, match=r"fields\.city\.type: unknown kind 'x'; ranks: identifier 'user_id'"):
        refuse_faulty(read_schema(text))
    with pytest.raises(ConfigurationError):
        CompiledSchema(read_schema(text))


def test_what_does_no_harm_is_a_warning():
    """A field that nothing fills can be published."""
    schema = read_schema(changed("  - {field: city, expr: traits_city}\n", ""))
    assert [(each.place, each.severity) for each in check_schema(schema)] == [("fields.city", "warning")]
    refuse_faulty(schema)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (changed("shortdesc", "shortdsc"), "file.yaml:8: fields.city: object contains unknown field `shortdsc`"),
        (
            changed("{unique: true}", "{unique: maybe}"),
            "file.yaml:5: identifiers.user_id.unique: expected `bool`, got `str`",
        ),
        (
            changed("expr: traits_city", "exp: traits_city"),
            "file.yaml:11: mappings.1: object contains unknown field `exp`",
        ),
        ("fields: [", "file.yaml: not valid YAML: while parsing a flow node"),
        ("- a", "file.yaml: not a schema: the top level must have keys"),
        ("fields: &f {a: *f}", "file.yaml:1: a YAML alias"),
        ("extends: other", "file.yaml: extends 'other', which is unknown; known are default"),
    ],
)
def test_a_file_that_cannot_be_read_names_its_line(text, message):
    """Line and path, so that an editor can go there."""
    with pytest.raises(ConfigurationError) as refusal:
        read_schema(text, "file.yaml")
    assert str(refusal.value).startswith(message)


def test_a_place_has_a_line_in_the_file():
    """Faults found later get their line as well; what the file does not hold gets the nearest line above."""
    assert place_of(SMALL, "fields.city.type", "s.yaml") == "s.yaml:8: fields.city.type"
    assert place_of(SMALL, "profile_limit", "s.yaml") == "s.yaml: profile_limit"


def test_a_schema_may_build_on_another():
    """Own fields replace those of the same name, own mappings come first, and what is left out is gone."""
    own = """
extends: default
without: [phone, brands]
fields:
  city: {type: "[]string"}
  loyalty_id: {is_identifier: true}
ranks: [user_id, loyalty_id, email, email_sha256, device_id, anonymous_id, _uids]
identifiers:
  loyalty_id: {unique: true}
mappings:
  - {field: loyalty_id, expr: traits_loyalty}
"""
    schema = read_schema(own)
    assert check_schema(schema) == ()
    assert schema.mappings[0].field == "loyalty_id"
    assert schema.field("city").type == "[]string"
    assert schema.field("phone") is None
    assert schema.field("email") == default_schema().field("email")
    assert schema.identity_rules.types["email"].rank == 3


def test_schemas_must_not_extend_in_a_circle():
    """The circle is named."""
    with pytest.raises(ConfigurationError, match="in a circle: a > b > a"):
        read_schema("extends: a", others={"a": "extends: b", "b": "extends: a"})


@pytest.mark.parametrize(
    ("old", "new", "change", "effect"),
    [
        ("shortdesc: City", "shortdesc: Town", ("changed", "fields.city", "shortdesc"), "none"),
        ("{shortdesc: City}", "{type: '[]string'}", ("changed", "fields.city", "type"), "rebuild"),
        ("  city: {shortdesc: City}\n", "", ("removed", "fields.city", ""), "new events"),
        ("expr: traits_city", "expr: traits_town", ("added", "mappings.1", ""), "new events"),
        ("{unique: true}", "{limit: 2}", ("changed", "identifiers.user_id", "unique"), "identity"),
        ("{unique: true}", "{unique: true, form: email}", ("changed", "identifiers.user_id", "form"), "rebuild"),
        ("table: user", "table: user\nprofile_limit: 9", ("changed", "profile_limit", ""), "identity"),
    ],
)
def test_a_difference_says_what_it_takes(old, new, change, effect):
    """Before publishing, a person sees whether old events must be read again and whether people may split or join."""
    diff = compare_schemas(read_schema(SMALL), read_schema(changed(old, new)))
    assert (change, effect) in [((each.kind, each.place, each.attribute), each.effect) for each in diff.changes]
    assert diff.needs_rebuild == (effect == "rebuild")
    assert diff.rebuilt_fields == (("city",) if change[2] == "type" else ())


def test_a_new_version_name_is_no_difference():
    """Publishing the same content again changes nothing."""
    schema = read_schema(SMALL)
    assert compare_schemas(schema, msgspec.structs.replace(schema, version="2")).changes == ()
