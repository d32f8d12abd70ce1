"""What a newer kit means for overrides."""

import pytest

from headwater.pipelines import kits
from headwater.pipelines.declaration import DeclaredContent, differences
from headwater.pipelines.override_conflicts import conflicts

CONNECTION = "default: {endpoint: https://a.example, method: POST}\n"
RULE = "{inputKey: userId, outputKey: id, transforms: [{modifyString: lowercase}]}"
KIND = "{outputKey: kind, staticString: web}"


def kit(mappings=(RULE,), enrichments=(KIND,), events="{}", params="[]", default="{}"):
    """A kit with these rules for all events."""
    playbook = (
        f"version: 1.0.0\nparams: {params}\nglobal: {{mappings: [{', '.join(mappings)}], "
        f"enrichments: [{', '.join(enrichments)}]}}\neventSpecific: {events}\ndefault: {default}\n"
    )
    return kits.kit_from("kit", {"playbook.yaml": playbook, "connection.yaml": CONNECTION})


def found(old, new, document, after=None):
    """Place and message of each conflict."""
    return [(one.path, one.message) for one in conflicts(old, new, document, document if after is None else after)]


def row(group="mappings", **keys):
    """A document of one row for all events."""
    return {"global": {group: [keys]}}


CHANGED_INPUT = RULE.replace("userId", "user.id")
CHANGED_TRANSFORM = RULE.replace("lowercase", "trim")


@pytest.mark.parametrize(
    ("new", "document", "path", "said"),
    [
        (
            kit([CHANGED_INPUT]),
            row(outputKey="id", inputKey="context.my_id"),
            "global.mappings[0]",
            'the kit changed its rule for \'id\': inputKey from "userId" to "user.id", '
            'where the row says "context.my_id"',
        ),
        (
            kit([CHANGED_TRANSFORM]),
            row(outputKey="id", inputKey="context.my_id"),
            "global.mappings[0]",
            'transforms from {"modifyString":"lowercase"} to {"modifyString":"trim"}, which the row leaves to the kit',
        ),
        (
            kit([]),
            row(outputKey="id", inputKey="context.my_id"),
            "global.mappings[0]",
            "no longer has a rule for 'id'",
        ),
        (kit([]), row(outputKey="id", inputKey="x"), "global.mappings[0]", "transforms of the kit are gone"),
        (
            kit([CHANGED_INPUT]),
            row(outputKey="id", inputKey="user.id"),
            "global.mappings[0]",
            "the kit's own rule for 'id' does the same now",
        ),
        (
            kit([RULE, "{inputKey: event, outputKey: name}"]),
            row(outputKey="name", inputKey="name"),
            "global.mappings[0]",
            "the kit has a rule of its own for 'name' now",
        ),
        (
            kit([RULE, RULE]),
            row(outputKey="id", inputKey="x"),
            "global.mappings[0]",
            "the kit has 2 rules for 'id' now",
        ),
        (
            kit(enrichments=[KIND.replace("web", "shop")]),
            row("enrichments", outputKey="kind", staticString="mine"),
            "global.enrichments[0]",
            'staticString from "web" to "shop", where the row says "mine"',
        ),
        (kit([]), {"global": {"remove": ["id"]}}, "global.remove[0]", "has no rule for 'id' any more"),
        (kit([CHANGED_INPUT]), {"global": {"remove": ["id"]}}, "global.remove[0]", "it stays removed"),
        (
            kit(params="[{name: REGION}]"),
            {"parameters": [{"name": "REGION"}]},
            "parameters[0]",
            "the kit declares REGION itself now",
        ),
        (
            kit(events="{custom_thing: {}}"),
            {"events": {"Custom Thing": {"remove": []}}},
            "events.Custom Thing",
            "the kit has a section of its own for this event now",
        ),
        (
            kit(default="{enrichments: [{outputKey: k, staticInt: 2}]}"),
            {"events": {"Custom Thing": {"enrichments": [{"outputKey": "k", "staticInt": 3}]}}},
            "events.Custom Thing.enrichments[0]",
            "the kit has a rule of its own for 'k' now",
        ),
    ],
)
def test_each_conflict_says_where_and_what(new, document, path, said):
    """The place of the override, and what changed below it."""
    assert any(place == path and said in message for place, message in found(kit(), new, document))


def test_a_section_that_goes_is_a_conflict():
    """Its overrides lie over the rules of `default` then."""
    old = kit(events="{custom_thing: {mappings: [{inputKey: a, outputKey: a}]}}")
    document = {"events": {"Custom Thing": {"mappings": [{"outputKey": "a", "inputKey": "b"}]}}}
    assert [place for place, _ in found(old, kit(), document)] == [
        "events.Custom Thing",
        "events.Custom Thing.mappings[0]",
    ]


def test_what_the_newer_kit_leaves_alone_is_no_conflict():
    """Other rules may change as they like."""
    new = kit([RULE, "{inputKey: x, outputKey: y}"], enrichments=[])
    assert found(kit(), new, row(outputKey="id", inputKey="context.my_id") | {"parameters": [{"name": "REGION"}]}) == []


def test_an_override_that_changes_at_the_same_time_is_no_conflict():
    """Whoever writes it has looked at the newer kit."""
    document, after = row(outputKey="id", inputKey="a"), row(outputKey="id", inputKey="b")
    assert found(kit(), kit([CHANGED_INPUT]), document, after) == []


def test_conflicts_are_one_by_one():
    """Two overrides with two causes are two lines, each with a remedy."""
    document = {
        "global": {
            "mappings": [{"outputKey": "id", "inputKey": "x"}],
            "enrichments": [{"outputKey": "kind", "staticString": "y"}],
        }
    }
    problems = conflicts(kit(), kit([], []), document, document)
    assert len(problems) == 2
    assert all("--remove" in problem.remedy for problem in problems)
    assert str(problems[0]).startswith("overrides: global.")


def test_a_plan_shows_conflicts():
    """`headwater apply` names them among what a new revision changes."""
    text = "version: 1.0.0\nglobal: {mappings: [{inputKey: userId, outputKey: id}]}"
    before = DeclaredContent(
        "kit", {"playbook.yaml": text, "connection.yaml": CONNECTION}, {}, row(outputKey="id", inputKey="x")
    )
    newer = {"playbook.yaml": text.replace("userId", "user.id"), "connection.yaml": CONNECTION}
    file, conflict = differences(before, DeclaredContent("kit", newer, {}, before.overrides))
    assert file == "file playbook.yaml"
    assert conflict.startswith("conflict at global.mappings[0]: the kit changed its rule for 'id'")
