"""Edits of overrides, their file, and the steps of the mapping editor, without a browser."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from headwater.console.integrations import editing, override_edit, override_file
from headwater.console.integrations.draft import draft_of, judge
from headwater.console.integrations.editing import Editing
from headwater.console.integrations.kit_update import conflicts
from headwater.console.integrations.rule_form import form_of_row, row_of_form
from headwater.console.integrations.rule_table import DEFAULT, GLOBAL, SectionName
from headwater.console.integrations.trial_run import try_out
from headwater.integrations import library
from headwater.pipelines import kits
from headwater.pipelines.objects import PlainValue, Revision, RevisionContent, SealedValue

LYTICS = RevisionContent(
    "lytics", library.texts("lytics"), {"STREAM_ID": PlainValue("default"), "API_KEY": SealedValue("sealed")}
)


def revision(content: RevisionContent = LYTICS) -> Revision:
    return Revision("i1", 1, content, "", datetime(2026, 1, 1, tzinfo=UTC), "test")


class Typed:
    """The fields of a form."""

    def __init__(self, **fields: Any) -> None:
        self._fields = {name.replace("__", "."): value for name, value in fields.items()}

    def text(self, name: str) -> str:
        value = self._fields.get(name, "")
        return value if isinstance(value, str) else value[0]

    def texts(self, name: str) -> list[str]:
        value = self._fields.get(name, [])
        return [value] if isinstance(value, str) else value


def begin(content: RevisionContent = LYTICS) -> Editing:
    return Editing(judge(draft_of(revision(content))))


def take(state: Editing, *actions: str, **fields: Any) -> Editing:
    for action in actions:
        state = editing.step(state, action, Typed(**fields))
    return state


def place(state: Editing, key: str, section: int = 0) -> str:
    rule = next(rule for rule in state.judged.tables[section].rules if rule.key == key)
    return f"{section}:{rule.group}:{rule.position}"


def overridden(state: Editing) -> dict[str, Any]:
    assert state.fault is None
    return state.judged.document


def test_an_input_is_overridden_with_the_least_that_says_so():
    """Only the new path is kept, so that a newer kit's transforms still apply."""
    state = begin()
    state = take(state, f"edit:{place(state, 'id')}")
    state = take(state, "apply", rule__key="id", rule__source="path", rule__path="properties.event_id")
    assert overridden(state) == {"global": {"mappings": [{"inputKey": "properties.event_id", "outputKey": "id"}]}}


def test_the_kits_own_input_is_no_override():
    """Writing what the kit says anyway leaves nothing behind."""
    state = begin()
    state = take(state, f"edit:{place(state, 'id')}")
    state = take(state, "apply", rule__key="id", rule__source="path", rule__path="messageId")
    assert overridden(state) == {}


def test_a_fixed_value_takes_the_place_of_a_mapping():
    """The kit's rule goes, else it would win over the fixed value."""
    state = begin()
    state = take(state, f"edit:{place(state, 'category')}")
    state = take(state, "apply", rule__key="category", rule__source="text", rule__text="web")
    trial = try_out(state.judged.content, {"type": "page", "category": "docs"}, "")
    assert trial.requests[0]["body"]["category"] == "web"
    rule = next(rule for rule in state.judged.tables[0].rules if rule.key == "category")
    assert (rule.origin, rule.kit_row) == ("changed", {"inputKey": "category", "outputKey": "category"})


def test_removed_rules_are_shown_and_come_back():
    """What was taken out stays in sight."""
    state = begin()
    state = take(state, f"remove:{place(state, 'name')}")
    assert [row["outputKey"] for row in state.judged.tables[0].removed] == ["name"]
    assert overridden(take(state, "restore:0:0")) == {}


def test_a_custom_event_begins_with_the_rules_of_the_others():
    """An added event keeps what the default sends, and can have rules of its own."""
    state = take(begin(), "add-event", event__name="Trial Started")
    names = [table.name.title for table in state.judged.tables]
    assert names == ["Global", "Trial Started", "Default"]
    state = take(state, "new:1:mappings")
    state = take(state, "apply", rule__key="plan", rule__source="path", rule__path="properties.plan")
    body = try_out(
        state.judged.content, {"type": "track", "event": "Trial Started", "properties": {"plan": "pro"}}, ""
    ).requests[0]["body"]
    assert body["plan"] == "pro"
    assert overridden(take(state, "drop-event:1")) == {}


def test_broken_lua_is_refused_with_its_line_and_kept_in_the_form():
    """The table stays as it was, and what was typed is not lost."""
    state = take(begin(), "new:0:mappings")
    state = take(state, "apply", rule__key="x", rule__source="lua", rule__lua="local a = 1\nreturn a +")
    assert state.fault is not None
    assert "line:2" in state.fault.message
    assert state.form.value == "local a = 1\nreturn a +"
    assert state.judged.document == {}


def test_transforms_are_added_and_dropped_in_the_form():
    """The form keeps what was typed while transforms come and go."""
    state = take(begin(), "new:0:mappings")
    typed = {"rule__key": "email_hash", "rule__source": "path", "rule__path": "traits.email"}
    state = take(state, "add-transform", rule__new_transform="modifyString", **typed)
    state = take(
        state,
        "add-transform",
        rule__new_transform="toHash",
        rule__transform=["modifyString"],
        transform__0__value="lowercase",
        **typed,
    )
    assert [one.kind for one in state.form.transforms] == ["modifyString", "toHash"]
    state = take(
        state,
        "apply",
        rule__transform=["modifyString", "toHash"],
        transform__0__value="lowercase",
        transform__1__value="sha256",
        **typed,
    )
    row = overridden(state)["global"]["mappings"][0]
    assert row["transforms"] == [{"modifyString": "lowercase"}, {"toHash": "sha256"}]


def test_a_parameter_of_ones_own_can_be_used():
    """An added parameter has a value and stands in paths and texts."""
    state = take(begin(), "add-parameter", parameter__name="region", parameter__value="eu")
    state = take(state, "new:0:mappings")
    state = take(state, "apply", rule__key="region", rule__source="text", rule__text="$$REGION$$")
    assert try_out(state.judged.content, {"type": "page"}, "").requests[0]["body"]["region"] == "eu"


def test_a_secret_parameter_is_not_written_into_overrides():
    """What is a secret by its name needs its place under Connection; overrides are shown to everybody."""
    state = take(begin(), "add-parameter", parameter__name="my_token", parameter__value="abc")
    assert state.fault is not None
    assert "abc" not in state.draft.text
    state = take(begin(), "add-parameter", parameter__name="my_token", parameter__secret="yes", parameter__value="abc")
    assert overridden(state)["parameters"] == [{"name": "MY_TOKEN", "isSensitive": True, "isOptional": True}]


def test_a_trial_never_shows_a_secret():
    """Another text stands for each secret, and even that is blotted out."""
    content = begin().judged.content
    request = try_out(content, {"type": "page"}, "").requests[0]
    assert request["headers"]["Authorization"] == "•••"
    assert "sealed" not in str(request)


def test_file_faults_have_lines():
    """A wrong key, a row that does not fit, and broken YAML all say where."""
    _, faults = override_file.parse("global:\n  mappings:\n    - outputKey: id\n      inputkey: x\n")
    assert [(fault.line, "inputkey" in fault.message) for fault in faults] == [(4, True)]
    _, faults = override_file.parse("global:\n  mappings: [")
    assert faults[0].line >= 1


def test_numbers_beyond_reason_are_told():
    """A number that nobody can mean is a fault of the file and of no button."""
    _, faults = override_file.parse("global: {enrichments: [{outputKey: a, staticInt: " + "9" * 5000 + "}]}")
    assert "digits" in faults[0].message
    assert editing.parse_opened("9" * 5000 + ":mappings:0") is None


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00\ud800", exclude_categories=["Cs"]), max_size=12)
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(TEXTS, PLAIN, max_size=4)
    | st.just({"a": "1e5", "b": "no", "c": "2026-01-01", "d": "~", "e": "a\n b"})
)
def test_a_written_file_reads_back_as_the_same(document):
    """Whatever the values are: words that other YAML readers take for numbers or times stay texts."""
    read = override_file.read_document(override_file.write(document), "x.yaml").value
    assert read == document
    assert repr(read) == repr(document)


ROWS = st.one_of(
    st.fixed_dictionaries(
        {"inputKey": st.sampled_from(["userId", "properties.a", "input"]), "outputKey": st.just("k")},
        optional={
            "transforms": st.lists(
                st.sampled_from(
                    [
                        {"toHash": "sha256"},
                        {"substring": {"start": 0, "end": 2}},
                        {"expression": {"lang": "lua", "body": "return 1"}},
                        {"splitString": {"separator": ","}},
                    ]
                ),
                min_size=1,
                max_size=3,
            ),
            "defaultInt": st.integers(-5, 5),
        },
    ).map(lambda row: ("mappings", row)),
    st.sampled_from(
        [{"staticString": "a"}, {"staticInt": 0}, {"staticBool": False}, {"timestamp": "seconds"}, {"uuid": "v4"}]
    ).map(lambda fixed: ("enrichments", {"outputKey": "k"} | fixed)),
)


@given(ROWS)
def test_a_rule_survives_its_form(found):
    """Opening and saving a rule changes nothing."""
    group, row = found
    assert row_of_form(form_of_row(group, row)) == (group, row)


KEYS = ("id", "type", "extra")


@given(
    st.lists(
        st.tuples(st.sampled_from(["set", "remove", "reset"]), st.sampled_from(KEYS), st.sampled_from(["a", "b.c"])),
        max_size=6,
    )
)
def test_edits_of_one_key_never_concern_another(steps):
    """After any edits each key has the rule of its last edit, as if the others had not been."""
    kit = kits.kit_from("lytics", LYTICS.texts)
    document: dict[str, Any] = {}
    last: dict[str, tuple[str, str]] = {}
    for action, key, path in steps:
        last[key] = (action, path)
        document = _edited(document, kit, action, key, path)
    alone = {key: _edited({}, kit, action, key, path) for key, (action, path) in last.items()}
    rules = _by_key(document)
    for key, only in alone.items():
        assert rules.get(key) == _by_key(only).get(key)


def _edited(document: dict[str, Any], kit: Any, action: str, key: str, path: str) -> dict[str, Any]:
    if action == "set":
        return override_edit.with_keyed_rule(document, kit, GLOBAL, "mappings", {"inputKey": path, "outputKey": key})
    if action == "remove":
        return override_edit.without_rule(document, kit, GLOBAL, key)
    return override_edit.as_in_kit(document, GLOBAL, key)


def _by_key(document: dict[str, Any]) -> dict[str, Any]:
    content = RevisionContent("lytics", LYTICS.texts, LYTICS.parameters, document)
    rows = kits.kit_of(content).playbook.value["global"]["mappings"]
    return {row["outputKey"]: row for row in rows}


def test_a_newer_kit_names_the_overrides_that_it_concerns():
    """An override of a rule that did not change is no conflict; one of a changed or lost rule is."""
    newer = library.texts("lytics")["playbook.yaml"].replace("inputKey: event,", "inputKey: properties.event,")
    newer = newer.replace("    - {inputKey: name, outputKey: name}\n", "")
    document = {
        "global": {
            "mappings": [
                {"outputKey": "event", "inputKey": "properties.a"},
                {"outputKey": "id", "inputKey": "properties.b"},
                {"outputKey": "name", "inputKey": "properties.c"},
            ]
        }
    }
    before = RevisionContent("lytics", LYTICS.texts, LYTICS.parameters, document)
    after = RevisionContent("lytics", {**LYTICS.texts, "playbook.yaml": newer}, LYTICS.parameters, document)
    assert [(one.section, one.key) for one in conflicts(before, after)] == [(GLOBAL, "event"), (GLOBAL, "name")]


def test_overrides_of_sections_go_where_they_belong():
    """Global, default and events do not mix."""
    kit = kits.kit_from("lytics", LYTICS.texts)
    row = {"inputKey": "a", "outputKey": "b"}
    document = override_edit.with_keyed_rule({}, kit, DEFAULT, "mappings", row)
    document = override_edit.with_keyed_rule(document, kit, SectionName("event", "Order Completed"), "mappings", row)
    assert document == {"default": {"mappings": [row]}, "events": {"Order Completed": {"mappings": [row]}}}
