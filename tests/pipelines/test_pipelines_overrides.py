"""What an installation changes of a kit."""

import pytest

from headwater.errors import ConfigurationError, InputError
from headwater.integrations import library
from headwater.pipelines import kits, override_edits
from headwater.pipelines.overrides import apply_overrides
from headwater.playbooks import check_kit, compile_kit

PLAYBOOK = """
version: 1.0.0
global:
  mappings:
  - {inputKey: userId, outputKey: id, transforms: [{modifyString: lowercase}]}
  - {inputKey: category, outputKey: category}
eventSpecific:
  order_completed:
    mappings:
    - {inputKey: properties.a, outputKey: twice}
    - {inputKey: properties.b, outputKey: twice}
default:
  filters: [{byEventNames: {action: allow, events: [""]}}]
  enrichments: [{outputKey: kind, staticString: other}]
"""
CONNECTION = "default: {endpoint: https://a.example, method: POST}\n"
KIT = kits.kit_from("kit", {"playbook.yaml": PLAYBOOK, "connection.yaml": CONNECTION})
EVENT = {"type": "track", "event": "Custom Thing", "userId": "U", "category": "c", "context": {"my_id": "M"}}
ORDER = EVENT | {"event": "Order Completed"}


def body(document, event=ORDER, parameters=None):
    """What the kit with these overrides sends, or None when it drops the event."""
    kit = apply_overrides(KIT, document)
    assert [str(problem) for problem in check_kit(kit) if problem.fatal] == []
    prepared = compile_kit(kit, parameters or {}).prepare(event)
    return prepared.outputs[0].body if prepared.outputs else None


def test_without_overrides_the_kit_is_the_kit():
    """Nothing is touched, positions of its files included."""
    assert apply_overrides(KIT, {}) is KIT
    assert body({}) == {"id": "u", "category": "c"}
    assert body({}, EVENT) is None


def test_an_input_is_changed_and_the_rest_of_its_rule_stays():
    """The transform of the kit still runs on the new input."""
    assert body({"global": {"mappings": [{"outputKey": "id", "inputKey": "context.my_id"}]}})["id"] == "m"


def test_rules_are_added_and_removed():
    """A row without a rule in the kit is a new rule; a removed key is gone."""
    document = {
        "global": {
            "remove": ["category"],
            "mappings": [{"outputKey": "name", "inputKey": "event"}],
            "enrichments": [{"outputKey": "source", "staticString": "web"}],
        }
    }
    assert body(document) == {"id": "u", "name": "Order Completed", "source": "web"}


def test_a_new_event_is_sent_with_what_default_would_add():
    """Its own section takes the place of `default`: the rules come along, the filter that drops everything does not."""
    document = {"events": {"Custom Thing": {"mappings": [{"outputKey": "me", "inputKey": "context.my_id"}]}}}
    assert body(document, EVENT) == {"id": "u", "category": "c", "kind": "other", "me": "M"}
    assert body(document, EVENT | {"event": "Other"}) is None


def test_an_event_of_the_kit_is_found_however_it_is_written():
    """Names are compared as the playbook compares them."""
    document = {"events": {"Order Completed": {"mappings": [{"outputKey": "me", "inputKey": "userId"}]}}}
    assert body(document)["me"] == "U"
    assert len(apply_overrides(KIT, document).playbook.value["eventSpecific"]) == 1


def test_a_parameter_is_added_and_used():
    """Its value is asked for like those of the kit."""
    document = {
        "parameters": [{"name": "PATH"}],
        "global": {"mappings": [{"outputKey": "x", "inputKey": "context.$$PATH$$"}]},
    }
    assert body(document, parameters={"PATH": "my_id"})["x"] == "M"
    with pytest.raises(ConfigurationError, match="PATH"):
        body(document)


def test_what_does_not_fit_the_kit_is_listed():
    """All of it at once, with its place."""
    document = {
        "global": {"remove": ["nothing"], "mappings": [{"inputKey": "x"}]},
        "events": {"order_completed": {"mappings": [{"outputKey": "twice", "inputKey": "x"}]}},
    }
    with pytest.raises(ConfigurationError) as caught:
        apply_overrides(KIT, document)
    assert [line.split(":")[0] for line in caught.value.message.splitlines()] == [
        "global.remove",
        "global.mappings",
        "events.order_completed.mappings",
    ]


@pytest.mark.parametrize(
    "document", [{"globel": {}}, {"global": {"mapping": []}}, {"events": []}, {"global": {"remove": "x"}}]
)
def test_an_unknown_key_is_refused(document):
    """A typo must not silently change nothing."""
    with pytest.raises(ConfigurationError, match="overrides: "):
        apply_overrides(KIT, document)


def test_a_rule_that_is_no_rule_is_found_by_the_check():
    """An override goes through the same check as the kit, under a name that says where it comes from."""
    kit = apply_overrides(KIT, {"global": {"mappings": [{"outputKey": "x", "input": "y"}]}})
    (problem, *_) = [problem for problem in check_kit(kit) if problem.fatal]
    assert problem.file == "playbook.yaml with overrides"
    assert problem.path.startswith("global.mappings[2]")


def test_the_kit_itself_stays_untouched():
    """Two integrations may share a kit."""
    before = repr(KIT)
    body({"global": {"remove": ["id"], "mappings": [{"outputKey": "category", "inputKey": "event"}]}})
    assert repr(KIT) == before


def test_one_input_is_set_and_taken_back():
    """Setting twice keeps one row; taking back leaves the document as it was."""
    one = override_edits.with_input({}, "id", "context.my_id", None)
    assert override_edits.with_input(override_edits.with_input({}, "id", "x", None), "id", "context.my_id", None) == one
    two = override_edits.with_input(one, "me", "userId", "Custom Thing")
    assert two == one | {"events": {"Custom Thing": {"mappings": [{"outputKey": "me", "inputKey": "userId"}]}}}
    assert override_edits.without_key(two, "me", "custom thing") == one
    assert override_edits.without_key(one, "id", None) == {}
    with pytest.raises(InputError, match="'other'"):
        override_edits.without_key(one, "other", None)


@pytest.mark.parametrize("name", library.names())
def test_every_kit_of_the_library_takes_overrides(name):
    """A new rule for all events leaves each of them a kit that can run."""
    kit = apply_overrides(
        kits.kit_from(name, library.texts(name)), override_edits.with_input({}, "my_key", "userId", None)
    )
    assert [str(problem) for problem in check_kit(kit) if problem.fatal] == []


@pytest.mark.parametrize(
    ("value", "sent"),
    [("web", "web"), ("12", 12), ("1.5", 1.5), ("true", True), ('"0150"', "0150"), ('"', '"'), ("", "")],
)
def test_a_fixed_value_takes_the_place_of_the_kits_rule(value, sent):
    """Numbers and booleans are sent as such, quoted text as text; the kit's mapping of the key is gone."""
    document = override_edits.with_fixed({}, KIT, "category", value, None)
    assert body(document) == {"id": "u", "category": sent}
    assert body(override_edits.with_fixed(document, KIT, "category", "x", None))["category"] == "x"
    assert override_edits.without_key(document, "category", None) == {}


def test_a_fixed_value_of_another_type_replaces_the_kits_own():
    """A rule has one fixed value: the number stands in place of the kit's text."""
    document = override_edits.with_fixed({}, KIT, "kind", "7", "Custom Thing")
    assert body(document, EVENT)["kind"] == 7


def test_a_rule_is_dropped_and_comes_back():
    """Dropping takes the kit's rule and one's own rows out."""
    document = override_edits.with_dropped(override_edits.with_input({}, "id", "x", None), "id", None)
    assert body(document) == {"category": "c"}
    assert override_edits.without_key(document, "id", None) == {}


def test_an_event_is_dropped_and_comes_back():
    """Only that event; taking it back leaves filters of other events and other overrides alone."""
    other = override_edits.with_event_dropped({}, "Other")
    document = override_edits.with_event_dropped(
        override_edits.with_event_dropped(other, "Order Completed"), "Order Completed"
    )
    assert body(document) is None
    assert body(document, ORDER | {"type": "page"}) is None  # the kit's own filter
    assert len(document["global"]["filters"]) == 2
    assert override_edits.without_event(document, "order completed") == other
    with pytest.raises(InputError, match="Order Completed"):
        override_edits.without_event(other, "Order Completed")
